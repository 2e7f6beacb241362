from django.apps import AppConfig
from django.conf import settings


class WebhooksConfig(AppConfig):
    name = "mayfly.webhooks"

    def ready(self) -> None:
        if settings.WEBHOOKS:
            from . import outbox

            outbox.connect()
