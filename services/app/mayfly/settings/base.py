"""Settings that hold everywhere. Every variable read here is described in .env.var."""

from datetime import timedelta
from pathlib import Path

import dj_database_url

from . import platform, variables

BASE_DIR = Path(__file__).resolve().parent.parent.parent

SECRET_KEY = variables.text("SECRET_KEY")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "ninja",
    "csp",
    "uploads",
    "mayfly.ops",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "uploads.csp.StorageMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
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
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# Visitors have no session: what a page has to say after a redirect travels in a signed cookie.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
CSRF_FAILURE_VIEW = "uploads.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
# No further than our own pages, since a link is the secret; a form needs it there, for Django's check of where it came
# from. The opener policy is Django's default, same-origin.
SECURE_REFERRER_POLICY = "same-origin"
# uploads/csp.py adds the storage's origin. Nothing is inline, so there is neither a nonce nor a hash.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "blob:"],  # a thumbnail of what is about to be sent
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
# Pages read nothing of the device; a phone's camera comes in through the file input, which asks by itself.
PERMISSIONS_POLICY = {
    feature: []
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
}
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("pt-br", "Português"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Whether the release step holds the settings to Django's own check for deployment.
DEPLOY_CHECK = False

# Whether the last address in X-Forwarded-For is true, because a router of ours has put it there.
TRUST_PROXY = variables.flag("TRUST_PROXY", default=False)

# For what has no service of its own: SQLite and the local storage.
DATA_DIR = Path(variables.text("DATA_DIR", default=str(BASE_DIR / "data")))

DATABASES = {
    "default": dj_database_url.parse(
        variables.url(
            "DATABASE_URL", schemes=("postgres", "postgresql", "sqlite"), default=f"sqlite:///{DATA_DIR}/db.sqlite3"
        ),
        conn_max_age=600,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE takes the one write lock at the start of a transaction, so that two never wait for each other in
    # a ring; WAL lets readers go on meanwhile. A writer waits 20 s at most, less than the router's 30 s.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["OPTIONS"] = {"connect_timeout": 5} | DATABASES["default"].get("OPTIONS", {})

USE_S3 = variables.flag("USE_S3", default=False)
# Static files are hashed when the image is built, whoever serves them: WhiteNoise from there, or a public bucket, to
# which the release step sends that same tree.
STATIC_STORAGE = variables.text("STATIC_STORAGE", default="whitenoise", choices=("whitenoise", "s3"))
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"

if USE_S3 or STATIC_STORAGE == "s3":
    _endpoint = variables.url("AWS_S3_ENDPOINT_URL", schemes=("http", "https"), default=None)
    _s3 = {
        "access_key": variables.text("AWS_ACCESS_KEY_ID"),
        "secret_key": variables.text("AWS_SECRET_ACCESS_KEY"),
        "region_name": variables.text("AWS_S3_REGION_NAME", default="us-east-1"),
        "endpoint_url": _endpoint,
        "public_endpoint_url": variables.url(
            "AWS_S3_PUBLIC_ENDPOINT_URL", schemes=("http", "https"), default=_endpoint
        ),
    }
if STATIC_STORAGE == "s3":
    STATIC_BUCKET = _s3 | {"bucket_name": variables.text("AWS_STATIC_BUCKET_NAME")}
    if USE_S3 and STATIC_BUCKET["bucket_name"] == variables.text("AWS_STORAGE_BUCKET_NAME"):
        variables.fail("AWS_STATIC_BUCKET_NAME", "is the bucket of the uploads, and that one stays closed")
    _public = STATIC_BUCKET["public_endpoint_url"]
    STATIC_URL = (
        f"{_public.rstrip('/')}/{STATIC_BUCKET['bucket_name']}/static/"
        if _public
        else f"https://{STATIC_BUCKET['bucket_name']}.s3.{STATIC_BUCKET['region_name']}.amazonaws.com/static/"
    )
    # Its scripts and styles are ours as much as those from here.
    for _directive in ("script-src", "style-src", "img-src"):
        CONTENT_SECURITY_POLICY["DIRECTIVES"][_directive].append("/".join(STATIC_URL.split("/")[:3]))

if USE_S3:
    _uploads = {
        "BACKEND": "uploads.storage.s3.S3UploadStorage",
        "OPTIONS": _s3
        | {
            "bucket_name": variables.text("AWS_STORAGE_BUCKET_NAME"),
            "cors_origins": variables.names("AWS_S3_CORS_ORIGINS", default="*"),
        },
    }
else:
    _uploads = {
        "BACKEND": "uploads.storage.local.LocalUploadStorage",
        "OPTIONS": {"location": DATA_DIR / "storage"},
    }
STORAGES = {
    "default": _uploads,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# What people may send and how long it stays; uploads/policy.py reads these.
UPLOAD_LIFETIME = timedelta(minutes=variables.number("UPLOAD_LIFETIME_MINUTES", default=15, least=1, most=720))
# 12 h of life and 6 h of transfer stay below the bucket's own lifecycle rule of one day.
MAX_LIFETIME = timedelta(minutes=variables.number("MAX_LIFETIME_MINUTES", default=720, least=1, most=720))
TRANSFER_TIME = timedelta(minutes=variables.number("TRANSFER_MINUTES", default=360, least=1, most=360))
IMAGES_KEPT = variables.number("IMAGES_KEPT", default=3, least=0, most=1000)
# S3 takes an object of 5 TiB at most, and our part size of 8 MiB grows from 80 GB on to stay within 10,000 parts.
MAX_IMAGE_MB = variables.number("MAX_IMAGE_MB", default=64, least=1, most=5_000_000)
# A hundred takes a second; ten times as many would take the decoder's whole time (uploads/decoder.py).
MAX_IMAGE_MEGAPIXELS = variables.number("MAX_IMAGE_MEGAPIXELS", default=100, least=1, most=1000)
MAX_FILE_MB = variables.number("MAX_FILE_MB", default=4096, least=1, most=5_000_000)
MAX_FORM_MB = variables.number("MAX_FORM_MB", default=100, least=1, most=5_000_000)
BOX_QUOTA_MB = variables.number("BOX_QUOTA_MB", default=8192, least=1, most=1_000_000_000)
ADDRESS_QUOTA_MB = variables.number("ADDRESS_QUOTA_MB", default=32_768, least=1, most=1_000_000_000)
SHARED_BOX = variables.flag("SHARED_BOX", default=False)
RECEIPT_TIME = timedelta(hours=variables.number("RECEIPT_HOURS", default=24, least=0, most=8760))
RECONCILE_MAX = variables.number("RECONCILE_MAX", default=10, least=0, most=1_000_000)
if UPLOAD_LIFETIME > MAX_LIFETIME:
    variables.fail("UPLOAD_LIFETIME_MINUTES", "is more than MAX_LIFETIME_MINUTES")

# gunicorn: processes, each with threads.
WEB_CONCURRENCY = variables.number("WEB_CONCURRENCY", default=platform.WEB_CONCURRENCY, least=1, most=64)
WEB_THREADS = variables.number("WEB_THREADS", default=platform.WEB_THREADS, least=1, most=64)
PORT = variables.number("PORT", default=8000, least=1, most=65535)

# Celery. Tasks are short and safe to repeat, so a message is acknowledged after the work, and a lost worker's
# is run again.
REDIS_URL = variables.url("REDIS_URL", schemes=("redis", "rediss"), default="")
CELERY_BROKER_URL = REDIS_URL or "memory://"  # without Redis no message is sent: `manage.py periodic` runs the tasks
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_POOL_LIMIT = variables.number("BROKER_POOL_LIMIT", default=platform.REDIS_CONNECTIONS, least=1, most=64)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # How long a message stays with a worker that died with SIGKILL: above the longest task's 25 s.
    "visibility_timeout": 60,
    "unacked_restore_throttle": 1,
    # Above the blocking read's own time, and short enough that a dead connection is noticed and nothing hangs.
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "retry_on_timeout": True,
}
CELERY_VISIBILITY_TIMEOUT = 60
REDIS_TLS = platform.redis_tls(REDIS_URL, verify=variables.flag("REDIS_TLS_VERIFY", default=False))
if REDIS_TLS:
    CELERY_BROKER_USE_SSL = REDIS_TLS
CELERY_TASK_ALWAYS_EAGER = variables.flag("CELERY_TASK_ALWAYS_EAGER", default=False)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SEND_SENT_EVENT = True
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
# On SIGTERM a running task gets this time to finish; then its message goes back to the queue.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = platform.GRACEFUL_SECONDS
CELERY_WORKER_CONCURRENCY = variables.number(
    "WORKER_CONCURRENCY", default=platform.WORKER_CONCURRENCY, least=1, most=64
)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SOFT_TIME_LIMIT = platform.TASK_SOFT_SECONDS
CELERY_TASK_TIME_LIMIT = platform.TASK_SECONDS
# Each queue has worker processes of its own (services/worker), so that pictures never delay a removal.
CELERY_TASK_DEFAULT_QUEUE = "removal"
CELERY_TASK_ROUTES = {
    "uploads.tasks.preview": {"queue": "previews"},
    # It may wait behind pictures, but must not hold up a sweep.
    "uploads.tasks.reconcile": {"queue": "previews"},
}
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
SWEEP_SECONDS = 5
RECONCILE_SECONDS = 900
# How long an image waits for its preview to be begun, at most. Nobody sends a message when an image is ready: web
# answers without Redis, and an image is seen to whatever was lost.
PREVIEW_SECONDS = 2
CELERY_BEAT_SCHEDULE = {
    "reconcile": {
        "task": "uploads.tasks.reconcile",
        # More often than there is something to do: a beat that is restarted begins to count anew.
        "schedule": 60,
        "options": {"expires": RECONCILE_SECONDS},
    },
    "preview": {
        "task": "uploads.tasks.preview",
        "schedule": PREVIEW_SECONDS,
        "options": {"expires": PREVIEW_SECONDS * 2},
    },
    "sweep": {
        "task": "uploads.tasks.sweep",
        "schedule": SWEEP_SECONDS,
        "kwargs": {"from_beat": True},
        # A sweep that waited longer is one of many that say the same: after an outage one is enough.
        "options": {"expires": SWEEP_SECONDS * 2},
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # Of a refused request the access log tells, without the name of a file and the whole of a link.
        "django.request": {"level": "ERROR"},
    },
}
