"""Every address of the site."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

from .api import bytes as byte_routes
from .api.bundles import api
from .ops import health
from .pages import (
    bundle,
    bundle_zip,
    code,
    deletion,
    download,
    forget,
    installed,
    lists,
    operator,
    report,
    security,
    send,
    share,
    sharex,
    worker,
)
from .pages.limited import limited
from .uploads.choices import Kind
from .visitors.rates import Rate

urlpatterns = [
    path("", send.root, name="home"),
    path("images/", lists.page, {"kind": Kind.IMAGE}, name="images"),
    path("images/clear/", lists.clear, {"kind": Kind.IMAGE}, name="images-clear"),
    path("images/delete/", lists.delete_several, {"kind": Kind.IMAGE}, name="images-delete"),
    path("files/", lists.page, {"kind": Kind.FILE}, name="files"),
    path("files/clear/", lists.clear, {"kind": Kind.FILE}, name="files-clear"),
    path("files/delete/", lists.delete_several, {"kind": Kind.FILE}, name="files-delete"),
    path("u/<upload:upload_id>/", share.share, name="share"),
    path("u/<upload:upload_id>/download", download.download, name="download"),
    path("u/<upload:upload_id>/open", download.unlock, name="open"),
    path("u/<upload:upload_id>/qr.svg", share.qr, name="qr"),
    path("u/<upload:upload_id>/preview", share.preview, name="preview"),
    path("u/<upload:upload_id>/delete", share.delete, name="delete"),
    path("delete/<str:token>", deletion.delete, name="delete-link"),
    path("u/<upload:upload_id>/keep", share.keep, name="keep"),
    path("u/<upload:upload_id>/report", report.report, name="report"),
    path(".well-known/security.txt", security.contact, name="security"),
    path("b/<upload:bundle_id>/", bundle.bundle, name="bundle"),
    path("b/<upload:bundle_id>/zip", bundle_zip.bundle_zip, name="bundle-zip"),
    path("b/<upload:bundle_id>/open", bundle_zip.unlock, name="bundle-open"),
    path("b/<upload:bundle_id>/qr.svg", bundle.qr, name="bundle-qr"),
    path("b/<upload:bundle_id>/delete", bundle.delete, name="bundle-delete"),
    path("b/<upload:bundle_id>/keep", bundle.keep, name="bundle-keep"),
    path("b/<upload:bundle_id>/report", report.report_bundle, name="bundle-report"),
    path("code/", code.code, name="code"),
    path("app/manifest.webmanifest", installed.manifest, name="manifest"),
    path("app/offline/", worker.offline, name="offline"),
    path("app/shared/", worker.shared, name="shared"),
    path("app/sharex.sxcu", sharex.uploader, name="sharex"),
    path("app/worker.js", worker.worker, name="worker"),
    path("forget/", forget.forget, name="forget"),
    path("forget/others/", limited(Rate.TOKENS, "POST")(forget.others), name="forget-others"),
    path("language/", limited(Rate.LANGUAGES, "POST")(set_language), name="language"),
    path("api/", api.urls),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready),
]
if settings.ADMIN:
    login = limited(Rate.LOGINS, "POST")(operator.login)
    urlpatterns += [path("admin/login/", login), path("admin/", admin.site.urls)]
if not settings.USE_S3:
    urlpatterns += [path("", include(byte_routes))]
# Last, since every name would match: curl -T name URL
urlpatterns += [path("<str:name>", send.put)]

handler400 = "mayfly.pages.errors.bad_request"
handler404 = "mayfly.pages.errors.not_found"
handler500 = "mayfly.pages.errors.server_error"
