"""The pages, `curl -T`, and the health of the process."""

from django.urls import path

from . import health, paths, views  # noqa: F401  (paths registers what an id looks like)
from .policy import Kind

urlpatterns = [
    path("", views.home, name="home"),
    path("images/", views.page, {"kind": Kind.IMAGE}, name="images"),
    path("images/clear/", views.clear, {"kind": Kind.IMAGE}, name="images-clear"),
    path("files/", views.page, {"kind": Kind.FILE}, name="files"),
    path("files/clear/", views.clear, {"kind": Kind.FILE}, name="files-clear"),
    path("u/<upload:upload_id>/", views.share, name="share"),
    path("u/<upload:upload_id>/download", views.download, name="download"),
    path("u/<upload:upload_id>/qr.svg", views.qr, name="qr"),
    path("u/<upload:upload_id>/preview", views.preview, name="preview"),
    path("u/<upload:upload_id>/delete", views.delete, name="delete"),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready),
    # Last, since every name would match: curl -T name URL
    path("<str:name>", views.put),
]
