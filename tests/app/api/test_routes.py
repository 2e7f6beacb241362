"""The JSON API: the happy path first, then refusals, then access."""

import json
import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from mayfly.uploads.choices import State
from mayfly.uploads.limits import PAGE
from mayfly.uploads.models import Upload
from mayfly.visitors import boxes

from ...support.broken import down, storage_class
from ...support.making import expire, ready_row
from ...support.people import Person, body_of, fetch, send
from ...support.samples import PNG

pytestmark = pytest.mark.django_db


def error_of(response) -> dict:
    return response.json()["error"]


# the main job


def test_an_upload_goes_through_its_whole_life(owner):
    begun = owner.begin(b"hello", name="a b.txt", title="mine")
    assert begun["state"] == "pending"
    transfer = begun["transfer"]
    assert (transfer["part_size"], transfer["parts"]) == (8 * 1024 * 1024, 1)
    [part] = owner.sign(begun, 1)
    assert (part["number"], part["size"]) == (1, 5)
    assert send(part, b"hello") in (200, 201)
    assert owner.get(f"/api/uploads/{begun['id']}/parts").json() == {"parts": [{"number": 1, "size": 5}]}
    ready = owner.post(f"/api/uploads/{begun['id']}/complete").json()
    assert ready["state"] == "ready"
    left = datetime.fromisoformat(ready["expires_at"]) - datetime.fromisoformat(begun["created_at"])
    assert timedelta(minutes=14) < left < timedelta(minutes=16)
    download = Client().get(ready["download"])
    assert download.status_code == 302
    answer = fetch(download["Location"])
    assert body_of(answer) == b"hello"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert owner.delete(f"/api/uploads/{begun['id']}").status_code == 204
    assert owner.get(f"/api/uploads/{begun['id']}").status_code == 410
    assert Client().get(ready["link"]).status_code == 410


def test_a_small_file_needs_three_requests(owner, monkeypatch):
    asked = []
    for name in ("open_transfer", "parts"):
        method = getattr(storage_class(), name)

        def counted(*arguments, _name=name, _method=method, **more):
            asked.append(_name)
            return _method(*arguments, **more)

        monkeypatch.setattr(storage_class(), name, counted)
    begun = owner.begin(b"hello")
    assert asked == ["open_transfer"]  # signing asks storage nothing
    [part] = begun["transfer"]["first"]
    assert (part["number"], part["size"]) == (1, 5)
    assert owner.put(part, b"hello") in (200, 201)
    assert owner.complete(begun).json()["state"] == "ready"


def test_a_begin_signs_as_many_parts_as_travel_side_by_side(owner):
    size = 8 * 1024 * 1024
    content = b"x" * (5 * size + 1)
    begun = owner.begin(content)
    assert [(part["number"], part["size"]) for part in begun["transfer"]["first"]] == [(n, size) for n in range(1, 5)]
    for part in begun["transfer"]["first"]:
        assert owner.put(part, content[:size]) in (200, 201)
    owner.send_parts(begun, content, 5, 6)
    assert owner.complete(begun).status_code == 200


def test_the_api_shows_every_documented_field_of_an_upload(owner):
    upload = owner.upload(PNG, kind="image", name="dot.png", type="text/html")
    assert upload | {"id": "", "created_at": "", "expires_at": "", "code": ""} == {
        "id": "",
        "bundle": None,
        "kind": "image",
        "name": "dot.png",
        "title": "",
        "size": len(PNG),
        "type": "image/png",
        "state": "ready",
        "created_at": "",
        "expires_at": "",
        "link": f"http://testserver/u/{upload['id']}/",
        "download": f"http://testserver/u/{upload['id']}/download",
        "preview": None,
        "fetched": {"count": 0, "last_at": None},
        "password": False,
        "downloads": None,
        "metadata": None,
        "code": "",
    }
    assert upload["expires_at"].endswith("Z")
    assert Upload.objects.get(pk=upload["id"]).code == upload["code"]


def test_the_first_call_makes_a_box_and_returns_its_token():
    body = {"kind": "file", "name": "a", "size": 1}
    response = Client().post("/api/uploads", body, "application/json")
    assert response.status_code == 201
    headers = {"Authorization": f"Bearer {response.json()['box']}"}
    assert Client().get(f"/api/uploads/{response.json()['id']}", headers=headers).status_code == 200
    again = Client().post("/api/uploads", body, "application/json", headers=headers)
    assert again.json()["box"] is None


def test_a_client_can_choose_the_lifetime(owner):
    upload = owner.upload(lifetime=60)
    left = Upload.objects.with_time_left().get(pk=upload["id"]).time_left
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)


def test_the_list_shows_live_uploads_newest_first_and_by_kind(owner):
    first, second = owner.upload(), owner.upload()
    image = owner.upload(PNG, kind="image")
    owner.begin()
    assert [u["id"] for u in owner.get("/api/uploads").json()["uploads"]] == [image["id"], second["id"], first["id"]]
    assert [u["id"] for u in owner.get("/api/uploads?kind=image").json()["uploads"]] == [image["id"]]


def test_the_list_shows_the_newest_three_of_four_images(owner):
    ids = [owner.upload(PNG, kind="image")["id"] for _ in range(4)]
    assert [u["id"] for u in owner.get("/api/uploads?kind=image").json()["uploads"]] == ids[:0:-1]


def test_clearing_removes_one_kind_or_all(owner):
    file, image = owner.upload(), owner.upload(PNG, kind="image")
    assert owner.delete("/api/uploads?kind=image").status_code == 204
    assert [u["id"] for u in owner.get("/api/uploads").json()["uploads"]] == [file["id"]]
    assert owner.get(f"/api/uploads/{image['id']}").status_code == 410
    owner.delete("/api/uploads")
    assert owner.get("/api/uploads").json() == {"uploads": [], "next": None}


def test_no_route_serves_an_expired_upload(owner):
    upload = owner.upload()
    expire(upload)
    pk = upload["id"]
    assert Upload.objects.get(pk=pk).state == State.READY  # no sweep has seen it
    assert owner.get("/api/uploads").json() == {"uploads": [], "next": None}
    assert owner.get(f"/api/uploads/{pk}").status_code == 410
    assert owner.post(f"/api/uploads/{pk}/parts", {"numbers": [1]}).status_code == 410
    assert Client().get(f"/u/{pk}/").status_code == 410
    assert Client().get(f"/u/{pk}/download").status_code == 410
    assert b"a.txt" not in owner.browser.get("/files/").content


# refusals


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"size": 0}, 400, "size"),
        ({"size": -1}, 400, "size"),
        ({"size": 10**30}, 413, "size"),
        ({"size": "5"}, 400, "size"),
        ({"size": 5.0}, 400, "size"),
        ({"size": None}, 400, "size"),
        ({"size": True}, 400, "size"),
        ({"name": ""}, 400, "name"),
        ({"name": "x" * 256}, 400, "name"),
        ({"name": "\ud800"}, 400, None),
        ({"title": "x" * 81}, 400, "title"),
        ({"kind": "video"}, 400, "kind"),
        ({"lifetime": 0}, 400, "lifetime"),
        ({"lifetime": 10**9}, 400, "lifetime"),
        ({"lifetime": 10**30}, 400, "lifetime"),
        ({"password": "x" * 201}, 400, "password"),
        ({"password": "\ud800"}, 400, "password"),
        ({"password": 5}, 400, "password"),
        ({"downloads": 0}, 400, "downloads"),
        ({"downloads": 101}, 400, "downloads"),
        ({"downloads": "3"}, 400, "downloads"),
    ],
)
def test_a_refused_begin_names_the_field(owner, changes, status, field):
    body = json.dumps({"kind": "file", "name": "a", "size": 5} | changes)
    response = owner.post("/api/uploads", body)
    assert response.status_code == status
    assert error_of(response)["message"]
    if field:
        assert error_of(response)["field"].split(".")[-1] == field
    assert not Upload.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"', "\x00", '{"kind": "file"}'])
def test_a_malformed_body_gets_400(owner, body):
    response = owner.post("/api/uploads", body)
    assert response.status_code == 400
    assert error_of(response)["code"] == "invalid"


def test_a_body_that_is_not_json_gets_415(owner):
    response = Client().post("/api/uploads", {"kind": "file", "name": "a", "size": 5}, headers=owner.headers)
    assert response.status_code == 415


def test_a_full_box_gets_413_with_a_way_out(owner, limits):
    limits(box_quota=9)
    owner.begin(b"hello")
    response = owner.post("/api/uploads", {"kind": "file", "name": "a", "size": 5})
    assert response.status_code == 413
    assert "Delete some" in error_of(response)["message"]


def test_an_address_over_its_quota_gets_429(owner, limits):
    limits(address_quota=9)
    owner.begin(b"hello")
    response = owner.post("/api/uploads", {"kind": "file", "name": "a", "size": 5})
    assert response.status_code == 429
    assert error_of(response)["code"] == "address_full"


@pytest.mark.parametrize("numbers", [[], [0], [-1], [2], ["1"], [1.0], list(range(1, 1002)), [10**30]])
def test_part_numbers_outside_the_plan_get_400(owner, numbers):
    upload = owner.begin()
    assert owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": numbers}).status_code == 400


def test_completing_too_early_names_the_missing_parts(owner):
    upload = owner.begin()
    response = owner.post(f"/api/uploads/{upload['id']}/complete")
    assert response.status_code == 409
    assert error_of(response)["missing"] == [1]


def test_a_non_image_gets_422_with_a_reason(owner):
    upload = owner.begin(b"<svg/>", kind="image", name="x.svg")
    owner.send_parts(upload, b"<svg/>")
    for _ in range(2):
        response = owner.post(f"/api/uploads/{upload['id']}/complete")
        assert response.status_code == 422
        assert "Send it as a file instead" in error_of(response)["message"]
    assert Upload.objects.get().state == State.GONE


def test_a_part_url_is_useless_once_the_upload_is_ready_or_removed(owner):
    upload = owner.begin()
    [part] = owner.sign(upload, 1)
    assert send(part, b"hello") in (200, 201)
    owner.post(f"/api/uploads/{upload['id']}/complete")
    assert send(part, b"HELLO") in (403, 404)
    owner.delete(f"/api/uploads/{upload['id']}")
    assert send(part, b"HELLO") in (403, 404)


def test_completing_again_returns_the_same_upload(owner):
    upload = owner.upload()
    assert owner.post(f"/api/uploads/{upload['id']}/complete").json() == upload


def test_an_owner_changes_title_and_lifetime_before_and_after_completion(owner):
    upload = owner.begin(b"hello")
    path = f"/api/uploads/{upload['id']}"
    changed = owner.request("PATCH", path, {"title": " for you ", "lifetime": 3600})
    assert changed.status_code == 200
    assert changed.json() == {name: upload[name] for name in changed.json()} | {"title": "for you"}
    owner.send_parts(upload, b"hello")
    owner.post(f"{path}/complete")
    for body, minutes, title in (({}, 60, "for you"), ({"lifetime": 7200}, 120, "for you"), ({"title": ""}, 120, "")):
        changed = owner.request("PATCH", path, body)
        assert changed.json() == owner.get(path).json()
        row = Upload.objects.get()
        assert (row.expires_at - row.completed_at, row.title) == (timedelta(minutes=minutes), title)
        assert datetime.fromisoformat(changed.json()["expires_at"]) - row.expires_at < timedelta(milliseconds=1)


@pytest.mark.parametrize("body", [{"lifetime": 0}, {"lifetime": 43201}, {"lifetime": 1.5}, {"title": "x" * 81}])
def test_a_change_against_a_rule_gets_400_with_its_field(owner, body):
    upload = owner.upload()
    response = owner.request("PATCH", f"/api/uploads/{upload['id']}", body)
    assert response.status_code == 400
    assert [error_of(response)["field"]] == list(body)
    assert owner.get(f"/api/uploads/{upload['id']}").json() == upload


@pytest.mark.parametrize("body", [{"name": "b.txt"}, {"size": 1}, {"expires_at": "2099-01-01T00:00:00Z"}, [], "x"])
def test_nothing_else_of_an_upload_can_be_changed(owner, body):
    assert owner.request("PATCH", f"/api/uploads/{owner.upload()['id']}", body).status_code == 400


def test_a_change_of_a_removed_upload_gets_410(owner):
    upload = owner.upload()
    expire(upload)
    assert owner.request("PATCH", f"/api/uploads/{upload['id']}", {"lifetime": 3600}).status_code == 410
    owner.delete(f"/api/uploads/{upload['id']}")
    assert owner.request("PATCH", f"/api/uploads/{upload['id']}", {"title": "late"}).status_code == 410


def test_deleting_again_is_no_error(owner):
    upload = owner.upload()
    for _ in range(2):
        response = owner.delete(f"/api/uploads/{upload['id']}")
        assert response.status_code == 204
        assert "X-Being-Deleted" not in response


def test_a_removal_that_storage_delays_is_counted_in_the_answer(owner, monkeypatch):
    """Case 57: the status stays 204, because the uploads are out of sight."""
    uploads = [owner.upload() for _ in range(3)]
    monkeypatch.setattr(storage_class(), "remove", down)
    response = owner.delete(f"/api/uploads/{uploads[0]['id']}")
    assert (response.status_code, response["X-Being-Deleted"]) == (204, "1")
    response = owner.delete("/api/uploads")
    assert (response.status_code, response["X-Being-Deleted"]) == (204, "2")
    assert owner.get("/api/uploads").json() == {"uploads": [], "next": None}


# access

ROUTES = [
    ("get", ""),
    ("delete", ""),
    ("patch", ""),
    ("get", "/parts"),
    ("post", "/parts"),
    ("post", "/complete"),
]
BODIES = {"post": {"numbers": [1]}, "patch": {"title": "changed"}}


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_a_strangers_id_and_an_unknown_id_look_the_same(owner, stranger, method, route):
    """Cases 18, 30: an attempt does not reveal whether an id exists."""
    upload = owner.begin()
    body = BODIES.get(method)
    theirs = stranger.request(method, f"/api/uploads/{upload['id']}{route}", body)
    nobodys = stranger.request(method, f"/api/uploads/{'x' * 22}{route}", body)
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content
    assert Upload.objects.get().state == State.PENDING


def test_a_stranger_neither_sees_nor_clears_my_uploads(owner, stranger):
    owner.upload()
    assert stranger.get("/api/uploads").json() == {"uploads": [], "next": None}
    stranger.delete("/api/uploads")
    assert len(owner.get("/api/uploads").json()["uploads"]) == 1


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_an_upload_is_not_reachable_without_a_box(owner, method, route):
    upload = owner.begin()
    more = {"data": BODIES[method], "content_type": "application/json"} if method in BODIES else {}
    assert getattr(Client(), method)(f"/api/uploads/{upload['id']}{route}", **more).status_code == 401


def test_a_client_without_a_box_lists_and_clears_nothing():
    assert Client().get("/api/uploads").json() == {"uploads": [], "next": None}
    assert Client().delete("/api/uploads").status_code == 204


@pytest.mark.parametrize("token", ["x", "x:y", "a" * 22, "Ä", " "])
def test_a_forged_token_gets_401(token):
    response = Client().get("/api/uploads", headers={"X-Box-Token": token.encode().decode("latin-1") + "x"})
    assert response.status_code == 401


def test_a_token_for_another_purpose_opens_no_box(owner):
    from django.core.signing import Signer

    forged = Signer(salt="something else").sign(owner.box)
    response = Client().get("/api/uploads", headers={"Authorization": f"Bearer {forged}"})
    assert response.status_code == 401


def test_the_cookie_alone_allows_reads_and_no_changes(owner):
    upload = owner.upload()
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    assert len(browser.get("/api/uploads").json()["uploads"]) == 1
    assert browser.delete("/api/uploads").status_code == 403
    assert browser.delete(f"/api/uploads/{upload['id']}").status_code == 403
    assert browser.post("/api/uploads", {"kind": "file", "name": "a", "size": 1}, "application/json").status_code == 403


def test_the_cookie_with_the_csrf_header_allows_changes(owner):
    owner.upload()
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    browser.get("/files/")
    token = browser.cookies["csrftoken"].value
    assert browser.delete("/api/uploads", headers={"X-CSRFToken": token}).status_code == 204
    assert owner.get("/api/uploads").json() == {"uploads": [], "next": None}


def test_all_visitors_use_a_shared_box(owner, stranger, settings):
    settings.SHARED_BOX = True
    upload = owner.upload()
    assert [u["id"] for u in stranger.get("/api/uploads").json()["uploads"]] == [upload["id"]]
    assert stranger.delete("/api/uploads").status_code == 204
    assert owner.get("/api/uploads").json() == {"uploads": [], "next": None}


def test_silent_storage_gets_503_with_retry_after(owner, monkeypatch):
    from mayfly.storage.protocol import StorageError
    from mayfly.uploads import lifecycle

    def down(**_):
        raise StorageError("time-out at http://internal:4566")

    monkeypatch.setattr(lifecycle, "begin", down)
    response = owner.post("/api/uploads", {"kind": "file", "name": "a", "size": 5})
    assert response.status_code == 503
    assert response["Retry-After"]
    assert b"internal" not in response.content


def test_the_api_document_lists_every_path():
    document = Client().get("/api/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/box/token",
        "/api/bundles",
        "/api/bundles/{bundle_id}",
        "/api/bundles/{bundle_id}/complete",
        "/api/uploads",
        "/api/uploads/{upload_id}",
        "/api/uploads/{upload_id}/parts",
        "/api/uploads/{upload_id}/complete",
        "/api/webhooks",
        "/api/webhooks/{webhook_id}",
    }


def test_the_page_of_the_document_takes_its_files_from_this_site():
    page = Client().get("/api/docs")
    assert page.status_code == 200
    named = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert len(named) >= 3
    assert all(re.fullmatch(r"/static/ninja/[\w-]+\.[0-9a-f]{12}\.\w+", address) for address in named), named


@pytest.mark.parametrize("path", ["nothing", "uploads/%00", "uploads/..%2F", "uploads/x", f"uploads/{'x' * 23}/parts"])
def test_an_unknown_api_address_gets_404_in_json(path):
    response = Client().get(f"/api/{path}")
    assert response.status_code == 404
    assert error_of(response)["code"] == "not_found"


def test_two_people_have_two_boxes(owner, stranger):
    assert Person().box != owner.box != stranger.box


# pages of the list


def test_a_long_list_comes_in_pages(owner):
    """Case 64."""
    for _ in range(PAGE + 5):
        ready_row(box=owner.box)
    first = owner.get("/api/uploads").json()
    assert len(first["uploads"]) == PAGE
    second = owner.get(f"/api/uploads?kind=file&cursor={first['next']}").json()
    assert (len(second["uploads"]), second["next"]) == (5, None)
    listed = [upload["id"] for upload in first["uploads"] + second["uploads"]]
    assert listed == list(Upload.objects.live().values_list("pk", flat=True))


def test_a_client_may_ask_for_shorter_pages(owner):
    for _ in range(5):
        ready_row(box=owner.box)
    assert len(owner.get("/api/uploads?limit=2").json()["uploads"]) == 2
    assert len(owner.list()) == 5


@pytest.mark.parametrize("query", [f"limit={PAGE + 1}", "limit=0", "limit=x", "cursor=" + "x" * 22, "cursor=%00"])
def test_an_impossible_page_gets_400(owner, query):
    """Case 64."""
    response = owner.get(f"/api/uploads?{query}")
    assert response.status_code == 400
    assert response.json()["error"]["field"] == query.partition("=")[0]


def test_a_cursor_of_another_box_gets_the_answer_of_an_unknown_one(owner, stranger):
    """Case 64."""
    theirs = ready_row(box=stranger.box)
    answers = {owner.get(f"/api/uploads?cursor={cursor}").content for cursor in (theirs.pk, "x" * 22)}
    assert len(answers) == 1
