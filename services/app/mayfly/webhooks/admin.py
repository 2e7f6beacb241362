"""The operator's view of webhooks: which endpoints hear something, how they fare, and a way to remove them."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from .models import Webhook

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Webhook]
else:
    ModelAdmin = admin.ModelAdmin  # Django's own takes no type when it runs

COLUMNS = ("leads_to", "hears", "last_event", "failed", "last_answer")


@admin.register(Webhook)
class WebhookAdmin(ModelAdmin):
    """Nothing is added or changed, and no secret is shown."""

    list_display = fields = readonly_fields = COLUMNS
    search_fields = ("url",)
    ordering = ("-used_at",)
    show_full_result_count = False

    @admin.display(description="URL", ordering="url")
    def leads_to(self, webhook: Webhook) -> str:
        return webhook.url

    @admin.display(description=_("Events"), ordering="events")
    def hears(self, webhook: Webhook) -> str:
        return ", ".join(webhook.wanted)

    @admin.display(description=_("Last event"), ordering="used_at")
    def last_event(self, webhook: Webhook) -> str:
        return date_format(webhook.used_at, "DATETIME_FORMAT")

    @admin.display(description=_("Failures in a row"), ordering="failures")
    def failed(self, webhook: Webhook) -> int:
        return webhook.failures

    @admin.display(description=_("Last answer"), ordering="last_status")
    def last_answer(self, webhook: Webhook) -> str:
        return str(webhook.last_status or "-")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return settings.WEBHOOKS and super().has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Webhook | None = None) -> bool:
        return False
