"""Configuration: which settings apply, that a bad variable ends the process in one line, and that .env.var is whole."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
APP = ROOT / "services/app"
PRODUCTION = {
    "SETTINGS_MODULE_PATH": "mayfly.settings.production",
    "SECRET_KEY": "x" * 50,
    "ALLOWED_HOSTS": "drop.example",
    "DATABASE_URL": "postgres://u:p@db/mayfly",
    "REDIS_URL": "rediss://:p@redis:6379",
}
SHOW = """
from mayfly import settings; settings.choose()
from django.conf import settings
print(*(getattr(settings, name) for name in NAMES), sep="|")
"""


def run(code: str, **variables: str) -> subprocess.CompletedProcess:
    """Run Python beside the app with these variables and no others of ours."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=APP, env=keep | variables, capture_output=True, text=True, timeout=60
    )


def show(*names: str, **variables: str) -> list[str]:
    """The values of these settings, as a process with these variables has them."""
    result = run(f"NAMES = {names!r}{SHOW}", **variables)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().split("|")


def complaint(**variables: str) -> str:
    """What a process with these variables says as it ends."""
    result = run(f"NAMES = ('DEBUG',){SHOW}", **variables)
    assert result.returncode == 1
    assert result.stdout == ""
    return result.stderr


@pytest.mark.parametrize(
    ("variables", "module"),
    [
        ({}, "mayfly.settings.development"),
        ({"PROD_SETTINGS": "False"}, "mayfly.settings.development"),
        ({"PROD_SETTINGS": "True"}, "mayfly.settings.production"),
        ({"SETTINGS_MODULE_PATH": "mayfly.settings.production"}, "mayfly.settings.production"),
        (
            {"SETTINGS_MODULE_PATH": "mayfly.settings.development", "PROD_SETTINGS": "True"},
            "mayfly.settings.development",
        ),
    ],
)
@pytest.mark.parametrize("entry", ["mayfly.wsgi", "mayfly.celery", "manage"])
def test_one_variable_chooses_the_settings_for_every_entry(variables, module, entry):
    start = f"import {entry}" + ("; manage.main()" if entry == "manage" else "")
    code = f"import os, sys; sys.argv = ['manage.py', 'version']; {start}; print(os.environ['DJANGO_SETTINGS_MODULE'])"
    result = run(code, **PRODUCTION | {"SETTINGS_MODULE_PATH": ""} | variables)
    assert result.stdout.split()[-1] == module, result.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is missing"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is missing"),
        ({"REDIS_URL": ""}, "REDIS_URL is missing"),
        ({"REDIS_URL": "http://x"}, "REDIS_URL has to begin with redis:// or rediss://"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL has to begin with postgres:// or"),
        ({"DEBUG": "maybe"}, "DEBUG is 'maybe', and has to be True or False"),
        ({"IMAGES_KEPT": "three"}, "IMAGES_KEPT is 'three', and has to be a whole number"),
        ({"IMAGES_KEPT": "-1"}, "IMAGES_KEPT is -1, and has to be from 0 to 1000"),
        ({"UPLOAD_LIFETIME_MINUTES": "0"}, "UPLOAD_LIFETIME_MINUTES is 0"),
        ({"UPLOAD_LIFETIME_MINUTES": "9", "MAX_LIFETIME_MINUTES": "8"}, "UPLOAD_LIFETIME_MINUTES is more than"),
        ({"USE_S3": "True"}, "AWS_ACCESS_KEY_ID is missing"),
        ({"STATIC_STORAGE": "s3"}, "AWS_ACCESS_KEY_ID is missing"),
        ({"STATIC_STORAGE": "S3"}, "STATIC_STORAGE is 'S3', and has to be one of whitenoise, s3"),
        ({"PROD_SETTINGS": "si"}, "PROD_SETTINGS is 'si'"),
        ({"SETTINGS_MODULE_PATH": "testheroku.settings"}, "SETTINGS_MODULE_PATH names 'testheroku.settings'"),
    ],
)
def test_a_bad_variable_ends_the_process_in_one_line_that_names_it(variables, words):
    said = complaint(**PRODUCTION | variables)
    assert said.startswith("mayfly: ")
    assert words in said
    assert said.count("\n") == 1


def test_the_line_does_not_show_a_password():
    assert "hunter2" not in complaint(**PRODUCTION | {"DATABASE_URL": "mysql://u:hunter2@db/x"})


def test_a_line_left_empty_counts_as_none():
    assert show("IMAGES_KEPT", **PRODUCTION | {"IMAGES_KEPT": ""}) == ["3"]


def test_production_wants_tls_and_development_does_not():
    names = ("SECURE_SSL_REDIRECT", "CSRF_COOKIE_SECURE")
    assert show(*names, **PRODUCTION) == ["True", "True"]
    assert show(*names, SECRET_KEY="x") == ["False", "False"]


def test_debug_has_a_variable_for_each_settings():
    assert show("DEBUG", **PRODUCTION | {"DEBUG_DESENV": "True"}) == ["False"]
    assert show("DEBUG", SECRET_KEY="x", DEBUG_DESENV="True", DEBUG="False") == ["True"]


def test_a_broker_with_tls_says_whether_its_certificate_is_checked():
    [plain] = show("CELERY_BROKER_USE_SSL", **PRODUCTION)
    assert "CERT_NONE" in plain
    [checked] = show("CELERY_BROKER_USE_SSL", **PRODUCTION | {"REDIS_TLS_VERIFY": "True"})
    assert "CERT_REQUIRED" in checked


@pytest.mark.parametrize(
    ("query", "mode"), [("", "require"), ("?sslmode=disable", "disable"), ("?sslmode=verify-full", "verify-full")]
)
def test_production_wants_a_database_with_tls_unless_its_address_says_otherwise(query, mode):
    [databases] = show("DATABASES", **PRODUCTION | {"DATABASE_URL": f"postgres://u:p@db/mayfly{query}"})
    assert f"'sslmode': '{mode}'" in databases
    [databases] = show("DATABASES", SECRET_KEY="x", DATABASE_URL="postgres://u:p@db/mayfly")
    assert "sslmode" not in databases


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"AWS_S3_REGION_NAME": "eu-central-1"}, "https://statics.s3.eu-central-1.amazonaws.com/static/"),
        ({"AWS_S3_ENDPOINT_URL": "http://s3:4566"}, "http://s3:4566/statics/static/"),
        (
            {"AWS_S3_ENDPOINT_URL": "http://s3:4566", "AWS_S3_PUBLIC_ENDPOINT_URL": "https://s3.example/"},
            "https://s3.example/statics/static/",
        ),
    ],
)
def test_static_files_in_a_bucket_have_its_address(variables, url):
    s3 = {"STATIC_STORAGE": "s3", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    assert show("STATIC_URL", **PRODUCTION | s3 | variables | {"AWS_STATIC_BUCKET_NAME": "statics"}) == [url]


def test_static_files_never_go_into_the_bucket_of_the_uploads():
    s3 = {"STATIC_STORAGE": "s3", "USE_S3": "True", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    names = {"AWS_STORAGE_BUCKET_NAME": "mayfly", "AWS_STATIC_BUCKET_NAME": "mayfly"}
    assert "AWS_STATIC_BUCKET_NAME is the bucket of the uploads" in complaint(**PRODUCTION | s3 | names)


def test_no_redis_means_no_broker():
    assert show("CELERY_BROKER_URL", SECRET_KEY="x") == ["memory://"]


@pytest.mark.parametrize("role", ["worker", "beat", "flower"])
def test_no_background_process_of_celery_starts_without_redis(role):
    started = subprocess.run(
        [ROOT / "services/worker/start", role], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True
    )
    assert started.returncode == 1
    assert started.stderr.startswith("mayfly: REDIS_URL is missing.")


def test_the_django_deploy_check_has_nothing_to_say():
    code = (
        "from mayfly import settings; settings.choose(); import django; django.setup();"
        "from django.core.management import call_command;"
        "call_command('check', deploy=True, fail_level='WARNING')"
    )
    variables = PRODUCTION | {"SECRET_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    result = run(code, **variables)
    assert result.returncode == 0, result.stderr


# .env.var

# Read by others than the settings: Heroku's Python buildpack, Flower, and Compose by itself.
ELSEWHERE = {"DISABLE_COLLECTSTATIC", "FLOWER_BASIC_AUTH", "COMPOSE_PROJECT_NAME"}


def documented() -> dict[str, str]:
    """Each variable of .env.var, with the prose above it."""
    found, prose = {}, []
    for line in (ROOT / ".env.var").read_text().splitlines():
        if match := re.match(r"#?([A-Z][A-Z0-9_]+)=", line):
            found[match[1]] = " ".join(prose)
        elif line.startswith("#"):
            prose.append(line.lstrip("# "))
        else:
            prose = []
    return found


def read_by_settings() -> set[str]:
    names = set()
    for file in (APP / "mayfly/settings").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "variables"
                and node.func.attr != "fail"
            ):
                names.add(node.args[0].value)
    return names


def read_by_compose() -> set[str]:
    return set(re.findall(r"(?<!\$)\$\{([A-Z][A-Z0-9_]+)", (ROOT / "docker-compose.yml").read_text()))


def test_every_variable_that_is_read_is_documented():
    assert read_by_settings() | read_by_compose() | ELSEWHERE <= set(documented()) | {"ENV_FILE"}


def test_every_documented_variable_is_read():
    assert set(documented()) <= read_by_settings() | read_by_compose() | ELSEWHERE


def test_every_documented_variable_has_its_prose():
    assert [name for name, prose in documented().items() if len(prose) < 20] == []


def test_only_the_settings_read_the_environment():
    """python-decouple, and the environment itself, are met in settings alone."""
    elsewhere = [
        file.relative_to(APP).as_posix()
        for file in APP.rglob("*.py")
        if "settings" not in file.parts and re.search(r"decouple|os\.environ|getenv", file.read_text())
    ]
    assert elsewhere == []
