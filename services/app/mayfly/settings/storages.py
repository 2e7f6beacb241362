"""The database, the uploads' storage, and the static files."""

from typing import Any

import dj_database_url

from ..storage.s3.presign import aws_bucket_url, bucket_url, origin_of
from . import variables
from .cors import API_ORIGINS
from .places import BASE_DIR, DATA_DIR
from .site import SITE_URL

DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        variables.url(
            "DATABASE_URL", schemes=("postgres", "postgresql", "sqlite"), default=f"sqlite:///{DATA_DIR}/db.sqlite3"
        ),
        conn_max_age=600,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE takes the only write lock at the start of a transaction, so that no two wait for each other. WAL lets
    # others read at the same time. A writer waits 20 s at most, less than the router's 30 s.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["ENGINE"] = "mayfly.postgresql"
    # In seconds and milliseconds. Without the second, a connection whose network has gone hangs for minutes.
    bounds = {"connect_timeout": 5, "tcp_user_timeout": 10_000}
    DATABASES["default"]["OPTIONS"] = bounds | DATABASES["default"].get("OPTIONS", {})

USE_S3 = variables.flag("USE_S3", default=False)
# The image build hashes the static files. WhiteNoise serves them from there, or the release step sends the same tree
# to a public bucket.
STATIC_STORAGE = variables.text("STATIC_STORAGE", default="whitenoise", choices=("whitenoise", "s3"))
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # pages load no others, and they halve the tree
# Places other than our origin from which pages load static files, and with which they exchange uploads. The first has
# a path: if the bucket's name is in the path, the same origin serves the uploads, and no page may run one as a script.
STATIC_SOURCES: list[str] = []
UPLOAD_ORIGINS: list[str] = []


def _s3() -> dict[str, Any]:
    endpoint = variables.url("AWS_S3_ENDPOINT_URL", schemes=("http", "https"), default="")
    public = variables.url("AWS_S3_PUBLIC_ENDPOINT_URL", schemes=("http", "https"), default=endpoint)
    return {
        "access_key": variables.text("AWS_ACCESS_KEY_ID"),
        "secret_key": variables.text("AWS_SECRET_ACCESS_KEY"),
        "region_name": variables.text("AWS_S3_REGION_NAME", default="us-east-1"),
        "endpoint_url": endpoint or None,
        "public_endpoint_url": public or None,
    }


def _address(options: dict[str, Any]) -> str:
    public = options["public_endpoint_url"]
    if public:
        return bucket_url(public, options["bucket_name"])
    return aws_bucket_url(options["bucket_name"], options["region_name"])


def _senders() -> list[str]:
    """The origins of the pages that may send to the bucket, always with the site's own and those of API_ORIGINS."""
    named = variables.names("AWS_S3_CORS_ORIGINS", default=SITE_URL or "*")
    always = [*([SITE_URL] if SITE_URL else []), *API_ORIGINS]
    return named if "*" in named else list(dict.fromkeys([*named, *always]))


STORAGES: dict[str, Any] = {
    "default": {
        "BACKEND": "mayfly.storage.folder.storage.FolderUploadStorage",
        "OPTIONS": {"location": DATA_DIR / "storage"},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
if USE_S3:
    _uploads = _s3() | {"bucket_name": variables.text("AWS_STORAGE_BUCKET_NAME")}
    STORAGES["default"] = {
        "BACKEND": "mayfly.storage.s3.storage.S3UploadStorage",
        "OPTIONS": _uploads | {"cors_origins": _senders()},
    }
    UPLOAD_ORIGINS.append(origin_of(_address(_uploads)))
if STATIC_STORAGE == "s3":
    STATIC_BUCKET = _s3() | {"bucket_name": variables.text("AWS_STATIC_BUCKET_NAME")}
    if USE_S3 and STATIC_BUCKET["bucket_name"] == variables.text("AWS_STORAGE_BUCKET_NAME"):
        variables.fail("AWS_STATIC_BUCKET_NAME", "is the bucket of the uploads, and that one stays closed")
    STATIC_URL = f"{_address(STATIC_BUCKET)}/static/"
    STATIC_SOURCES.append(STATIC_URL)
