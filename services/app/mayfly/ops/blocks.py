"""The operator's blocks: a list, a form for a new one, and the lifting of old ones."""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.forms import Script
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..abuse import blocks, digests
from ..abuse.models import NOTE_LENGTH, Block, Sort
from ..storage.default import uploads_storage
from ..uploads.errors import NotAllowed
from ..uploads.limits import DIGEST_LENGTH
from .showing import time_shown

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Block]
    ModelForm = forms.ModelForm[Block]
else:
    ModelAdmin, ModelForm = admin.ModelAdmin, forms.ModelForm  # Django's own take no type when they run

logger = logging.getLogger(__name__)

LASTS = [
    ("1", _("a day")),
    ("7", _("a week")),
    ("30", _("a month")),
    ("365", _("a year")),
    ("", _("until it is lifted (content only)")),
]


class BlockForm(ModelForm):
    """One field takes all sorts, because each is recognized by its form."""

    value = forms.CharField(
        label=_("Block this"),
        max_length=DIGEST_LENGTH,
        help_text=_(
            "A SHA-256 of content, a network such as 198.51.100.0/24, an IP address, or the hash of an address."
        ),
        widget=forms.TextInput(attrs={"size": DIGEST_LENGTH, "autocomplete": "off"}),
    )
    lasts = forms.ChoiceField(label=_("For how long"), choices=LASTS, initial="7", required=False)
    note = forms.CharField(label=_("Note"), max_length=NOTE_LENGTH, required=False)

    class Meta:
        model = Block
        fields = ("value", "lasts", "note")

    def clean_lasts(self) -> timedelta | None:
        days = self.cleaned_data["lasts"]
        return timedelta(days=int(days)) if days else None

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if "value" in given and "lasts" in given:
            try:
                blocks.check(given["value"], lasts=given["lasts"])
            except NotAllowed as fault:
                self.add_error(fault.field, str(fault))
        return given


@admin.register(Block)
class BlockAdmin(ModelAdmin):
    form = BlockForm
    list_display = ("value", "sort_label", "note", "came", "ends")
    list_filter = ("sort",)
    search_fields = ("value", "note")
    ordering = ("-created_at",)
    show_full_result_count = False

    class Media:
        css = {"all": ["mayfly/admin.css"]}
        js = [Script("mayfly/bundle/admin.js", type="module")]

    @admin.display(description=_("Sort"), ordering="sort")
    def sort_label(self, block: Block) -> str:
        return str(Sort(block.sort).label)

    @admin.display(description=_("Arrived"), ordering="created_at")
    def came(self, block: Block) -> str:
        return time_shown(block.created_at)

    @admin.display(description=_("Ends"), ordering="ends_at")
    def ends(self, block: Block) -> str:
        return time_shown(block.ends_at) if block.ends_at else gettext("when it is lifted")

    def save_model(self, request: HttpRequest, obj: Block, form: Any, change: bool) -> None:
        """Keep the block. If it is of content, remove at once what has that content."""
        given = form.cleaned_data
        kept = blocks.block(given["value"], lasts=given["lasts"], note=given["note"])
        obj.pk, obj.sort, obj.value = kept.pk, kept.sort, kept.value
        logger.info("an operator blocked %s", kept.sort)
        if kept.sort == Sort.CONTENT:
            number = digests.remove_blocked(kept.value, storage=uploads_storage)
            words = ngettext("%d upload is no longer offered.", "%d uploads are no longer offered.", number)
            self.message_user(request, words % number, messages.SUCCESS)

    def has_change_permission(self, request: HttpRequest, obj: Block | None = None) -> bool:
        return False
