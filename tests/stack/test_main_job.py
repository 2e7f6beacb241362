"""The main job from outside, through nginx: send, list, fetch and expire."""

import hashlib
import os
import random
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.samples import PNG

from .conftest import URL, until


def test_an_upload_in_parts_comes_back_byte_for_byte(visitor, bucket):
    content = random.randbytes(20 * 1024 * 1024 + 17)
    upload = visitor.begin(content, name="films and more.bin")
    assert upload["transfer"]["parts"] == 3
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: visitor.send_parts(upload, content, number), (3, 1, 2)))
    upload = visitor.api.post(f"/api/uploads/{upload['id']}/complete").json()
    assert upload["state"] == "ready"
    download = httpx.get(upload["download"], follow_redirects=True, timeout=60)
    assert download.status_code == 200
    assert hashlib.sha256(download.content).digest() == hashlib.sha256(content).digest()
    assert download.headers["Content-Disposition"] == 'attachment; filename="films and more.bin"'
    assert "no-store" in download.headers["Cache-Control"]
    assert bucket.has(upload)


def test_a_transfer_resumes_with_its_missing_parts(visitor):
    content = random.randbytes(17 * 1024 * 1024)
    upload = visitor.begin(content)
    visitor.send_parts(upload, content, 2)
    assert [part["number"] for part in visitor.api.get(f"/api/uploads/{upload['id']}/parts").json()["parts"]] == [2]
    answer = visitor.api.post(f"/api/uploads/{upload['id']}/complete")
    assert (answer.status_code, answer.json()["error"]["missing"]) == (409, [1, 3])
    visitor.send_parts(upload, content, 1, 3)
    assert visitor.api.post(f"/api/uploads/{upload['id']}/complete").status_code == 200


def test_a_part_sent_again_during_completion_never_shortens_the_upload(visitor):
    """S3 replaces a part atomically. LocalStack may put the upload together without it, and then it is refused."""
    content = random.randbytes(16 * 1024 * 1024)
    for _ in range(6):
        upload = visitor.begin(content)
        visitor.send_parts(upload, content)
        [again] = visitor.sign(upload, 1)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(httpx.put, again["url"], content=content[: again["size"]], timeout=60)
            time.sleep(random.uniform(0, 0.2))
            answer = visitor.api.post(f"/api/uploads/{upload['id']}/complete")
        assert answer.status_code in (200, 422, 503), answer.text
        if answer.status_code == 200:
            assert httpx.get(answer.json()["download"], follow_redirects=True, timeout=60).content == content


def test_bytes_go_straight_to_the_public_address_of_storage(visitor):
    upload = visitor.begin(b"hello")
    [part] = visitor.sign(upload, 1)
    assert urlsplit(part["url"]).netloc == f"localhost:{os.environ['S3_PORT']}"
    ready = visitor.upload(b"hello")
    location = httpx.get(ready["download"]).headers["Location"]
    assert urlsplit(location).netloc == f"localhost:{os.environ['S3_PORT']}"
    assert 1 <= int(parse_qs(urlsplit(location).query)["X-Amz-Expires"][0]) <= 60


def test_a_part_url_accepts_only_its_own_part_and_length(visitor, bucket):
    upload = visitor.begin(b"hello")
    [part] = visitor.sign(upload, 1)
    assert httpx.put(part["url"], content=b"hello and more").status_code == 403
    assert httpx.put(part["url"].replace("partNumber=1", "partNumber=2"), content=b"hello").status_code == 403
    visitor.send_parts(upload, b"hello")
    visitor.api.post(f"/api/uploads/{upload['id']}/complete")
    assert httpx.put(part["url"], content=b"HELLO").status_code == 404
    visitor.api.delete(f"/api/uploads/{upload['id']}")
    assert httpx.put(part["url"], content=b"HELLO").status_code == 404
    assert not bucket.has(upload)


def test_a_form_upload_comes_back_byte_for_byte(visitor):
    content = random.randbytes(9 * 1024 * 1024)
    response = visitor.submit("/files/", files={"naïve 写真.bin": content}, title="by form")
    assert (response.status_code, response.headers["Location"]) == (303, "/files/")
    page = visitor.browser.get("/files/").text
    assert "naïve 写真.bin" in page
    assert "by form" in page
    path = re.search('href="(/u/[^"]+/download)"', page)[1]
    download = visitor.browser.get(path, follow_redirects=True)
    assert download.content == content


def test_curl_sends_a_file_and_gets_a_link(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_bytes(random.randbytes(3_000_000))
    link = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "-T", file, f"{URL}/"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert link.startswith(f"{URL}/u/")
    assert link.endswith("/\n")
    download = httpx.get(f"{link.strip()}download", follow_redirects=True)
    assert download.content == file.read_bytes()


def curl(*arguments: str, **more: object) -> str:
    command = ["curl", "--silent", "--show-error", "--fail", *arguments]
    return subprocess.run(command, check=True, capture_output=True, **more).stdout.decode()


def test_curl_sends_a_pipe_of_unknown_length(tmp_path):
    """Case 106, through the router."""
    content = random.randbytes(20_000_000)
    link = curl("-T", "-", f"{URL}/tape.tar", input=content).strip()
    assert httpx.get(f"{link}download", follow_redirects=True).content == content


def test_curl_sends_a_form_and_deletes_by_its_link(tmp_path):
    """Case 107, through the router."""
    file = tmp_path / "notes.txt"
    file.write_bytes(b"hello")
    assert len(curl("-F", f"file=@{file}", "-F", f"file=@{file}", URL).split()) == 2
    head, _, link = curl("--include", "-F", f"file=@{file}", URL).rpartition("\r\n\r\n")
    assert httpx.get(link.strip()).status_code == 200
    curl("-X", "DELETE", re.search(r"(?i)x-delete: (\S+)", head)[1])
    assert httpx.get(link.strip()).status_code == 410


def test_the_newest_three_of_four_images_stay(visitor, bucket):
    images = [visitor.upload(PNG, kind="image", name=f"{number}.png") for number in range(4)]
    assert [upload["id"] for upload in visitor.list("image")] == [image["id"] for image in images[:0:-1]]
    assert [bucket.has(image) for image in images] == [False, True, True, True]
    assert httpx.get(images[0]["link"]).status_code == 410


def test_four_images_by_form_leave_three_on_the_page(visitor):
    visitor.submit("/images/", files={f"dot{number}.png": PNG for number in range(4)})
    page = visitor.browser.get("/images/").text
    assert [f"<bdi>dot{number}.png</bdi>" in page for number in range(4)] == [False, True, True, True]


@pytest.mark.parametrize("kind", ["image", "file"])
def test_clear_removes_all_of_a_kind_from_page_and_bucket(visitor, bucket, table, kind):
    content = PNG if kind == "image" else b"hello"
    path = f"/{kind}s/"
    visitor.submit(path, files={"one.png": content, "two.png": content})
    # A preview that is written during a removal leaves the rest of it to the sweep.
    due = "SELECT 1 FROM uploads_upload WHERE name IN ('one.png', 'two.png') AND preview_due_at IS NOT NULL"
    until(lambda: not table(due), seconds=60)
    before = bucket.keys("uploads/")
    response = visitor.submit(f"{path}clear/")
    assert response.status_code == 303
    page = visitor.browser.get(path).text
    assert "2 uploads deleted." in page
    assert 'class="empty"' in page
    assert len(before - bucket.keys("uploads/")) >= 2


def test_an_upload_expires_to_the_second_and_leaves_the_bucket(visitor, bucket, table):
    upload = visitor.upload(b"hello", name="brief.txt", lifetime=4)
    signed = httpx.get(upload["download"]).headers["Location"]
    assert httpx.get(signed).status_code == 200
    [(left,)] = table(
        "SELECT extract(epoch FROM expires_at - statement_timestamp()) FROM uploads_upload WHERE id = %s", upload["id"]
    )
    time.sleep(max(float(left), 0) + 0.05)
    assert httpx.get(upload["link"]).status_code == 410
    assert httpx.get(upload["download"]).status_code == 410
    assert httpx.get(signed).status_code == 403
    assert visitor.api.get(f"/api/uploads/{upload['id']}").status_code == 410
    assert visitor.list() == []
    assert until(lambda: not bucket.has(upload), seconds=15) < 15
    until(lambda: "nothing of it is left in storage" in httpx.get(upload["link"]).text, seconds=5)
    assert table("SELECT state, name FROM uploads_upload WHERE id = %s", upload["id"]) == [("gone", "")]


def test_an_abandoned_transfer_is_aborted_after_its_deadline(visitor, bucket, table):
    upload = visitor.begin(b"hello")
    visitor.send_parts(upload, b"hello")
    assert f"uploads/{upload['id']}" in bucket.transfers()
    table("UPDATE uploads_upload SET expires_at = now() WHERE id = %s", upload["id"])
    until(lambda: f"uploads/{upload['id']}" not in bucket.transfers(), seconds=15)
    until(lambda: visitor.api.post(f"/api/uploads/{upload['id']}/complete").status_code == 404, seconds=5)
    assert table("SELECT id FROM uploads_upload WHERE id = %s", upload["id"]) == []  # it needs no receipt


def test_a_stranger_sees_and_changes_nothing_of_an_upload(visitor, stranger):
    mine = visitor.upload(b"secret", name="mine.txt")
    stranger.upload(b"other")
    assert mine["id"] not in [upload["id"] for upload in stranger.list()]
    for method, route in [("GET", ""), ("GET", "/parts"), ("POST", "/complete"), ("DELETE", "")]:
        path = f"/api/uploads/{mine['id']}{route}"
        unknown = f"/api/uploads/{'x' * 22}{route}"
        answer, unknown_answer = stranger.api.request(method, path), stranger.api.request(method, unknown)
        assert (answer.status_code, answer.content) == (unknown_answer.status_code, unknown_answer.content)
        assert answer.status_code == 404
    stranger.api.delete("/api/uploads")
    stranger.submit("/files/clear/")
    assert "mine.txt" not in stranger.browser.get("/files/").text
    assert httpx.get(mine["link"]).status_code == 200


def test_a_sweep_removes_more_than_a_thousand_uploads(bucket, table):
    """One DeleteObjects takes 1,000 keys. The test inserts the rows directly, because it is about the sweep."""
    count = 1200
    ids = [f"sweep{number:017d}" for number in range(count)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pk: bucket.client.put_object(Bucket="mayfly", Key=f"uploads/{pk}", Body=b"x"), ids))
    table(
        "INSERT INTO uploads_upload (id, box, address, kind, state, name, title, content_type, size, part_size,"
        " transfer_id, lifetime, expires_at, completed_at, refusal)"
        " SELECT unnest(%s), 'sweep', '', 'file', 'ready', 'x', '', '', 1, 1, '', '1s', now(), now(), ''",
        ids,
    )
    until(lambda: not bucket.keys("uploads/sweep"), seconds=60)
    until(
        lambda: table("SELECT count(*) FROM uploads_upload WHERE box = 'sweep' AND state = 'gone'") == [(count,)],
        seconds=5,
    )
