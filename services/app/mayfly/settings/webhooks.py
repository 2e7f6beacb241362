"""Whether visitors may have webhooks, and where these may lead beside public addresses."""

from . import variables

WEBHOOKS = variables.flag("WEBHOOKS", default=False)
WEBHOOK_HOSTS = variables.names("WEBHOOK_HOSTS", default="")
