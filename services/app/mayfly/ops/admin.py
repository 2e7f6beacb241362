"""The operator's view: all uploads, what each of them is, and a way to take them down. Nothing is added or changed."""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Sum
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..storage.default import uploads_storage
from ..uploads import lifecycle
from ..uploads.choices import STANDING, End, Kind, State
from ..uploads.formats import size_in_words
from ..uploads.models import Upload
from ..uploads.queries import UploadQuerySet
from . import blocks, reports  # noqa: F401  # Django finds the admin in this module, and the rest of it through this import
from .finding import find
from .showing import LIST, picture_of, time_shown, way_to_block, with_others

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Upload]
else:
    ModelAdmin = admin.ModelAdmin  # Django's own takes no type when it runs

logger = logging.getLogger(__name__)

# The most uploads that the confirmation shows one by one; above that it says how many there are.
SHOWN = 12

admin.site.site_header = admin.site.site_title = "Mayfly"
admin.site.enable_nav_sidebar = False  # it lists some tables, and takes a quarter of the width


class Titled(admin.ChoicesFieldListFilter):
    """A filter whose title is translated."""

    TITLES = {"kind": _("kind"), "state": _("state")}

    def __init__(self, field: Any, *arguments: Any, **more: Any):
        super().__init__(field, *arguments, **more)
        self.title = self.TITLES[field.name]


@admin.register(Upload)
class UploadAdmin(ModelAdmin):
    list_display = ("named", "kind_label", "state_shown", "size_shown", "came", "ends", "page")
    list_filter = (("kind", Titled), ("state", Titled))
    search_fields = ("id",)  # without one there is no search; `get_search_results` does it
    search_help_text = _(
        "A link, four code words, an id or its first letters and a star, a name, an IP address, "
        "or the hash of a box or an address."
    )
    ordering = ("-created_at",)
    actions = ("take_down",)
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("picture", "named", "title", "kind_shown", "size_shown", "state_shown")}),
        (_("When"), {"fields": ("came", "ends")}),
        (_("From where"), {"fields": ("id", "of_box", "of_address", "content")}),
    )
    readonly_fields = (
        "picture",
        "named",
        "kind_shown",
        "size_shown",
        "state_shown",
        "came",
        "ends",
        "of_box",
        "of_address",
        "content",
    )

    class Media:
        css = {"all": ["mayfly/admin.css"]}
        js = [Script("mayfly/bundle/admin.js", type="module")]

    @admin.display(description=_("Name"), ordering="name")
    def named(self, upload: Upload) -> str:
        return upload.name or f"{upload.pk[:8]}…"

    @admin.display(description=_("kind"), ordering="kind")
    def kind_label(self, upload: Upload) -> str:
        return str(Kind(upload.kind).label)

    @admin.display(description=_("kind"))
    def kind_shown(self, upload: Upload) -> str:
        kind = self.kind_label(upload)
        return f"{kind}, {upload.content_type}" if upload.content_type else kind

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, upload: Upload) -> str:
        return f"{State(upload.state).label}: {upload.failure}" if upload.failure else str(State(upload.state).label)

    @admin.display(description=_("Size"), ordering="size")
    def size_shown(self, upload: Upload) -> str:
        return size_in_words(upload.size)

    @admin.display(description=_("Arrived"), ordering="created_at")
    def came(self, upload: Upload) -> str:
        return time_shown(upload.created_at)

    @admin.display(description=_("Expires, or deleted"), ordering="expires_at")
    def ends(self, upload: Upload) -> str:
        return time_shown(upload.removed_at or upload.expires_at)

    @admin.display(description=_("Page"))
    def page(self, upload: Upload) -> str:
        if upload.state not in (State.READY, State.GONE):
            return "-"
        return format_html('<a href="{}">{}</a>', self.view_on_site(upload), gettext("View"))

    @admin.display(description=_("Preview"))
    def picture(self, upload: Upload) -> str:
        return picture_of(upload) or gettext("There is none.")

    @admin.display(description=_("Box"))
    def of_box(self, upload: Upload) -> str:
        return with_others(upload.box, gettext("All uploads of this box"))

    @admin.display(description=_("Address, as a hash"))
    def of_address(self, upload: Upload) -> str:
        if not upload.address:
            return "-"
        others = with_others(upload.address, gettext("All uploads from this address"))
        return format_html("{} · {}", others, way_to_block(upload.address, gettext("Block sender")))

    @admin.display(description=_("Content, as a SHA-256"))
    def content(self, upload: Upload) -> str:
        if not upload.sha256:
            return "-"
        return format_html("{} {}", upload.sha256, way_to_block(upload.sha256, gettext("Block content")))

    def view_on_site(self, upload: Upload) -> str:
        """The address of the page that visitors see."""
        return reverse("share", args=[upload.pk])

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[UploadQuerySet, bool]:
        return (find(queryset, search_term) if search_term.strip() else queryset), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.take_down_one)
        return [path("<upload:upload_id>/take-down/", view, name="uploads_upload_take_down"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **more: Any) -> Any:
        upload = more.get("obj")
        if upload and upload.state in STANDING and self.has_delete_permission(request):
            context["take_down"] = reverse("admin:uploads_upload_take_down", args=[upload.pk])
            context["take_down_words"] = gettext("Take down")
            context["show_delete"] = False  # a take-down does that, and keeps the receipt
        return super().render_change_form(request, context, *arguments, **more)

    def take_down_one(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        """Ask whether to take this upload down; the list's own action does it."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        upload = get_object_or_404(Upload, pk=upload_id)
        if upload.state not in STANDING:
            self.message_user(request, gettext("It is no longer offered."), messages.WARNING)
            return redirect("admin:uploads_upload_change", upload_id)
        return self._ask(request, Upload.objects.filter(pk=upload_id), {"_selected_action": [upload_id]})

    @admin.action(description=_("Take down: remove now, keep the receipt"), permissions=["delete"])
    def take_down(self, request: HttpRequest, uploads: UploadQuerySet) -> HttpResponse | None:
        """Show what would go, and ask. Once that is confirmed, take down what there was when it was shown.

        All are hidden first. Then the bytes of a first batch are removed; the sweep removes those of the others.
        """
        until = parse_datetime(request.POST.get("confirmed", ""))
        if until is None:
            fields = ("_selected_action", "select_across")
            return self._ask(request, uploads, {name: request.POST.getlist(name) for name in fields})
        uploads = uploads.filter(created_at__lte=until)
        names = list(uploads.standing().values_list("name", flat=True)[:2])
        batches = _batches(uploads)
        first = next(batches, Upload.objects.none())
        hidden = sum(len(lifecycle.mark(batch, end=End.OPERATOR)) for batch in batches)
        number = lifecycle.remove_all(first, end=End.OPERATOR, storage=uploads_storage) + hidden
        logger.info("an operator took down uploads: %d", number)
        if number == 1 and names:
            words = gettext("“%s” is no longer offered.") % names[0]
        else:
            words = ngettext("%d upload is no longer offered.", "%d uploads are no longer offered.", number) % number
        if hidden:
            words += " " + gettext("The sweep removes the rest of their bytes.")
        self.message_user(request, words, messages.SUCCESS)
        return None

    def _ask(self, request: HttpRequest, uploads: UploadQuerySet, fields: dict[str, list[str]]) -> HttpResponse:
        """The page that shows what a take-down would remove. Its form sends `fields` to the list's action again."""
        standing = uploads.standing()
        found = standing.order_by().aggregate(number=Count("pk"), size=Sum("size"), newest=Max("created_at"))
        number = found["number"]
        if not number:
            self.message_user(request, gettext("None of these is offered any more."), messages.WARNING)
            return redirect(LIST)
        words = ngettext("Take down %(number)d upload, %(size)s?", "Take down %(number)d uploads, %(size)s?", number)
        more = number - SHOWN
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "title": words % {"number": number, "size": size_in_words(found["size"])},
            "explanation": gettext(
                "From then on they are neither shown nor given out. A link says when its upload went, and nothing else."
            ),
            "rows": [
                {
                    "name": self.named(upload),
                    "about": f"{self.kind_shown(upload)}, {self.size_shown(upload)}",
                    "picture": picture_of(upload),
                    "page": self.page(upload),
                }
                for upload in standing[:SHOWN]
            ],
            "more": ngettext("and %d more", "and %d more", more) % more if more > 0 else "",
            # The operator has not seen the uploads that come after this page was made, so these stay.
            "fields": [
                *((name, value) for name, values in fields.items() for value in values),
                ("action", "take_down"),
                ("confirmed", found["newest"].isoformat()),
            ],
            "list": f"{reverse(LIST)}?{request.GET.urlencode()}",
            "yes": gettext("Take down"),
            "no": gettext("Back to the list"),
        }
        return TemplateResponse(request, "admin/uploads/upload/take_down.html", context)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """All but Django's own deletion of many rows, which would ask storage for each within one request."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        # Deleting a row removes its bytes too (uploads/apps.py). The sweep alone removes rows in transfer or removal.
        return super().has_delete_permission(request, obj) and (obj is None or obj.state in (State.READY, State.GONE))


def _batches(uploads: UploadQuerySet) -> Iterator[UploadQuerySet]:
    """Those of these uploads that stand, in querysets of up to BATCH rows: a database limits the length of a list."""
    last = ""
    while ids := list(
        uploads.standing().filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[: lifecycle.BATCH]
    ):
        yield Upload.objects.filter(pk__in=ids)
        last = ids[-1]
