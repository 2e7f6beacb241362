"""Fixtures of the tests of the Django code. The defaults here are for `make test`; `make test-stack` sets its own."""

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="mayfly-tests-"))
os.environ.setdefault("SETTINGS_MODULE_PATH", "mayfly.settings.development")
os.environ.setdefault("ADMIN", "True")
os.environ.setdefault("WEBHOOKS", "True")
os.environ.setdefault("WEB_THREADS", "16")  # tests complete many uploads at once in one process
# All tests come from one address. Those of the rates set limits of their own.
RATED = (
    "UPLOADS_ADDRESS UPLOADS_BOX CHANGES DOWNLOADS QR_CODES LANGUAGES LOGINS TOKENS CODES CODES_SITE "
    "REPORTS REPORTS_SITE"
)
for rate in RATED.split():
    os.environ.setdefault(f"RATE_{rate}", "0")
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    # Each worker gets a storage, as it gets a database from pytest-django, because reconcile looks at all of storage.
    os.environ["DATA_DIR"] = os.path.join(os.environ["DATA_DIR"], worker)
    if bucket := os.environ.get("AWS_STORAGE_BUCKET_NAME"):
        os.environ["AWS_STORAGE_BUCKET_NAME"] = f"{bucket}-{worker}"

from mayfly import settings as chosen

chosen.choose()

import django

django.setup()
# A worker of xdist would inherit this variable, and read the settings before it reaches the lines above.
del os.environ["DJANGO_SETTINGS_MODULE"]

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.utils.translation import override

from mayfly.ops import health
from mayfly.pages import environment
from mayfly.previews import draw
from mayfly.uploads import limits as limits_module

from ..support.people import Person
from ..support.statics import collected

# Any test of these folders may talk to Redis or storage.
SERVED = ("abuse", "bundles", "settings", "storage", "visitors")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items) -> None:
    """Mark the tests that reach a database, Redis or storage: against the stack only these give another answer."""
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""
        in_database = item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(item.fixturenames)
        if in_database or folder in SERVED:
            item.add_marker("services")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory) -> None:
    """SQLite in a file, as `make run` has it, so that threads of a test see one database.

    SQLite does not wait for the disk, because a power failure may take the rows of a test.
    """
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        database["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"


@pytest.fixture(scope="session")
def static_root(tmp_path_factory) -> Path:
    """The collected static files. They are for reading, because all tests share them."""
    base = tmp_path_factory.getbasetemp()
    return collected(base.parent if worker else base)


@pytest.fixture(scope="session", autouse=True)
def prepared(static_root) -> None:
    """Collect static files and prepare storage, as a build and a release do."""
    settings.STATIC_ROOT = static_root
    # Each Client has middleware of its own. WhiteNoise would look over all files for each, which takes 25 ms.
    settings.WHITENOISE_AUTOREFRESH = True
    # The default hasher takes a quarter of a second, which is its purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    default_storage.prepare()


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Start in English, because a request leaves its language to the next test in its thread."""
    with override("en"):
        yield


@pytest.fixture(autouse=True)
def ready_keeps_nothing(monkeypatch) -> None:
    """Check anew each time, because the answer of one test says nothing to the next."""
    for kept in (health.readiness, health.warnings):
        monkeypatch.setattr(kept, "seconds", 0)


@pytest.fixture(autouse=True)
def patient_reader(monkeypatch) -> None:
    """Let documents take their time on a busy machine. Their limit on processor time stays."""
    monkeypatch.setattr(draw, "DOCUMENT_SECONDS", 60)


@pytest.fixture
def limits(monkeypatch) -> Iterator[Callable[..., None]]:
    """Change limits for one test: `limits(images_kept=0)`."""

    def change(**changes) -> None:
        for name, value in changes.items():
            monkeypatch.setattr(limits_module.limits, name, value)
        environment.kept.cache_clear()  # a process has one set of limits, so the pages keep the form that says them

    yield change
    environment.kept.cache_clear()


@pytest.fixture
def operator() -> Client:
    """A browser whose user may do everything in the admin. Its test needs the database."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def owner() -> Person:
    return Person()


@pytest.fixture
def stranger() -> Person:
    return Person()


@pytest.fixture
def beside():
    """A function that calls another in a thread with its own connection; returns the future."""
    with ThreadPoolExecutor(4) as pool:

        def call(function: Callable[[], object]):
            def run():
                try:
                    return function()
                finally:
                    connection.close()

            return pool.submit(run)

        yield call
