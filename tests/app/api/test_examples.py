"""Every example of the API's document is true: the request is tried, and its answer compared."""

import json
import re
import subprocess
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from django.conf import settings as current
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.test import Client, override_settings

from mayfly import bodies
from mayfly.api.bundles import api
from mayfly.api.document import GROUPS, OPERATIONS, command
from mayfly.api.example import Example
from mayfly.api.examples import ID, SITE
from mayfly.pages import bodies as answered
from mayfly.uploads import lifecycle, locks, passwords, places
from mayfly.uploads.errors import Crowded
from mayfly.uploads.lifecycle import joined
from mayfly.uploads.limits import limits as in_force
from mayfly.uploads.models import Upload
from mayfly.visitors import boxes, rates
from mayfly.visitors.tokens import Token
from mayfly.webhooks import registering
from tools import api as api_page

from ...support.broken import down, storage_class
from ...support.making import expire
from ...support.people import Person

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = b"hello"
EVERY = [(name, example) for name, operation in OPERATIONS.items() for example in operation.all]
CURL = "curl --silent --show-error --output answer --write-out '%{http_code}'"


def documented() -> dict[str, dict]:
    """Every operation of the document under its name, such as `GET /api/uploads`."""
    paths = api.get_openapi_schema()["paths"]
    return {f"{method.upper()} {path}": found for path, methods in paths.items() for method, found in methods.items()}


def ready_for(name: str, owner: Person) -> str:
    """The id of an upload, a bundle or a webhook of the owner's that is as this operation needs it."""
    if name.endswith("{webhook_id}") or name == "GET /api/webhooks":
        return owner.post("/api/webhooks", OPERATIONS["POST /api/webhooks"].works.body).json()["id"]
    if "/bundles" in name:
        bundle = owner.begin_bundle()
        owner.upload(CONTENT, bundle=bundle["id"])
        if not name.endswith("/complete"):
            owner.complete_bundle(bundle)
        return bundle["id"]
    upload = owner.begin(CONTENT)
    if name.endswith("/complete") or name == "GET /api/uploads/{upload_id}/parts":
        owner.send_parts(upload, CONTENT)
    elif not name.endswith("/parts"):
        owner.send_parts(upload, CONTENT)
        owner.complete(upload)
    return upload["id"]


def tried(name: str, example: Example, upload_id: str, client: Client, headers: dict[str, str], **more):
    """Send the request of this example, with the operation's own body and query unless the example has others."""
    method, path = re.sub(r"{\w+_id}", upload_id, name).split(" ")
    works = OPERATIONS[name].works
    body = works.body if example.body is None else example.body
    query = example.query or works.query
    sent = {"data": "" if body is None else json.dumps(body), "content_type": "application/json"} | more
    return client.generic(method, path, QUERY_STRING=query, headers=headers, **sent)


def shape(value):
    """The value with its types in place of texts and numbers, which differ from run to run."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


def words(answer: dict) -> dict:
    """An error without its numbers, which are those of a limit."""
    error = dict(answer["error"])
    message = error["message"].replace("http://testserver", SITE)
    return error | {"message": re.sub(r"\d[\d.e-]*( [MG]B)?", "0", message)}


# How each case comes about: a block around the request, with the id of the upload that it is about.


@contextmanager
def limited(**changes):
    with pytest.MonkeyPatch.context() as patched:
        for limit, value in changes.items():
            patched.setattr(in_force, limit, value)
        yield


@contextmanager
def database_away():
    def fail(*_, **__):
        raise OperationalError("could not connect")

    with connection.execute_wrapper(fail):
        yield


@contextmanager
def storage_away():
    with pytest.MonkeyPatch.context() as patched:
        for method in ("open_transfer", "parts", "complete_transfer"):
            patched.setattr(storage_class(), method, down)
        yield


@contextmanager
def shared():
    with override_settings(SHARED_BOX=True):
        yield


@contextmanager
def flooded():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(current, "RATES", dict.fromkeys(rates.Rate, (1, 0)))
        patched.setattr(current, "REDIS_URL", "")
        patched.setattr(rates, "BURST_MINUTES", 0)
        yield


@contextmanager
def body_fails(failure: type[Exception]):
    line = SimpleNamespace(failure=failure, end=lambda body: None)
    with patch.object(answered.bodies, "current", lambda: line):
        yield


@contextmanager
def completes_taken():
    with ExitStack() as held, patch.object(places, "MOMENT", 0):
        with suppress(Crowded):
            while True:
                held.enter_context(places.for_completes.entered())
        yield


@contextmanager
def hashing():
    with patch.object(passwords, "PATIENCE", 0), passwords._turn:
        yield


BLOCKS = {
    "database": database_away,
    "completes_full": completes_taken,
    "hashing": hashing,
    "storage": storage_away,
    "box_full": lambda: limited(box_quota=len(CONTENT) + 1),
    "box_count": lambda: limited(box_uploads=1),
    "address_full": lambda: limited(address_quota=len(CONTENT) + 1),
    "address_count": lambda: limited(address_uploads=1),
    "site_full": lambda: limited(site_quota=1),
    "shared_box": shared,
    "bundle_full": lambda: patch.object(joined, "BUNDLE_UPLOADS", 0),
    "bundle_count": lambda: limited(box_uploads=0),
    "too_many": flooded,
    "webhook_count": lambda: patch.object(registering, "BOX_WEBHOOKS", 0),
    "webhooks_off": lambda: patch.object(current, "WEBHOOKS", False),
    "body_too_slow": lambda: body_fails(bodies.TooSlow),
    "bodies_full": lambda: body_fails(bodies.NoRoom),
}


def answer_to(name: str, example: Example, owner: Person):
    """The answer to the example's request, once everything is as its case says."""
    client, headers, more = Client(), dict(owner.headers), {}
    upload_id = ready_for(name, owner)
    match example.case:
        case "bad_token":
            headers["Authorization"] += "x"
        case "only_sends":
            headers["Authorization"] = f"Bearer {Token(owner.box, sender=ID).signed()}"
        case "box_needed":
            headers = {}
        case "csrf" | "wrong_origin":
            headers = {"Origin": "http://elsewhere.example"} if example.case == "wrong_origin" else {}
            client = Client(enforce_csrf_checks=True)
            client.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
        case "unknown":
            upload_id = Person().bundle({"a.txt": CONTENT})["id"] if "/bundles" in name else Person().upload()["id"]
        case "not_json":
            more = {"data": "hello", "content_type": "text/plain"}
        case "idempotency_key":
            headers["Idempotency-Key"] = "short"
        case "underway" | "key_reused" | "gone" | "refused" if name == "POST /api/uploads":
            headers["Idempotency-Key"] = KEY
            upload_id = tried(name, OPERATIONS[name].works, "", client, headers).json()["id"]
            repeated(example.case, Upload.objects.get(pk=upload_id))
        case "gone" if name == "POST /api/bundles":
            headers["Idempotency-Key"] = KEY
            owner.delete(f"/api/bundles/{tried(name, OPERATIONS[name].works, '', client, headers).json()['id']}")
        case "gone":
            if "/bundles" in name:
                owner.delete(f"/api/bundles/{upload_id}")
            else:
                expire({"id": upload_id})
        case "parts_missing":
            upload_id = owner.begin(CONTENT)["id"]
        case "refused":
            upload_id = owner.begin(CONTENT, kind="image")["id"]
            lifecycle.refuse(Upload.objects.get(pk=upload_id), REFUSAL, storage=default_storage)
        case "completing":
            locks._inside[upload_id] = locks.TOGETHER
        case "bundle_full":
            more = {"data": json.dumps(OPERATIONS[name].works.body | {"bundle": owner.begin_bundle()["id"]})}
        case "bundle":
            upload_id = owner.upload(CONTENT, bundle=owner.begin_bundle()["id"])["id"]
        case "bundle_empty":
            upload_id = owner.begin_bundle()["id"]
        case "works" if name in ("POST /api/uploads", "POST /api/bundles"):
            headers = {}  # the answer has a box for a caller who has none
    try:
        with BLOCKS.get(example.case, limited)():
            return tried(name, example, upload_id, client, headers, **more)
    finally:
        locks._inside.pop(upload_id, None)


def repeated(case: str, begun: Upload) -> None:
    """Let the upload of a call that is repeated be as this case says."""
    if case == "underway":
        Upload.objects.filter(pk=begun.pk).update(transfer_id="")
    elif case == "key_reused":
        Upload.objects.filter(pk=begun.pk).update(ask_body="another")
    elif case == "gone":
        expire(begun)
    else:
        lifecycle.refuse(begun, REFUSAL, storage=default_storage)


KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
REFUSAL = "This is not an image we can show: JPEG, PNG, WebP, GIF and AVIF are. Send it as a file instead."


@pytest.mark.parametrize(("name", "example"), EVERY, ids=[f"{name} {example.case}" for name, example in EVERY])
def test_an_example_of_the_document_works_when_tried(name, example, owner):
    response = answer_to(name, example, owner)
    assert response.status_code == example.status, response.content
    if example.answer is None:
        assert response.content == b""
    elif example.case == "works":
        assert shape(response.json()) == shape(example.answer), (
            f"The answer of {name} and its example in mayfly/api/example_*.py differ: write what the answer has."
        )
    else:
        assert words(response.json()) == words(example.answer)
        assert ("Retry-After" in response) == ("Retry-After" in example.when)


@pytest.mark.parametrize("name", sorted(documented()))
def test_an_operation_has_a_group_and_examples(name):
    described = documented()[name]
    assert name in OPERATIONS, (
        f"{name} has no examples. Add an Operation of this name to mayfly/api/example_*.py: a request that"
        " works with its answer, and every error that it can give. Then run `make docs`."
    )
    groups = set(described.get("tags", ())) & GROUPS.keys()
    assert groups, f"{name} has no group. Give its route tags=[…] with one of {', '.join(GROUPS)}."
    answers = {int(status): answer for status, answer in described["responses"].items()}
    assert answers.keys() == {example.status for example in OPERATIONS[name].all}
    assert all("examples" in media for answer in answers.values() for media in answer.get("content", {}).values())


def test_no_example_is_of_an_operation_that_does_not_exist():
    assert OPERATIONS.keys() == documented().keys()


@pytest.mark.slow
def test_every_command_line_of_the_document_works(live_server, tmp_path):
    for name, operation in OPERATIONS.items():
        owner = Person()  # a new one, because an operation may end the token
        token = owner.headers["Authorization"].removeprefix("Bearer ")
        upload_id = ready_for(name, owner)
        line = command(*name.split(" "), operation.works)
        assert documented()[name]["x-codeSamples"][0]["source"] == line
        script = f"SITE={live_server.url} BOX={token} ID={upload_id}\n{line.replace('curl', CURL, 1)}"
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=20)
        assert done.stdout == str(operation.works.status), (line, done.stderr, (tmp_path / "answer").read_text())


@pytest.mark.slow
def test_the_life_of_an_upload_in_the_document_works(live_server, tmp_path):
    script = api_page.LIFE.replace("http://localhost:8080", live_server.url)
    done = subprocess.run(["bash", "-ec", script], cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert done.stdout.endswith("hello"), done.stderr


def test_the_page_of_the_api_is_as_its_document():
    document = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    assert api_page.DOCUMENT.read_text() == api_page.page(document), "docs/api.md is stale: run `make docs`."


def test_the_examples_name_the_id_that_the_document_explains():
    assert len(ID) == 22
    assert str(documented()["GET /api/uploads/{upload_id}"]).count(ID) >= 2
