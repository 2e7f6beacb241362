"""Configuration: the choice of settings, the line that a bad variable ends with, and the completeness of .env.var."""

import ast
import os
import re
import subprocess

import pytest
import yaml

from ...support.configuration import APP, PRODUCTION, ROOT, complaint, documented, run, show


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
def test_one_variable_selects_the_settings_of_every_entry_point(variables, module, entry):
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
def test_a_bad_variable_ends_the_process_with_one_line_naming_it(variables, words):
    said = complaint(**PRODUCTION | variables)
    assert said.startswith("mayfly: ")
    assert words in said
    assert said.count("\n") == 1


def test_the_error_line_shows_no_password():
    assert "hunter2" not in complaint(**PRODUCTION | {"DATABASE_URL": "mysql://u:hunter2@db/x"})


def test_an_empty_variable_counts_as_unset():
    assert show("IMAGES_KEPT", **PRODUCTION | {"IMAGES_KEPT": ""}) == ["3"]


def test_production_requires_tls_and_development_does_not():
    names = ("SECURE_SSL_REDIRECT", "CSRF_COOKIE_SECURE")
    assert show(*names, **PRODUCTION) == ["True", "True"]
    assert show(*names, SECRET_KEY="x") == ["False", "False"]


def test_each_settings_module_has_its_own_debug_variable():
    assert show("DEBUG", **PRODUCTION | {"DEBUG_DESENV": "True"}) == ["False"]
    assert show("DEBUG", SECRET_KEY="x", DEBUG_DESENV="True", DEBUG="False") == ["True"]


def test_a_variable_decides_whether_redis_certificates_are_checked():
    [plain] = show("CELERY_BROKER_USE_SSL", **PRODUCTION)
    assert "CERT_NONE" in plain
    [checked] = show("CELERY_BROKER_USE_SSL", **PRODUCTION | {"REDIS_TLS_VERIFY": "True"})
    assert "CERT_REQUIRED" in checked


@pytest.mark.parametrize(
    ("query", "mode"), [("", "require"), ("?sslmode=disable", "disable"), ("?sslmode=verify-full", "verify-full")]
)
def test_production_requires_database_tls_unless_its_url_overrides_it(query, mode):
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
def test_static_files_in_a_bucket_have_the_buckets_url(variables, url):
    s3 = {"STATIC_STORAGE": "s3", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    assert show("STATIC_URL", **PRODUCTION | s3 | variables | {"AWS_STATIC_BUCKET_NAME": "statics"}) == [url]


def test_the_policy_admits_the_folder_of_static_files_and_not_its_origin():
    s3 = {"STATIC_STORAGE": "s3", "USE_S3": "True", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    names = {"AWS_STORAGE_BUCKET_NAME": "mayfly", "AWS_STATIC_BUCKET_NAME": "statics"}
    [shown] = show("CONTENT_SECURITY_POLICY", **PRODUCTION | s3 | names | {"AWS_S3_ENDPOINT_URL": "http://s3:4566"})
    policy = ast.literal_eval(shown)["DIRECTIVES"]
    assert policy["script-src"] == policy["style-src"] == ["'self'", "http://s3:4566/statics/static/"]


def test_static_files_and_uploads_never_share_a_bucket():
    s3 = {"STATIC_STORAGE": "s3", "USE_S3": "True", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    names = {"AWS_STORAGE_BUCKET_NAME": "mayfly", "AWS_STATIC_BUCKET_NAME": "mayfly"}
    assert "AWS_STATIC_BUCKET_NAME is the bucket of the uploads" in complaint(**PRODUCTION | s3 | names)


def test_without_redis_there_is_no_broker():
    assert show("CELERY_BROKER_URL", SECRET_KEY="x") == ["memory://"]


@pytest.mark.parametrize("role", ["worker", "beat", "flower"])
def test_no_celery_process_starts_without_redis(role):
    started = subprocess.run(
        [ROOT / "services/worker/start", role], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True
    )
    assert started.returncode == 1
    assert started.stderr.startswith("mayfly: REDIS_URL is missing.")


def test_djangos_deploy_check_finds_nothing():
    code = (
        "from mayfly import settings; settings.choose(); import django; django.setup();"
        "from django.core.management import call_command;"
        "call_command('check', deploy=True, fail_level='WARNING')"
    )
    variables = PRODUCTION | {"SECRET_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    result = run(code, **variables)
    assert result.returncode == 0, result.stderr


# .env.var

# Heroku's Python buildpack, Flower and Compose read these; the settings do not.
ELSEWHERE = {"DISABLE_COLLECTSTATIC", "FLOWER_BASIC_AUTH", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME"}


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


def given(service: str) -> dict[str, str]:
    """The variables that the Compose file gives to a service, with the values as they stand there."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]["environment"]


def test_every_variable_that_is_read_is_documented():
    assert read_by_settings() | read_by_compose() | ELSEWHERE <= set(documented())


def test_every_documented_variable_is_read():
    assert set(documented()) <= read_by_settings() | read_by_compose() | ELSEWHERE


def test_compose_passes_each_setting_to_a_container():
    """Case 76."""
    passed = given("web").keys() | given("worker").keys() | given("release").keys()
    assert read_by_settings() <= passed
    assert passed <= read_by_settings()


@pytest.mark.parametrize("service", ["web", "worker", "release"])
def test_a_container_gets_each_variable_under_its_own_name(service):
    """A misspelt reference would be an empty value, and so a default in place of what .env says."""
    fixed = {"PORT", "SECRET_KEY"} - ({"SECRET_KEY"} if service == "web" else set())
    wrong = {name: value for name, value in given(service).items() if value != f"${{{name}:-}}" and name not in fixed}
    assert wrong == {}


def test_every_documented_variable_is_explained():
    assert [name for name, prose in documented().items() if len(prose) < 20] == []


def test_only_the_settings_read_the_environment():
    """Only the settings use python-decouple or os.environ."""
    elsewhere = [
        file.relative_to(APP).as_posix()
        for file in APP.rglob("*.py")
        if "settings" not in file.parts and re.search(r"decouple|os\.environ|getenv", file.read_text())
    ]
    assert elsewhere == []
