"""The files that Heroku reads, heroku.yml and app.json, and the roles of its dynos."""

import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

from ...support.configuration import ROOT, complaint, documented, show

BUTTON = json.loads((ROOT / "app.json").read_text())
MANIFEST = yaml.safe_load((ROOT / "heroku.yml").read_text())
OF_ADDONS = {"DATABASE_URL": "postgres://u:p@db/mayfly", "REDIS_URL": "rediss://:p@redis:6379"}
REQUIRED = sorted(name for name, entry in BUTTON["env"].items() if entry.get("required", True))


def config() -> dict[str, str]:
    """The config vars of an app made by the button, with every optional field left empty."""
    made = {"secret": "0123456789abcdef" * 4}
    return OF_ADDONS | {
        name: entry.get("value") or made.get(entry.get("generator"), "x-y-z")
        for name, entry in BUTTON["env"].items()
        if name in REQUIRED
    }


def test_the_buttons_variables_suffice_for_production():
    names = ("DEBUG", "USE_S3", "SECURE_SSL_REDIRECT", "DEPLOY_CHECK")
    assert show(*names, **config()) == ["False", "True", "True", "True"]


@pytest.mark.parametrize("name", sorted({*REQUIRED, *OF_ADDONS} - {"PROD_SETTINGS"}))
def test_the_button_requires_no_superfluous_variable(name):
    """Without the variable the process names it, or the button sets a value that is not production's default."""
    without = {other: value for other, value in config().items() if other != name}
    if "value" in BUTTON["env"].get(name, {}) and name != "ALLOWED_HOSTS":
        assert BUTTON["env"][name]["value"]
    else:
        assert f"{name} is missing" in complaint(**without)


def test_every_button_variable_is_documented_and_described():
    assert set(BUTTON["env"]) <= set(documented())
    assert all(len(entry["description"]) > 15 for entry in BUTTON["env"].values())


def test_heroku_yml_and_app_json_make_the_same_app():
    assert MANIFEST["setup"]["addons"] == BUTTON["addons"]
    assert MANIFEST["setup"]["config"] == {name: BUTTON["env"][name]["value"] for name in MANIFEST["setup"]["config"]}
    assert set(MANIFEST["build"]["docker"]) == set(BUTTON["formation"]) == {"web", "worker"}


def test_heroku_yml_names_only_existing_build_targets():
    for build in MANIFEST["build"]["docker"].values():
        dockerfile = (ROOT / build["dockerfile"]).read_text()
        assert re.search(rf"^FROM app AS {build['target']}$", dockerfile, re.MULTILINE)


def test_a_push_without_a_target_builds_web():
    """`heroku container:push` and old builders ignore targets."""
    assert re.findall(r"^FROM .* AS (\w+)$", (ROOT / "services/Dockerfile").read_text(), re.MULTILINE)[-1] == "web"


@pytest.mark.parametrize(
    ("dyno", "arguments", "starts"),
    [
        ("web.1", ["web"], "web/start"),
        ("worker.1", ["worker"], "worker/start worker --beat"),
        ("worker.2", ["web"], "worker/start worker --beat"),
        ("beat.1", ["web"], "worker/start beat"),
        ("release.1234", ["web"], "manage.py release"),
        ("run.1", ["worker"], "worker/start worker"),
        ("", ["web", "--threads", "3"], "web/start --threads 3"),
        ("", ["worker"], "worker/start worker"),
        ("", ["release"], "manage.py release"),
    ],
)
def test_the_dyno_or_else_the_command_decides_the_role(dyno, arguments, starts, tmp_path):
    shutil.copy(ROOT / "services/start", tmp_path)
    (tmp_path / "app").mkdir()
    for name in ("web", "worker"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "start").write_text(f'#!/bin/sh\necho {name}/start "$@"\n')
        (tmp_path / name / "start").chmod(0o755)
    (tmp_path / "app/manage.py").write_text("import sys; print('manage.py', *sys.argv[1:])")
    said = subprocess.run(
        [tmp_path / "start", *arguments],
        env={"PATH": os.environ["PATH"], "DYNO": dyno},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == starts
