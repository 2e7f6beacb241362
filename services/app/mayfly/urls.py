"""Every address of the site; design: the public interface."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

from uploads.api import api

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("language/", set_language, name="language"),
    path("", include("uploads.urls")),
]
if not settings.USE_S3:
    urlpatterns += [path("", include("uploads.storage.served"))]
handler400 = "uploads.views.bad_request"
handler404 = "uploads.views.not_found"
handler500 = "uploads.views.server_error"
