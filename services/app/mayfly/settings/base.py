"""Settings for every place: the frame here, and one module for each topic. .env.var describes every variable."""

from importlib.util import find_spec
from pathlib import Path

from . import platform, variables
from .celery import *  # noqa: F403
from .cors import *  # noqa: F403
from .cors import CORS_MIDDLEWARE
from .limits import *  # noqa: F403
from .mail import *  # noqa: F403
from .places import *  # noqa: F403
from .places import BASE_DIR
from .scanning import *  # noqa: F403
from .security import *  # noqa: F403
from .site import *  # noqa: F403
from .storages import *  # noqa: F403
from .webhooks import *  # noqa: F403

SECRET_KEY = variables.text("SECRET_KEY")
SECRET_KEY_FALLBACKS = variables.names("SECRET_KEY_FALLBACKS", default="")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "mayfly.pages.statics.StaticFiles",
    "csp",
    "mayfly.uploads",
    "mayfly.visitors",
    "mayfly.previews",
    "mayfly.webhooks",
    "mayfly.abuse",
    "mayfly.pages",
    "mayfly.ops",
]
# The API document's page has its files there. An installed ninja would load pydantic in every worker: 13 MB.
NINJA = Path(find_spec("ninja").origin).parent  # type: ignore[union-attr,arg-type]  # it is a requirement
STATICFILES_DIRS = [NINJA / "static"]
MIDDLEWARE = [
    *CORS_MIDDLEWARE,
    "django.middleware.security.SecurityMiddleware",
    # Before the policies, because they are for pages: in the answer of each script they would be 700 bytes of nothing.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "mayfly.pages.bodies.in_time",
    "mayfly.pages.errors.DatabaseAway",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "mayfly.urls"
WSGI_APPLICATION = "mayfly.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "mayfly" / "pages" / "templates"],
        "OPTIONS": {
            "environment": "mayfly.pages.environment.environment",
            "extensions": ["jinja2.ext.i18n", "mayfly.pages.compiling.Settled"],
            "context_processors": ["mayfly.pages.environment.visit"],
        },
    },
    {  # the admin's and the API document's
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [NINJA / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]
# Visitors have no session: a message that outlasts a redirect is kept in a signed cookie.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("pt-br", "Português"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "mayfly" / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Whether the site has an admin at all.
ADMIN = variables.flag("ADMIN", default=False)

# gunicorn: processes, each with threads.
WEB_CONCURRENCY = variables.number("WEB_CONCURRENCY", default=platform.WEB_CONCURRENCY, least=1, most=64)
WEB_THREADS = variables.number("WEB_THREADS", default=platform.WEB_THREADS, least=1, most=64)
PORT = variables.number("PORT", default=8000, least=1, most=65535)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        # An answer 503 is one of ours, with its reason in the log if it has one. Without this, each would add a line.
        "unexpected": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", None) != 503,
        }
    },
    "formatters": {"line": {"()": "mayfly.logs.Line", "format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "propagate": True},  # of `manage.py runserver`
        # The access log reports refused requests, without file names and whole links.
        "django.request": {"level": "ERROR", "filters": ["unexpected"]},
        # A client chooses the Host that it sends. A wrong one has its line there too, and needs no traceback.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
