"""The operator's view: all uploads, and a way to take them down. Nothing can be added or changed by hand."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from ..storage.default import uploads_storage
from . import lifecycle
from .choices import State
from .models import Upload
from .queries import UploadQuerySet

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Upload]
else:
    ModelAdmin = admin.ModelAdmin  # Django's own takes no type when it runs


@admin.register(Upload)
class UploadAdmin(ModelAdmin):
    list_display = ("id", "kind", "state", "name", "size", "created_at", "expires_at", "removed_at")
    list_filter = ("kind", "state")
    search_fields = ("=id", "=box")
    ordering = ("-created_at",)
    actions = ("take_down",)
    show_full_result_count = False

    @admin.action(description="Take down: remove now, keep the receipt", permissions=["delete"])
    def take_down(self, request: HttpRequest, uploads: UploadQuerySet) -> None:
        removed = sum(lifecycle.remove(upload, storage=uploads_storage) for upload in uploads)
        self.message_user(request, f"{removed} removed.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        # Deleting a row removes its bytes as well (apps.py). The sweep alone removes rows in transfer or in removal.
        return super().has_delete_permission(request, obj) and (obj is None or obj.state in (State.READY, State.GONE))
