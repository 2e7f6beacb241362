"""A laptop: Compose and `make run`. Plain HTTP, and hosts that only this machine has, unless SITE_URL says more."""

from . import variables
from .base import *  # noqa: F403
from .site import BY_HTTPS, SITE_HOSTS

DEBUG = variables.flag("DEBUG_DESENV", default=False)
ALLOWED_HOSTS = variables.names("ALLOWED_HOSTS_DEV", default=".localhost,127.0.0.1,[::1]") + SITE_HOSTS
if BY_HTTPS:
    from .https import *  # noqa: F403
    from .https import OLD_NAMES

    MIDDLEWARE = [OLD_NAMES, *MIDDLEWARE]  # noqa: F405
