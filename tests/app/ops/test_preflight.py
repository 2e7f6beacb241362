"""`manage.py preflight`, up to the point where it needs a bucket. tests/stack/dyno has the rest."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command


def preflight() -> str:
    out = StringIO()
    call_command("preflight", origin="https://drop.example", stdout=out)
    return out.getvalue()


@pytest.fixture
def careful(settings):
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
    settings.SECRET_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    settings.ALLOWED_HOSTS = ["drop.example"]
    return settings


def test_preflight_names_careless_settings(careful):
    careful.DEBUG = True
    with pytest.raises(CommandError, match="DEBUG set to True in deployment"):
        preflight()


def test_preflight_refuses_a_dynos_own_disk_as_storage(careful):
    careful.USE_S3 = False
    with pytest.raises(CommandError, match="dynos share no disk"):
        preflight()
