"""The operator's list of reports: what each says, the upload that it is about, and the ways to act on it."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.contrib import admin
from django.forms import Script
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..abuse.models import Reason, Report
from ..uploads.choices import STANDING, State
from .showing import LIST, link, picture_of, time_shown, way_to_block

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Report]
else:
    ModelAdmin = admin.ModelAdmin  # Django's own takes no type when it runs


@admin.register(Report)
class ReportAdmin(ModelAdmin):
    list_display = ("came", "reason_label", "words", "of_upload", "picture", "state_shown", "answers")
    list_display_links = None
    list_select_related = ("upload",)
    ordering = ("-created_at",)
    show_full_result_count = False
    list_per_page = 50

    class Media:
        css = {"all": ["mayfly/admin.css"]}
        js = [Script("mayfly/bundle/admin.js", type="module")]

    @admin.display(description=_("Arrived"), ordering="created_at")
    def came(self, report: Report) -> str:
        return time_shown(report.created_at)

    @admin.display(description=_("Reason"), ordering="reason")
    def reason_label(self, report: Report) -> str:
        return str(Reason(report.reason).label)

    @admin.display(description=_("Upload"))
    def of_upload(self, report: Report) -> str:
        address = reverse("admin:uploads_upload_change", args=[report.upload_id])
        return link(address, report.upload.name or f"{report.upload_id[:8]}…")

    @admin.display(description=_("Preview"))
    def picture(self, report: Report) -> str:
        return picture_of(report.upload) or "-"

    @admin.display(description=_("state"))
    def state_shown(self, report: Report) -> str:
        return str(State(report.upload.state).label)

    @admin.display(description=_("Actions"))
    def answers(self, report: Report) -> str:
        """Links to pages that ask before anything happens."""
        upload = report.upload
        links = []
        if upload.state == State.READY:
            links.append(link(reverse("share", args=[upload.pk]), gettext("View")))
        if upload.state in STANDING:
            links.append(link(reverse("admin:uploads_upload_take_down", args=[upload.pk]), gettext("Take down")))
        if upload.bundle:
            links.append(link(f"{reverse(LIST)}?{urlencode({'q': upload.bundle})}", gettext("All under its link")))
        if report.sha256:
            links.append(way_to_block(report.sha256, gettext("Block content")))
        if report.sender:
            links.append(way_to_block(report.sender, gettext("Block sender")))
        return format_html_join(" · ", "{}", ((one,) for one in links)) or "-"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Report | None = None) -> bool:
        return False
