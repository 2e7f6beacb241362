"""The gate to bytes: nothing signs past it, and no address gives a visitor more than the upload's state allows."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

import mayfly
from mayfly.storage.default import uploads_storage as storage
from mayfly.uploads.choices import State
from mayfly.uploads.ids import UploadId
from mayfly.uploads.models import Upload

from ...support.making import expire
from ...support.people import Person, body_of
from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)

PACKAGE = Path(mayfly.__file__).parent
SIGNING = {"sign_download", "sign_preview"}
# The order matters: a DELETE by the owner ends what the others could show.
METHODS = ("get", "head", "post", "put", "patch", "delete")
NAME, TITLE, PREVIEW = "confidential-name.png", "confidential title", b"bytes of the preview"
# A signed URL of either storage.
SIGNED = ("/storage/", "X-Amz-Signature")


def addresses(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    """Every address that takes an upload's id, with `{id}` in place of it."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif any(isinstance(converter, UploadId) for converter in pattern.pattern.converters.values()):
            yield "/" + route.replace("<upload:upload_id>", "{id}")


ADDRESSES = sorted(set(addresses(get_resolver().url_patterns)))


def image(owner: Person) -> Upload:
    """A ready image with a title and a preview."""
    upload = Upload.objects.get(pk=owner.upload(PNG, kind="image", name=NAME, title=TITLE)["id"])
    storage.put(upload.preview_key, PREVIEW, content_type="image/webp")
    Upload.objects.filter(pk=upload.pk).update(has_preview=True)
    return upload


def expired(owner: Person) -> Upload:
    return expire(image(owner))


def removing(owner: Person) -> Upload:
    upload = image(owner)
    Upload.objects.filter(pk=upload.pk).update(state=State.REMOVING)
    return upload


def pending(owner: Person) -> Upload:
    """An upload whose parts have all arrived, and which is not complete."""
    upload = owner.begin(PNG, kind="image", name=NAME, title=TITLE)
    owner.send_parts(upload, PNG)
    return Upload.objects.get(pk=upload["id"])


def leaks(client: Client, address: str, upload: Upload, methods: Iterable[str] = METHODS) -> list[str]:
    """The answers to these methods that give something of the upload away, each as method and finding."""
    found = []
    for method in methods:
        response = getattr(client, method)(address.replace("{id}", upload.pk))
        text = body_of(response).decode(errors="replace")
        everything = f"{text}\n{response.headers}\n{response.cookies}"
        secrets = [NAME, TITLE, PREVIEW.decode(), PNG.decode(errors="replace"), *SIGNED]
        found += [f"{method} {response.status_code}: {secret}" for secret in secrets if secret in everything]
    return found


def test_only_the_gate_signs_downloads_and_previews():
    found = {
        (file.relative_to(PACKAGE).as_posix(), node.attr)
        for file in PACKAGE.rglob("*.py")
        if not file.is_relative_to(PACKAGE / "storage")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in SIGNING
    }
    assert found == {("uploads/opening.py", name) for name in SIGNING}


def test_the_walk_finds_the_addresses_of_pages_and_api():
    assert {"/u/{id}/", "/u/{id}/download", "/u/{id}/preview", "/u/{id}/delete"} <= set(ADDRESSES)
    assert {"/api/uploads/{id}", "/api/uploads/{id}/parts", "/api/uploads/{id}/complete"} <= set(ADDRESSES)


def test_the_walk_sees_a_live_upload(owner, stranger):
    """It finds names and signed URLs if there are any, so that finding none means something."""
    upload = image(owner)
    assert leaks(stranger.browser, "/u/{id}/", upload, ["get"]) == [f"get 200: {NAME}", f"get 200: {TITLE}"]
    assert any(sign in found for found in leaks(Client(), "/u/{id}/download", upload, ["get"]) for sign in SIGNED)
    assert any(sign in found for found in leaks(Client(), "/u/{id}/preview", upload, ["get"]) for sign in SIGNED)
    assert f"get 200: {NAME}" in leaks(owner.browser, "/api/uploads/{id}", upload, ["get"])


@pytest.mark.parametrize("state", [expired, removing], ids=["expired", "removing"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_ended_upload_is_given_to_no_visitor(owner, stranger, address, state):
    upload = state(owner)
    for client in (stranger.browser, Client(), owner.browser):
        assert leaks(client, address, upload) == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_pending_upload_is_given_to_no_stranger(owner, stranger, address):
    upload = pending(owner)
    for client in (stranger.browser, Client()):
        assert leaks(client, address, upload) == []
    upload.refresh_from_db()
    assert upload.state == State.PENDING
    assert owner.post(f"/api/uploads/{upload.pk}/complete").status_code == 200
