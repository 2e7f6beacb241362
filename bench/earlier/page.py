"""A page as the earlier versions had it, as small as it can be: the last three images, by Django and django-storages.

A model with a FileField, a query for the newest three, a template with their URLs, and Django's usual middleware. Its
gunicorn has two sync workers, as Heroku's guide has it. It runs without a router in front, to its advantage.
"""

import os

import dj_database_url
from django.conf import settings

settings.configure(
    SECRET_KEY="only-for-figures-" + "x" * 40,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=500)},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    STORAGES={
        "default": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": "earlier",
                "region_name": "us-east-1",
                "access_key": "test",
                "secret_key": "test",
            },
        }
    },
)

import django  # noqa: E402

django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.template import RequestContext, engines  # noqa: E402
from django.urls import path  # noqa: E402

PAGE = """<!doctype html><html><head><title>Images</title></head><body>
<form method="post" enctype="multipart/form-data">{% csrf_token %}<input name="title"><input type="file" name="image">
<button>Send</button></form>
<ul>{% for image in images %}<li><h3>{{ image.title }}</h3><img src="{{ image.file.url }}" alt="{{ image.title }}">
<p>{{ image.created_at }}</p></li>{% endfor %}</ul></body></html>"""


class Image(models.Model):
    title = models.CharField(max_length=80)
    file = models.FileField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "earlier"

    def __str__(self) -> str:
        return self.title


def page(request: HttpRequest) -> HttpResponse:
    template = engines["django"].from_string(PAGE).template if not _kept else _kept[0]
    _kept[:] = [template]
    return HttpResponse(template.render(RequestContext(request, {"images": Image.objects.order_by("-pk")[:3]})))


_kept: list = []
urlpatterns = [path("", page)]
application = get_wsgi_application()


def prepare() -> None:
    """Make the table, with four images."""
    from django.db import connection

    with connection.schema_editor() as editor:
        editor.create_model(Image)
    for number in range(4):
        Image.objects.create(title=f"image {number}", file=f"{number}.jpg")


if __name__ == "__main__":
    prepare()
