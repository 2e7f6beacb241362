"""The operator's view: all uploads, and a way to take them down. Nothing can be added or changed by hand."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..storage.default import uploads_storage
from . import lifecycle
from .choices import End, State
from .models import Upload
from .queries import UploadQuerySet

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Upload]
else:
    ModelAdmin = admin.ModelAdmin  # Django's own takes no type when it runs


@admin.register(Upload)
class UploadAdmin(ModelAdmin):
    list_display = ("id", "kind", "state", "name", "size", "created_at", "expires_at", "removed_at", "failure")
    list_filter = ("kind", "state")
    search_fields = ("=id", "=box")
    ordering = ("-created_at",)
    actions = ("take_down",)
    show_full_result_count = False

    @admin.action(description=_("Take down: remove now, keep the receipt"), permissions=["delete"])
    def take_down(self, request: HttpRequest, uploads: UploadQuerySet) -> None:
        """Hide all of them first. Then remove the bytes of a first batch; the sweep removes those of the others."""
        batches = _batches(uploads)
        first = next(batches, Upload.objects.none())
        hidden = sum(len(lifecycle.mark(batch, end=End.OPERATOR)) for batch in batches)
        number = lifecycle.remove_all(first, end=End.OPERATOR, storage=uploads_storage) + hidden
        words = ngettext("%d upload is no longer offered.", "%d uploads are no longer offered.", number) % number
        self.message_user(
            request, words + (" " + gettext("The sweep removes the rest of their bytes.") if hidden else "")
        )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """All but Django's own deletion of many rows, which would ask storage for each within one request."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        # Deleting a row removes its bytes as well (apps.py). The sweep alone removes rows in transfer or in removal.
        return super().has_delete_permission(request, obj) and (obj is None or obj.state in (State.READY, State.GONE))


def _batches(uploads: UploadQuerySet) -> Iterator[UploadQuerySet]:
    """Those of these uploads that stand, in querysets of up to BATCH rows: a database limits the length of a list."""
    last = ""
    while ids := list(
        uploads.standing().filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[: lifecycle.BATCH]
    ):
        yield Upload.objects.filter(pk__in=ids)
        last = ids[-1]
