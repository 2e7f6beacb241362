"""The logs of all containers at the end of the run: no line gives an upload away, and no request wrote one."""

import os
import re
import subprocess

import httpx
import pytest

from .conftest import SECRETS, URL, Visitor, compose, until

ID = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*\d)(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])[A-Za-z0-9]{22}(?![A-Za-z0-9])")
SIGNED = re.compile(r"X-Amz-Signature|uploadId=|:[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")


@pytest.fixture(scope="module")
def logs(attempts) -> list[str]:
    """Every line of every container. `docker compose logs` would add codes that clear a terminal's line."""
    lines = []
    for container in compose("ps", "--all", "--quiet").split():
        both = subprocess.run(
            ["docker", "logs", container], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
        )
        lines += both.stdout.decode().split("\n")
    return lines


@pytest.fixture(scope="module")
def attempts() -> None:
    """Send what has brought secrets and forged lines into logs elsewhere, and wait until web has logged it."""
    visitor = Visitor()
    upload = visitor.upload(b"hello", name="private-" + os.urandom(8).hex())
    pk, name = upload["id"], upload["name"]
    token = visitor.api.headers["Authorization"].removeprefix("Bearer ")
    SECRETS.update([pk, name, token])
    httpx.get(upload["download"], follow_redirects=True)
    httpx.post(f"{URL}/u/{pk}/delete")
    httpx.post(f"{URL}/api/uploads/{pk}/complete", cookies={"box": token})
    for path in (
        f"//u/{pk}/",
        f"/%75/{pk}/",
        f"/u%2F{pk}/",
        f"/u/{pk}/?box={token}",
        "/%0AINFO%20forged%3A%20x",
        "/%1B%5B2J%9B2J",
        f"/a%2F{name}",
        f"/files/{name}",
    ):
        curl("--path-as-is", f"{URL}{path}")
        curl("--path-as-is", "--upload-file", "/dev/null", f"{URL}{path}")
    curl("--upload-file", "/dev/null", f"{URL}/{name}")
    curl("--header", "Host: evil.example", f"{URL}/u/{pk}/")
    last = "last-" + os.urandom(8).hex()
    httpx.get(f"{URL}/images/", headers={"X-Request-Id": last})
    until(lambda: f"id={last}" in compose("logs", "--no-color", "web"), seconds=20)


def curl(*arguments: str) -> None:
    subprocess.run(["curl", "--silent", "--max-time", "20", "--output", "/dev/null", *arguments], check=True)


def test_no_log_has_an_id_a_name_or_a_token(logs):
    """Case 73."""
    text = "\n".join(logs)
    assert [secret for secret in SECRETS if secret in text] == []
    assert [line for line in logs if ID.search(line)] == []


def test_no_log_has_a_signature(logs):
    """Case 73."""
    assert [line for line in logs if SIGNED.search(line)] == []


def test_no_request_wrote_a_line_of_its_own(logs):
    """Case 74."""
    assert [line for line in logs if "forged" in line] == []
    assert [line for line in logs if not line.replace("\t", "").isprintable()] == []
