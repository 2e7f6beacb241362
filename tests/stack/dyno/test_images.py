"""The images: alike but for their command, and the same on Heroku, in Compose and here."""

import json

import pytest
import yaml

from .conftest import KINDS, build
from .dynos import DYNOS, ROOT, docker

# Makes a client for each service that botocore knows, and the two things of S3 that have data of their own.
CLIENTS = """
import boto3
session = boto3.Session(region_name="us-east-1")
clients = {name: session.client(name) for name in session.get_available_services()}
clients["s3"].get_paginator("list_objects_v2")
session.resource("s3")
print(*clients)
"""


def image(name: str) -> dict:
    return json.loads(docker("image", "inspect", name))[0]


def test_images_differ_in_their_command_only(images):
    kinds = [image(f"{DYNOS}-{kind}") for kind in KINDS]
    assert len({json.dumps(kind["RootFS"]["Layers"]) for kind in kinds}) == 1
    assert [kind["Config"]["Cmd"] for kind in kinds] == [["/mayfly/start", kind] for kind in KINDS]
    for kind in kinds:
        assert kind["Config"]["Entrypoint"] is None
        del kind["Config"]["Cmd"]
    assert kinds[0]["Config"] == kinds[1]["Config"] == kinds[2]["Config"]


def test_images_have_few_layers(images):
    """Heroku may not start an image of more than 40 layers."""
    assert len(image(f"{DYNOS}-web")["RootFS"]["Layers"]) < 20


def test_the_release_image_has_the_curl_and_shell_that_heroku_uses(images):
    said = docker("run", "--rm", "--entrypoint", "/bin/sh", f"{DYNOS}-release", "-c", "curl --version")
    assert said.startswith("curl ")


def test_images_know_s3_and_all_that_leads_to_credentials_for_it(images):
    """The build removes what botocore knows of AWS's other services."""
    said = docker("run", "--rm", "--entrypoint", "python", f"{DYNOS}-web", "-c", CLIENTS)
    assert said.split() == ["s3", "signin", "sso", "sso-oidc", "sts"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_classic_builder_builds_every_target(kind):
    build(kind, tag=f"{DYNOS}-classic-{kind}", classic=True)
    classic = image(f"{DYNOS}-classic-{kind}")["Config"]
    assert (classic["Cmd"], classic["User"], classic["WorkingDir"]) == (
        ["/mayfly/start", kind],
        "10001",
        "/mayfly/app",
    )
    docker("image", "rm", f"{DYNOS}-classic-{kind}")


@pytest.mark.parametrize("kind", KINDS)
def test_compose_runs_the_same_bytes_as_heroku(kind, images, tmp_path):
    """Compare the digests of all layers. Compose adds labels of its own to an image."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][kind]
    override = tmp_path / "one.yml"
    override.write_text(
        yaml.safe_dump(
            {
                "services": {kind: {"build": compose["build"] | {"context": str(ROOT / compose["build"]["context"])}}},
            }
        )
    )
    docker("compose", "--project-name", f"{DYNOS}-same", "--file", override, "build", "--quiet", kind)
    theirs, ours = image(f"{DYNOS}-same-{kind}"), image(f"{DYNOS}-{kind}")
    docker("image", "rm", f"{DYNOS}-same-{kind}")
    assert theirs["RootFS"] == ours["RootFS"]
    labels = {name: text for name, text in theirs["Config"]["Labels"].items() if not name.startswith("com.docker.")}
    assert {**theirs["Config"], "Labels": labels} == ours["Config"]
