"""The main job from outside, with the bytes on servers that others have written."""

import random
import re
import subprocess

import httpx

from mayfly.storage.s3.bucket import LACKING
from tests.support.pictures import gradient, jpeg
from tests.support.waiting import until


def test_release_says_what_is_to_be_done_by_hand(place, step):
    by_hand = [line for line in place.said if LACKING in line]
    step("release", f"yes, {len(by_hand)} by hand" if by_hand else "yes")
    assert len(by_hand) == len(place.server.by_hand), by_hand
    for words, line in zip(place.server.by_hand, by_hand, strict=True):
        assert words in line
    again = [line for line in place.manage("release").splitlines() if line.startswith("storage: ")]
    assert again == [line for line in place.said if LACKING in line] or again == ["storage: nothing to do"]


def test_ready_warns_of_what_the_storage_lacks(place, step):
    names = place.server.warnings
    step("ready", f"yes, {len(names)} warning" if names else "yes")
    until(lambda: httpx.get(f"{place.url}/health/ready").status_code == 200)
    warnings = httpx.get(f"{place.url}/health/ready").json()["warnings"]
    assert [words in warning for words, warning in zip(names, warnings, strict=True)] == [True] * len(names), warnings


def test_a_page_may_send_a_part_and_see_its_etag(place, visitor, step):
    step("CORS")
    [part] = visitor.sign(visitor.begin(b"hello"), 1)
    asked = {
        "Origin": place.url,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    allowed = httpx.options(part["url"], headers=asked)
    assert allowed.status_code in (200, 204)
    assert allowed.headers["Access-Control-Allow-Origin"] in (place.url, "*")
    assert "PUT" in allowed.headers["Access-Control-Allow-Methods"]
    assert "content-type" in allowed.headers["Access-Control-Allow-Headers"].lower()
    sent = httpx.put(part["url"], content=b"hello", headers={"Origin": place.url})
    assert sent.headers["Access-Control-Allow-Origin"] in (place.url, "*")
    assert (
        "etag" in sent.headers["Access-Control-Expose-Headers"].lower()
        or sent.headers["Access-Control-Expose-Headers"] == "*"
    )


def test_parts_in_any_order_become_the_upload(place, visitor, step):
    step("parts", "yes" if place.server.takes_again else "yes, each once")
    content = random.randbytes(9 * 1024 * 1024)
    upload = visitor.begin(content, name="films.bin")
    assert upload["transfer"]["parts"] == 2
    visitor.send_parts(upload, content, 2)
    assert visitor.complete(upload).json()["error"]["missing"] == [1]
    again = [2] if place.server.takes_again else []  # as after an answer that was lost
    visitor.send_parts(upload, content, 1, *again)
    ready = visitor.complete(upload).json()
    assert ready["state"] == "ready"
    assert httpx.get(ready["download"], follow_redirects=True).content == content


def test_a_form_upload_comes_back_byte_for_byte(visitor, step):
    step("form")
    content = random.randbytes(9 * 1024 * 1024)
    assert visitor.submit("/files/", "naïve 写真.bin", content).status_code == 303
    path = re.search('href="(/u/[^"]+/download)"', visitor.browser.get("/files/").text)[1]
    assert visitor.browser.get(path, follow_redirects=True).content == content


def test_curl_sends_a_file_and_gets_a_link(place, step, tmp_path):
    step("curl -T")
    file = tmp_path / "notes.txt"
    file.write_bytes(random.randbytes(300_000))
    command = ["curl", "--silent", "--show-error", "--fail", "-T", file, f"{place.url}/"]
    link = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert httpx.get(f"{link.strip()}download", follow_redirects=True).content == file.read_bytes()


def test_a_download_is_an_uncached_attachment_with_its_name(place, visitor, step):
    step("download")
    upload = visitor.upload(b"<script>alert(1)</script>", name='a "page", 写真.html')
    answer = httpx.get(upload["download"], follow_redirects=True)
    assert str(answer.url).startswith(place.address)
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "%E5%86%99%E7%9C%9F.html" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_head_is_answered_with_length_and_name(visitor, step):
    step("HEAD")
    upload = visitor.upload(b"hello", name="a.txt")
    answer = httpx.head(upload["download"], follow_redirects=True)
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "5")
    assert "a.txt" in answer.headers["Content-Disposition"]


def test_a_range_of_a_download_is_a_range(place, visitor, step):
    step("range", "yes" if place.server.range_status == 206 else f"yes, as {place.server.range_status}")
    upload = visitor.upload(b"0123456789")
    for asked, first, content in (("2-4", 2, b"234"), ("7-", 7, b"789"), ("-2", 8, b"89")):
        answer = httpx.get(upload["download"], headers={"Range": f"bytes={asked}"}, follow_redirects=True)
        assert (answer.status_code, answer.content) == (place.server.range_status, content)
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(content) - 1}/10"
    beyond = httpx.get(upload["download"], headers={"Range": "bytes=10-"}, follow_redirects=True)
    assert beyond.status_code == 416


def test_an_image_has_a_preview_that_browsers_show(visitor, step):
    step("preview")
    upload = visitor.upload(jpeg(gradient(300, 200)), kind="image", name="a.jpg")
    answer = httpx.get(preview_of(visitor, upload), follow_redirects=True)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    assert answer.headers["Content-Disposition"] == "inline"
    assert answer.content[8:12] == b"WEBP"


def test_a_removed_upload_leaves_nothing_in_the_bucket(place, visitor, step):
    step("removal")
    upload = visitor.upload(jpeg(gradient(300, 200)), kind="image", name="a.jpg")
    preview_of(visitor, upload)
    assert (len(place.keys(f"uploads/{upload['id']}")), len(place.keys(f"previews/{upload['id']}"))) == (1, 1)
    begun = visitor.begin(b"hello")
    visitor.send_parts(begun, b"hello")
    for one in (upload, begun):
        assert visitor.delete(f"/api/uploads/{one['id']}").status_code == 204
    for one in (upload["id"], begun["id"]):
        until(lambda one=one: not place.keys(f"uploads/{one}") | place.keys(f"previews/{one}") | place.transfers(one))
    until(lambda: "left in storage" in httpx.get(upload["link"]).text)


def test_reconcile_finds_the_row_whose_object_is_lost(place, visitor, step):
    step("reconcile")
    begun = [visitor.begin(b"hello") for _ in range(6)]
    kept, lost = visitor.upload(b"kept"), visitor.upload(b"lost")
    place.bucket.delete_object(Bucket="mayfly", Key=f"uploads/{lost['id']}")
    said = place.manage("reconcile")
    assert f"1 rows without an object\n  {lost['id']}" in said
    assert "0 open transfers without a row" in said
    assert int(re.search(r"(\d+) open transfers in storage", said)[1]) >= len(begun)
    assert httpx.get(kept["download"], follow_redirects=True).content == b"kept"
    assert httpx.get(lost["link"]).status_code == 410


def preview_of(visitor, upload) -> str:
    """The address of the upload's preview, once it is made."""
    found: list[str] = []

    def there() -> bool:
        found.append(visitor.get(f"/api/uploads/{upload['id']}").json()["preview"])
        return bool(found[-1])

    until(there, every=0.2)
    return found[-1]
