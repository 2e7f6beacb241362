"""Open to other people: TLS ends at a router in front, and no default is a risk."""

from . import platform, variables
from .base import *  # noqa: F403
from .https import *  # noqa: F403
from .https import OLD_NAMES
from .site import BY_HTTPS, SITE_HOSTS, SITE_URL

if SITE_URL and not BY_HTTPS:
    variables.fail("SITE_URL", "has to begin with https:// in production")
DEBUG = variables.flag("DEBUG", default=False)
ALLOWED_HOSTS = variables.names("ALLOWED_HOSTS", default="" if SITE_HOSTS else None) + SITE_HOSTS
variables.text("DATABASE_URL")  # no SQLite by accident
variables.text("REDIS_URL")  # the worker is another machine

DATABASES = {"default": platform.with_tls(DATABASES["default"])}  # noqa: F405

TRUST_PROXY = variables.flag("TRUST_PROXY", default=True)
SECURE_PROXY_SSL_HEADER = platform.PROXY_SSL_HEADER
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # probes ask from inside, without the router
# The domain's owner decides about TLS for subdomains and about browsers' preload lists.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
MIDDLEWARE = [OLD_NAMES, "mayfly.pages.proxies.Unknown", *MIDDLEWARE]  # noqa: F405
# The release step stops a version that Django's deployment check warns about.
DEPLOY_CHECK = True
