"""Where other people come: TLS ends at a router in front, and nothing has a default that would be a risk."""

from . import platform, variables
from .base import *  # noqa: F403

DEBUG = variables.flag("DEBUG", default=False)
ALLOWED_HOSTS = variables.names("ALLOWED_HOSTS")
variables.text("DATABASE_URL")  # no SQLite by accident
variables.text("REDIS_URL")  # the worker is another machine

DATABASES = {"default": platform.with_tls(DATABASES["default"])}  # noqa: F405

TRUST_PROXY = variables.flag("TRUST_PROXY", default=True)
SECURE_PROXY_SSL_HEADER = platform.PROXY_SSL_HEADER
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # probes come from inside, without the router
SECURE_HSTS_SECONDS = 31_536_000  # a year, the least that browsers' preload lists accept
# Whether subdomains too, and browsers' own lists, are to hold to TLS is for the domain's owner to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
# The release step does not let a version through to which Django's own check for deployment has something to say.
DEPLOY_CHECK = True
