"""The whole of `make deploy`, with Heroku's command line, a registry, and a stand-in for the Platform API."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ..conftest import URL, until
from .conftest import FIGURES
from .dynos import DYNOS, ROOT, Dyno, docker

NAME = "mayfly-under-test"
REGISTRY = f"127.0.0.1:{os.environ['REGISTRY_PORT']}"
V2 = "application/vnd.docker.distribution.manifest.v2+json"
TARGETS = ("web", "worker", "release")


@dataclass
class Heroku:
    """The app in the Platform API, and the commands of a person who deploys to it."""

    state: Path
    commands: Path

    def have(self, config: dict[str, str], **more) -> None:
        app = {"name": NAME, "stack": "container", "web_url": f"{URL}/", "config": config, "addons": []}
        (self.state / "app.json").write_text(json.dumps(app | more))
        (self.state / "changes").unlink(missing_ok=True)

    def changes(self) -> list[dict]:
        file = self.state / "changes"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def make(self, target: str, **variables: str) -> subprocess.CompletedProcess:
        with self.making(target, **variables) as process:
            out, _ = process.communicate()
            return subprocess.CompletedProcess(process.args, process.returncode, out)

    @contextmanager
    def making(self, target: str, **variables: str) -> Iterator[subprocess.Popen]:
        """Run `make` during the block, and end it with Ctrl-C."""
        own = {"PATH": f"{self.commands}:{os.environ['PATH']}", "APP": NAME, "REGISTRY": REGISTRY}
        process = subprocess.Popen(
            ["make", "--no-print-directory", target],
            cwd=ROOT,
            env=os.environ | own | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                process.communicate(timeout=30)


@pytest.fixture(scope="session")
def commands(tmp_path_factory) -> Path:
    """`heroku` runs in the stand-in's container; containers of `docker run` reach S3 here, or the app's Redis."""
    folder = tmp_path_factory.mktemp("commands")
    platform = docker("compose", "ps", "--quiet", "platform")
    real = shutil.which("docker")
    for name, script in {
        "heroku": f'exec {real} exec --interactive {platform} heroku "$@"',
        "docker": f"""
            network=host
            case "$*" in *--publish*) network={DYNOS}_default ;; esac
            if [ "$1" = run ]; then shift; set -- run --network $network --label dynos={DYNOS} "$@"; fi
            exec {real} "$@"
        """,
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def config(app) -> dict[str, str]:
    there = app.config | {"AWS_S3_ENDPOINT_URL": os.environ["S3_URL"]}
    del there["AWS_S3_PUBLIC_ENDPOINT_URL"]
    return there


@pytest.fixture
def heroku(commands, config) -> Heroku:
    heroku = Heroku(Path(os.environ["WORK"]) / "platform", commands)
    heroku.have(config)
    return heroku


@pytest.fixture(scope="module", autouse=True)
def _no_image_is_left():
    yield
    docker("image", "rm", "mayfly-flower", *(f"{REGISTRY}/{NAME}/{target}" for target in TARGETS), check=False)


def test_one_command_pushes_and_releases_images_that_heroku_accepts(heroku, app):
    done = heroku.make("deploy")
    assert done.returncode == 0, done.stdout
    for target in TARGETS:
        image = f"{REGISTRY}/{NAME}/{target}"
        manifest = json.loads(docker("buildx", "imagetools", "inspect", "--raw", image))
        assert manifest["mediaType"] == V2
    [change] = heroku.changes()
    assert change["path"] == f"/apps/{NAME}/formation"
    assert "docker-releases" in change["accept"]
    released = {update["type"]: update["docker_image"] for update in change["body"]["updates"]}
    assert released == {
        target: docker("image", "inspect", "--format", "{{.Id}}", f"{REGISTRY}/{NAME}/{target}") for target in TARGETS
    }
    assert f"{NAME}   {URL}/" in done.stdout
    assert "can send to the bucket" in done.stdout


def test_a_pushed_image_runs(heroku, app):
    assert heroku.make("deploy").returncode == 0
    [change] = heroku.changes()
    released = {update["type"]: update["docker_image"] for update in change["body"]["updates"]}
    docker("pull", "--quiet", f"{REGISTRY}/{NAME}/web")
    dyno = Dyno("web", app.config, number=3, image=released["web"])
    dyno.bound()
    dyno.remove()


def test_a_second_deploy_is_quick(heroku, app):
    heroku.make("deploy")
    started = time.monotonic()
    assert heroku.make("deploy").returncode == 0
    FIGURES["second deploy"] = f"{time.monotonic() - started:.1f} s"
    assert time.monotonic() - started < 60


def test_a_dry_run_shows_every_step_and_takes_none(heroku):
    done = heroku.make("deploy", DRY_RUN="1")
    assert done.returncode == 0
    for step in ("heroku config", "buildx build", "preflight", "push=true", "container:release web worker release"):
        assert step in done.stdout
    assert heroku.changes() == []


@pytest.mark.parametrize("name", ["SECRET_KEY", "AWS_ACCESS_KEY_ID", "DATABASE_URL", "ALLOWED_HOSTS"])
def test_deploy_names_a_missing_variable_before_it_builds(heroku, config, name):
    del config[name]
    heroku.have(config)
    done = heroku.make("deploy")
    assert done.returncode != 0
    assert f"{NAME} lacks {name}. Set them: heroku config:set --app {NAME}" in done.stdout
    assert "buildx build" not in done.stdout


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AWS_S3_CORS_ORIGINS", "https://drop.example", f"takes nothing from pages of {URL}"),
        ("AWS_SECRET_ACCESS_KEY", "wrong", "answers 403 to a signed part"),
        ("AWS_STORAGE_BUCKET_NAME", "versioned", "keeps versions"),
        ("AWS_S3_ENDPOINT_URL", "http://127.0.0.1:9", "storage: Could not connect"),
        ("SECRET_KEY", "short", "SECRET_KEY has less than 50 characters"),
        ("IMAGES_KEPT", "three", "IMAGES_KEPT is 'three'"),
    ],
)
def test_deploy_reports_a_wrong_setting_before_it_pushes(heroku, config, bucket, name, value, words):
    if value == "versioned":
        bucket.client.create_bucket(Bucket=value)
        bucket.client.put_bucket_versioning(Bucket=value, VersioningConfiguration={"Status": "Enabled"})
    heroku.have(config | {name: value})
    done = heroku.make("deploy")
    assert done.returncode != 0
    assert words in done.stdout
    assert "push=true" not in done.stdout
    assert heroku.changes() == []


def test_deploy_says_how_to_move_an_app_to_the_container_stack(heroku, config):
    heroku.have(config, stack="heroku-24")
    done = heroku.make("deploy")
    assert done.returncode != 0
    assert f"heroku stack:set container --app {NAME}" in done.stdout


def redis_plan(name: str) -> list[dict]:
    plan = {"name": f"heroku-redis:{name}", "price": {"cents": 300, "unit": "month"}}
    return [{"id": "1", "name": "redis-1", "app": {"name": NAME}, "addon_service": {}, "plan": plan}]


def test_flower_does_not_start_on_a_plan_that_is_too_small(heroku, config):
    heroku.have(config, addons=redis_plan("mini"))
    done = heroku.make("flower-heroku")
    assert done.returncode != 0
    assert "has 20 connections" in done.stdout
    assert "ANYWAY=1 make flower-heroku" in done.stdout


def test_flower_shows_the_apps_workers_on_a_larger_plan(heroku, config, connections):
    heroku.have(config, addons=redis_plan("premium-0"))
    port = os.environ["FLOWER_HTTP_PORT"]
    with connections.room_for(40), heroku.making("flower-heroku", FLOWER_BASIC_AUTH="me:secret"):
        page = f"http://127.0.0.1:{port}/workers"
        until(lambda: answer(page) is not None, seconds=60, every=1)
        assert answer(page).status_code == 401
        until(lambda: "removal@" in answer(page, auth=("me", "secret")).text, seconds=30)
    FIGURES["with Flower: most connections"] = f"Redis {connections.redis}"
    assert connections.refused() == 0


def answer(url: str, **more) -> httpx.Response | None:
    try:
        return httpx.get(url, **more)
    except httpx.HTTPError:
        return None
