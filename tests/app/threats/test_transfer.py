"""On the way in: bytes that are too many, too few, twice, late, from elsewhere, or after the end."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.storage import default_storage as storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from mayfly.storage.protocol import StorageError
from mayfly.uploads import lifecycle, parts
from mayfly.uploads.choices import State
from mayfly.uploads.errors import Gone
from mayfly.uploads.limits import limits
from mayfly.uploads.models import Upload
from mayfly.uploads.parts import MiB

from ..conftest import PNG, Person, body_of, expire, fetch, send, storage_class
from ..storages import MINUTE
from ..uploads.test_lifecycle import is_empty

pytest_plugins = [f"{__package__.rpartition('.')[0]}.storages"]
pytestmark = pytest.mark.django_db(transaction=True)

# The least that the storage takes for every part but the last.
PART = (5 if settings.USE_S3 else 1) * MiB
# Signatures are looked at by the folder and by LocalStack.
TAKEN, REFUSED = (200, 201), (403, 404)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(parts, "PART_SIZE", PART)


def complete(owner: Person, upload: dict):
    return owner.post(f"/api/uploads/{upload['id']}/complete")


def content_of(upload: dict) -> bytes:
    return body_of(fetch(Client().get(f"/u/{upload['id']}/download")["Location"]))


def row(upload: dict) -> Upload:
    return Upload.objects.get(pk=upload["id"])


def test_an_upload_never_grows_beyond_what_was_declared_over_many_parts(owner, small_parts):
    """Case 9: no part takes a byte more, and there is no part beyond the plan."""
    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    parts = owner.sign(upload, 1, 2, 3)
    assert [part["size"] for part in parts] == [PART, PART, 3]
    assert send(parts[0], content[: PART + 1]) in REFUSED
    assert send(parts[2], b"more") in REFUSED
    assert send(parts[2], content[:PART]) in REFUSED
    assert owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": [4]}).status_code == 400
    assert owner.get(f"/api/uploads/{upload['id']}/parts").json() == {"parts": []}
    owner.send_parts(upload, content)
    assert complete(owner, upload).json()["size"] == len(content)
    assert storage.length(row(upload).key) == len(content)


def test_bytes_that_came_past_a_signature_are_refused_all_the_same(owner, small_parts):
    """Case 9: `complete` counts what storage has, and believes nobody."""
    content = random.randbytes(PART + 3)
    upload = row(owner.begin(content))
    storage.write_part(upload.key, upload.transfer_id, 1, content[:PART])
    storage.write_part(upload.key, upload.transfer_id, 2, content[PART:] + b"!")
    response = owner.post(f"/api/uploads/{upload.pk}/complete")
    assert response.status_code == 422
    assert is_empty(upload)


NO_LENGTHS = ["", "-1", "+5", "5.0", "0x5", "5, 5", "5 5", "five", "²", "9" * 5000]


def test_a_length_that_is_none_is_refused_and_leaves_nothing():
    """Case 10."""
    for length in NO_LENGTHS:
        response = Client().generic("PUT", "/a.txt", b"hello", CONTENT_LENGTH=length)
        assert response.status_code in (400, 411), length
    assert not Upload.objects.exists()


@pytest.mark.parametrize("length", NO_LENGTHS)
def test_a_form_whose_length_is_none_is_refused_and_leaves_nothing(owner, length):
    """Case 10."""
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--b--\r\n'
    for path in ("/files/", "/images/"):
        response = owner.browser.generic(
            "POST", path, form, "multipart/form-data; boundary=b", headers={"Content-Length": length}
        )
        assert response.status_code == 400
    assert not Upload.objects.exists()


NO_SIZES = ["-1", "0", "-0", "NaN", "Infinity", "-Infinity", "1e400", "5e0", "5.5", '"5"', "[5]", "0x5", "9" * 5000]


def test_a_size_that_is_none_is_an_error_of_the_client(owner):
    """Case 11."""
    for size in NO_SIZES:
        response = owner.post("/api/uploads", f'{{"kind": "file", "name": "a", "size": {size}}}')
        assert response.status_code == 400, size
    assert not Upload.objects.exists()


def test_a_huge_size_is_too_large(owner):
    """Case 11."""
    for size in (2**63 - 1, 2**63, 2**64 + 5, 10**400):
        response = owner.post("/api/uploads", {"kind": "file", "name": "a", "size": size})
        assert response.status_code == 413, size
    assert not Upload.objects.exists()


def test_storage_that_puts_less_together_than_it_listed_is_found_out(owner, small_parts, monkeypatch):
    """Case 12, as LocalStack does it after a part was sent again and cut off."""
    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    owner.send_parts(upload, content)
    whole = storage_class().complete_transfer
    monkeypatch.setattr(
        storage_class(),
        "complete_transfer",
        lambda self, key, transfer_id, parts: whole(self, key, transfer_id, parts[:-1]),
    )
    response = complete(owner, upload)
    assert response.status_code == 422
    assert "did not keep all bytes" in response.json()["error"]["message"]
    assert is_empty(row(upload))


def test_a_missing_middle_part_is_named_and_never_filled_with_zeros(owner, small_parts):
    """Case 12."""
    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    parts = owner.sign(upload, 1, 2, 3)
    for number in (1, 3):
        assert send(parts[number - 1], content[(number - 1) * PART : number * PART]) in TAKEN
    response = complete(owner, upload)
    assert (response.status_code, response.json()["error"]["missing"]) == (409, [2])
    assert storage.length(row(upload).key) is None
    assert Client().get(f"/u/{upload['id']}/download").status_code == 404
    send(parts[1], content[PART : 2 * PART])
    assert complete(owner, upload).status_code == 200
    assert content_of(upload) == content


def test_parts_in_any_order_and_again_give_the_file_as_it_is(owner, small_parts):
    """Case 13."""
    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    parts = owner.sign(upload, 1, 2, 3)
    for number in (3, 1, 2, 1, 3):
        wrong_first = random.randbytes(parts[number - 1]["size"])
        assert send(parts[number - 1], wrong_first) in TAKEN
        assert send(parts[number - 1], content[(number - 1) * PART : number * PART]) in TAKEN
    assert complete(owner, upload).status_code == 200
    assert content_of(upload) == content


def test_what_a_client_says_of_its_parts_is_not_asked(owner):
    """Case 13: ETags and sizes are storage's own, so a wrong or a foreign one has nowhere to go."""
    mine, other = owner.begin(b"mine!"), owner.begin(b"other")
    owner.send_parts(other, b"other")
    theirs = storage.parts(row(other).key, row(other).transfer_id)[1]
    body = {"parts": [{"number": 1, "size": 5, "etag": theirs.etag}]}
    response = owner.post(f"/api/uploads/{mine['id']}/complete", body)
    assert (response.status_code, response.json()["error"]["missing"]) == (409, [1])
    owner.send_parts(mine, b"mine!")
    assert owner.post(f"/api/uploads/{mine['id']}/complete", body).status_code == 200
    assert content_of(mine) == b"mine!"


def test_resuming_with_another_part_size_is_refused_part_by_part(owner, small_parts):
    """Case 14."""
    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    parts = owner.sign(upload, 1, 2, 3)
    assert send(parts[0], content[:PART]) in TAKEN
    assert send(parts[1], content[PART : 2 * PART + 1]) in REFUSED
    assert send(parts[1], content[PART : PART + 1000]) in REFUSED
    listed = owner.get(f"/api/uploads/{upload['id']}/parts").json()["parts"]
    assert listed == [{"number": 1, "size": PART}]
    assert complete(owner, upload).status_code == 409


def test_resuming_with_a_file_that_grew_or_shrank_never_becomes_ready(owner, small_parts):
    """Case 14: one that kept its size is the client's to notice; the server has no other word for it."""
    content = random.randbytes(PART + 30)
    upload = owner.begin(content)
    first, last = owner.sign(upload, 1, 2)
    assert send(first, content[:PART]) in TAKEN
    for changed in (content[PART:-1], content[PART:] + b"grown", b""):
        assert send(last, changed) in (*REFUSED, 411)
    assert complete(owner, upload).json()["error"]["missing"] == [2]


def test_no_upload_has_more_than_ten_thousand_parts(owner, limits):
    """Case 15: the larger it is, the larger are its parts."""
    terabytes = 5 * 10**12
    limits(file_size=terabytes, box_quota=10 * terabytes, address_quota=10 * terabytes)
    for size in (79 * 10**9, 84 * 10**9, terabytes):
        response = owner.post("/api/uploads", {"kind": "file", "name": "a", "size": size})
        count = response.json()["transfer"]["parts"]
        assert 8000 < count <= 10_000
        assert len(owner.sign(response.json(), 1, count)) == 2
        path = f"/api/uploads/{response.json()['id']}/parts"
        for number in (count + 1, 10_001, 10**9):
            assert owner.post(path, {"numbers": [1, number]}).status_code == 400


def test_more_signatures_than_a_thousand_at_a_time_are_not_made(owner, monkeypatch):
    """Case 15."""
    upload = owner.begin()
    monkeypatch.setattr(storage_class(), "sign_part", None)  # not even one
    for count in (1001, 10_001, 300_000):
        response = owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": [1] * count})
        assert response.status_code == 400, count


def test_a_body_of_megabytes_is_not_even_read(owner):
    """Case 15: a billion numbers, a name without end."""
    upload = owner.begin()
    for path, body in (
        (f"/api/uploads/{upload['id']}/parts", {"numbers": [10**9] * 400_000}),
        ("/api/uploads", {"kind": "file", "name": "x" * 3_000_000, "size": 5}),
    ):
        response = owner.post(path, json.dumps(body))
        assert response.status_code in (400, 413)
        assert response.json()["error"]["code"]


def test_a_url_kept_from_before_overwrites_nothing_of_a_complete_upload(owner, small_parts):
    """Case 16: and no new one is signed."""
    content, other = random.randbytes(PART + 3), random.randbytes(PART + 3)
    upload = owner.begin(content)
    kept = owner.sign(upload, 1, 2)
    owner.send_parts(upload, content)
    assert complete(owner, upload).status_code == 200
    before = row(upload)
    assert [send(part, other[start:][: part["size"]]) for part, start in zip(kept, (0, PART), strict=True)] == [404] * 2
    assert owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": [1]}).status_code == 410
    assert complete(owner, upload).status_code == 200
    assert content_of(upload) == content
    assert (row(upload).completed_at, row(upload).expires_at) == (before.completed_at, before.expires_at)


def deleted(owner, upload) -> None:
    assert owner.delete(f"/api/uploads/{upload['id']}").status_code == 204


def cleared(owner, upload) -> None:
    assert owner.browser.post("/images/clear/").status_code == 303


def expired(owner, upload) -> None:
    expire(upload)
    lifecycle.sweep(storage=storage)


def pushed_out(owner, upload) -> None:
    for _ in range(limits.images_kept):
        owner.upload(PNG, kind="image")


def taken_down(owner, upload) -> None:
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator"))
    operator.post("/admin/uploads/upload/", {"action": "take_down", "_selected_action": upload["id"]})


@pytest.mark.parametrize("whole", [True, False], ids=["ready", "pending"])
@pytest.mark.parametrize("removed", [deleted, cleared, expired, pushed_out, taken_down])
def test_what_was_removed_is_made_again_by_no_url_kept_from_before(owner, removed, whole):
    """Case 17: whoever removed it, and however far it had come."""
    upload = owner.begin(PNG, kind="image")
    kept = owner.sign(upload, 1)
    owner.send_parts(upload, PNG)
    if whole:
        assert complete(owner, upload).status_code == 200
    elif removed is pushed_out:
        deleted(owner, upload)  # only what is ready is pushed out
    begun = row(upload)
    removed(owner, upload)
    assert row(upload).state == State.GONE
    assert send(kept[0], PNG) in REFUSED
    assert complete(owner, upload).status_code == 410
    assert owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": [1]}).status_code == 410
    assert is_empty(begun)
    assert not [found for found in storage.transfers("uploads/") if found.key == begun.key]


def test_another_boxs_upload_is_neither_signed_nor_listed_nor_completed_nor_deleted(owner, stranger):
    """Case 18: by token, by cookie, and with a box of no one; its owner goes on as if nobody had tried."""
    upload = owner.begin(b"hello")
    owner.send_parts(upload, b"hello")
    ways = (Client(), {"headers": stranger.headers}), (stranger.browser, {}), (Client(), {})
    for client, more in ways:
        for method, route in [
            ("POST", "/parts"),
            ("GET", "/parts"),
            ("POST", "/complete"),
            ("DELETE", ""),
            ("GET", ""),
        ]:
            body = {"data": '{"numbers": [1]}', "content_type": "application/json"} if method == "POST" else {}
            response = client.generic(method, f"/api/uploads/{upload['id']}{route}", **body, **more)
            assert response.status_code in (401, 404), route
            assert b"/storage/" not in response.content
            assert b"X-Amz" not in response.content
        assert client.post(f"/u/{upload['id']}/delete", **more).status_code == 404
        assert client.delete("/api/uploads", **more).status_code == 204  # of their own box
    assert row(upload).state == State.PENDING
    assert owner.get(f"/api/uploads/{upload['id']}/parts").json() == {"parts": [{"number": 1, "size": 5}]}
    assert complete(owner, upload).status_code == 200
    assert content_of(upload) == b"hello"


def test_two_files_of_one_name_at_once_are_two(owner):
    """Case 19."""
    contents = [b"%d" % number * 5 for number in range(6)]

    def attempt(content):
        try:
            return owner.upload(content, name="same.txt")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        uploads = list(pool.map(attempt, contents))
    assert len({upload["id"] for upload in uploads}) == len(contents)
    assert [content_of(upload) for upload in uploads] == contents


def test_two_files_of_one_name_in_one_form_are_two(owner):
    """Case 19."""
    files = [SimpleUploadedFile("same.txt", content) for content in (b"one", b"other")]
    owner.browser.post("/files/", {"file": files})
    rows = Upload.objects.of(owner.box).live().values("id", "name")
    assert [upload["name"] for upload in rows] == ["same.txt"] * 2
    assert {content_of(upload) for upload in rows} == {b"one", b"other"}


PATHS = [
    "../../../etc/passwd",
    "..\\..\\windows\\system.ini",
    "/etc/passwd",
    "C:\\boot.ini",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%c0%af..%c0%afetc",
    "....//....//etc",
    "uploads/../../static/app.js",
    "a\x00.png",
    ".",
    "..",
    "~root/.ssh/authorized_keys",
]


def test_a_name_never_becomes_a_path(owner):
    """Case 20: by API, form and curl; bytes lie under a key of ours, whatever they are called."""
    before = {found.key for found in storage.objects("")}
    for name in PATHS:
        owner.upload(name=name)
        Client().put(f"/{quote(name.rsplit('/', 1)[-1], safe='')}", b"hello")
    files = "".join(
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\nhello\r\n' for name in PATHS
    )
    owner.browser.generic("POST", "/files/", f"{files}--b--\r\n", "multipart/form-data; boundary=b")
    keys = {found.key for found in storage.objects("")} - before
    assert keys == {upload.key for upload in Upload.objects.live()}
    assert len(keys) > 2 * len(PATHS)


@pytest.mark.parametrize("route", ["/u/{}/", "/u/{}/download", "/api/uploads/{}", "/storage/objects/{}", "/{}"])
def test_a_path_in_an_address_leads_nowhere(route):
    """Case 20."""
    for path in [*PATHS, f"{'x' * 22}/../{'y' * 22}"]:
        for written in (path, quote(path, safe=""), quote(quote(path, safe=""), safe="")):
            response = Client().get(route.format(quote(written, safe="/%")))
            assert response.status_code in (302, 400, 403, 404), written
            assert b"root:" not in response.content
            assert response.get("Location", "/").startswith("/")


def test_a_part_url_carries_no_checksum_and_no_header_but_the_length(s3):
    """Case 23: a checksum that an SDK bakes into a URL is that of an empty body, and every part would fail."""
    signed = s3.sign_part("uploads/a", "id", 1, 5, lifetime=MINUTE)
    assert signed.headers == {}
    query = parse_qs(urlsplit(signed.url).query)
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    named = {"Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"}
    assert set(query) == {f"X-Amz-{name}" for name in named} | {"uploadId", "partNumber"}


def test_no_answer_names_the_host_that_only_the_server_reaches(owner, s3, s3_options, settings):
    """Case 24: part URLs and downloads are signed for the address that clients know."""
    public = "https://files.mayfly.example"
    options = s3_options | {"public_endpoint_url": public}
    backend = {"BACKEND": "mayfly.storage.s3.storage.S3UploadStorage", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"default": backend}
    upload = owner.begin(b"hello")
    answers = [owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": [1]})]
    assert answers[0].json()["parts"][0]["url"].startswith(f"{public}/{s3.bucket_name}/uploads/{upload['id']}?")
    s3.write_part(row(upload).key, row(upload).transfer_id, 1, b"hello")
    answers += [owner.get(f"/api/uploads/{upload['id']}/parts"), complete(owner, upload), owner.get("/api/uploads")]
    answers += [owner.browser.get(path) for path in ("/files/", f"/u/{upload['id']}/", f"/u/{upload['id']}/download")]
    assert answers[-1]["Location"].startswith(f"{public}/{s3.bucket_name}/uploads/{upload['id']}?")
    inside = urlsplit(s3_options["endpoint_url"]).netloc
    for answer in answers:
        assert inside.encode() not in answer.content
        assert inside not in str(answer.headers)
    owner.delete("/api/uploads")


def nothing(owner, upload) -> None:
    pass


def signed(owner, upload) -> None:
    owner.sign(upload, 1, 2)


def one_part(owner, upload) -> None:
    storage.write_part(row(upload).key, row(upload).transfer_id, 1, bytes(PART))


def all_parts(owner, upload) -> None:
    one_part(owner, upload)
    storage.write_part(row(upload).key, row(upload).transfer_id, 2, b"end")


def asked_too_early(owner, upload) -> None:
    one_part(owner, upload)
    assert complete(owner, upload).status_code == 409


def whole_in_storage(owner, upload) -> None:
    all_parts(owner, upload)
    parts = storage.parts(row(upload).key, row(upload).transfer_id)
    storage.complete_transfer(row(upload).key, row(upload).transfer_id, parts.values())


@pytest.mark.parametrize("until", [nothing, signed, one_part, all_parts, asked_too_early, whole_in_storage])
def test_a_tab_closed_at_any_step_leaves_nothing_after_its_deadline(owner, small_parts, until):
    """Case 26."""
    upload = owner.begin(bytes(PART + 3))
    until(owner, upload)
    lifecycle.sweep(storage=storage)
    assert row(upload).state == State.PENDING  # its time is not over yet
    begun = expire(upload)
    lifecycle.sweep(storage=storage)
    assert row(upload).state == State.GONE
    assert is_empty(begun)
    assert not [found for found in storage.transfers("uploads/") if found.key == begun.key]


def test_what_has_arrived_is_never_asked_for_again(owner, small_parts, monkeypatch):
    """Case 27: a step that fails is repeated, not the transfer."""

    def while_this_fails(step: str):
        def down(self, *arguments):
            raise StorageError("time-out")

        with monkeypatch.context() as broken:
            broken.setattr(storage_class(), step, down)
            return complete(owner, upload)

    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    for part in owner.sign(upload, 1, 3):
        send(part, content[(part["number"] - 1) * PART : part["number"] * PART])
    assert while_this_fails("parts").status_code == 503
    assert complete(owner, upload).json()["error"]["missing"] == [2]
    listed = owner.get(f"/api/uploads/{upload['id']}/parts").json()["parts"]
    assert [part["number"] for part in listed] == [1, 3]
    [part] = owner.sign(upload, 2)
    send(part, content[PART : 2 * PART])
    for step in ("complete_transfer", "first_bytes"):
        assert while_this_fails(step).status_code == 503
    assert complete(owner, upload).status_code == 200
    assert content_of(upload) == content


def test_a_transfer_ends_at_its_deadline_however_often_it_is_taken_up_again(owner):
    """Case 27: signing and listing put nothing off."""
    upload = owner.begin()
    deadline = row(upload).expires_at
    for _ in range(3):
        owner.sign(upload, 1)
        owner.get(f"/api/uploads/{upload['id']}/parts")
        complete(owner, upload)
    assert row(upload).expires_at == deadline


def test_nothing_comes_back_from_a_clear_that_meets_running_uploads(owner):
    """Case 29."""

    def attempt(_):
        try:
            upload = Person(owner.box).begin()
            Person(owner.box).send_parts(upload, b"hello")
            complete(owner, upload)
        except (AssertionError, Gone):  # cleared at some step: the client is told 404 or 410, and gives up
            pass
        finally:
            connection.close()

    def clear(_):
        try:
            owner.delete("/api/uploads")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(clear if number % 3 == 2 else attempt, number) for number in range(12)]
        for done in work:
            done.result()
    owner.delete("/api/uploads")
    uploads = list(Upload.objects.of(owner.box))
    assert uploads
    assert {upload.state for upload in uploads} == {State.GONE}
    keys = {upload.key for upload in uploads}
    assert not keys & {found.key for found in storage.objects("uploads/")}
    assert not keys & {found.key for found in storage.transfers("uploads/")}
