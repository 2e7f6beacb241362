"""A laptop: Compose and `make run`. Plain HTTP, and hosts that only this machine has."""

from . import variables
from .base import *  # noqa: F403

DEBUG = variables.flag("DEBUG_DESENV", default=False)
ALLOWED_HOSTS = variables.names("ALLOWED_HOSTS_DEV", default=".localhost,127.0.0.1,[::1]")
