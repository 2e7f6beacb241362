"""The environment of each container: the variables that it needs, and no password of another."""

import os
from pathlib import Path

import pytest

from tools import env

from .conftest import compose, docker_inspect, inspect

SECRETS = {"SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "AWS_SECRET_ACCESS_KEY", "FLOWER_BASIC_AUTH"}
# Web, worker and release have these in common.
SETTINGS = {
    "SETTINGS_MODULE_PATH",
    "ALLOWED_HOSTS_DEV",
    "DATABASE_URL",
    "REDIS_URL",
    "BROKER_POOL_LIMIT",
    "USE_S3",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_STORAGE_BUCKET_NAME",
    "AWS_S3_REGION_NAME",
    "AWS_S3_ENDPOINT_URL",
}
TIMES = {"UPLOAD_LIFETIME_MINUTES", "MAX_LIFETIME_MINUTES", "TRANSFER_MINUTES", "RECEIPT_HOURS", "RECONCILE_MAX"}
STATICS = {"STATIC_STORAGE", "AWS_S3_PUBLIC_ENDPOINT_URL"}
# The variables of a container that have a value, beside those of its image.
OWN = {
    "web": SETTINGS
    | TIMES
    | STATICS
    | {
        "SECRET_KEY",
        "DEBUG_DESENV",
        "PORT",
        "WEB_CONCURRENCY",
        "WEB_THREADS",
        "CELERY_TASK_ALWAYS_EAGER",
        "TRUST_PROXY",
        "SHARED_BOX",
        "IMAGES_KEPT",
        "MAX_IMAGE_MB",
        "MAX_IMAGE_MEGAPIXELS",
        "MAX_FILE_MB",
        "MAX_FORM_MB",
        "MAX_ZIP_MB",
        "BOX_QUOTA_MB",
        "ADDRESS_QUOTA_MB",
        "SITE_QUOTA_MB",
        "BOX_UPLOADS_MAX",
        "ADDRESS_UPLOADS_MAX",
        "RATE_UPLOADS_ADDRESS",
        "RATE_UPLOADS_BOX",
        "RATE_CHANGES",
        "RATE_DOWNLOADS",
        "RATE_QR_CODES",
        "RATE_LANGUAGES",
        "RATE_LOGINS",
        "RATE_TOKENS",
        "RATE_CODES",
        "RATE_CODES_SITE",
        "RATE_REPORTS",
        "RATE_REPORTS_SITE",
        "AWS_S3_CORS_ORIGINS",
    },
    # The tests add PYTHONPATH, for a task that is slow on purpose.
    "worker": SETTINGS | TIMES | {"SECRET_KEY", "WORKER_CONCURRENCY", "MAX_IMAGE_MEGAPIXELS", "PYTHONPATH"},
    "release": SETTINGS | STATICS | {"SECRET_KEY", "AWS_S3_CORS_ORIGINS"},
    "nginx": set(),
    "postgres": {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"},
    "redis": {"REDISCLI_AUTH"},
    "beat": {"SECRET_KEY", "REDIS_URL", "REDIS_TLS_VERIFY"},
    "flower": {"SECRET_KEY", "REDIS_URL", "REDIS_TLS_VERIFY", "FLOWER_BASIC_AUTH"},
    "localstack": {
        "AWS_STORAGE_BUCKET_NAME",
        "AWS_S3_REGION_NAME",
        "AWS_S3_CORS_ORIGINS",
        "S3_SKIP_SIGNATURE_VALIDATION",
        "LS_LOG",
        "DISABLE_EVENTS",
        "SKIP_SSL_CERT_DOWNLOAD",
        "DNS_ADDRESS",
        "HOME",
        "TMPDIR",  # of the stack of the tests alone
    },
}
# The secrets of .env that a container knows. The worker signs nothing.
KNOWN = {
    "web": {"SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "AWS_SECRET_ACCESS_KEY"},
    "release": {"SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "AWS_SECRET_ACCESS_KEY"},
    "worker": {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "AWS_SECRET_ACCESS_KEY"},
    "beat": {"REDIS_PASSWORD"},
    "flower": {"REDIS_PASSWORD", "FLOWER_BASIC_AUTH"},
    "postgres": {"POSTGRES_PASSWORD"},
    "redis": {"REDIS_PASSWORD"},
    "nginx": set(),
    "localstack": set(),
}


def variables(lines: list[str]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in lines)


def given(service: str) -> dict[str, str]:
    """The variables that Compose gave to a service's container."""
    container = inspect(service)
    image = variables(docker_inspect("image", "inspect", container["Image"])["Config"]["Env"] or [])
    return {name: value for name, value in variables(container["Config"]["Env"]).items() if image.get(name) != value}


@pytest.mark.parametrize("service", sorted(OWN))
def test_a_container_gets_the_variables_that_it_needs(service):
    """Case 76."""
    assert {name for name, value in given(service).items() if value} <= OWN[service]


@pytest.mark.parametrize("service", sorted(KNOWN))
def test_a_container_knows_no_secret_of_another(service):
    """Case 76."""
    written = env.values(Path(os.environ["ENV_FILE"]))
    # LocalStack's secret key is the word `test`, which is in other values too: look for the name instead.
    text = "\n".join(given(service).values())
    known = {name for name in SECRETS - {"AWS_SECRET_ACCESS_KEY"} if written[name] in text}
    if given(service).get("AWS_SECRET_ACCESS_KEY"):
        known.add("AWS_SECRET_ACCESS_KEY")
    assert known == KNOWN[service]


def test_redis_answers_to_no_one_without_the_password():
    """Case 76."""
    asked = compose("exec", "-T", "-e", "REDISCLI_AUTH=", "redis", "redis-cli", "ping")
    assert "NOAUTH" in asked
    assert compose("exec", "-T", "redis", "redis-cli", "ping").strip() == "PONG"
