"""Open to other people: TLS ends at a router in front, and no default is a risk."""

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
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # probes ask from inside, without the router
SECURE_HSTS_SECONDS = 31_536_000  # a year, the least that browsers' preload lists accept
# The domain's owner decides about TLS for subdomains and about browsers' preload lists.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# With this prefix a browser takes a cookie from this host alone, by TLS, and for no part of the site only. So a
# neighbour on the same domain can give no visitor a cookie of its own choice.
COOKIE_PREFIX = "__Host-"
CSRF_COOKIE_NAME, SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken", f"{COOKIE_PREFIX}sessionid"
MIDDLEWARE = ["mayfly.visitors.cookies.OldNames", *MIDDLEWARE]  # noqa: F405
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
# The release step stops a version that Django's deployment check warns about.
DEPLOY_CHECK = True
