"""Names that are alike or look like paths, and signed URLs for the right host."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.core.files.storage import default_storage as storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from mayfly.uploads.models import Upload

from ...support.storages import MINUTE
from ...support.transfers import content_of, row

pytest_plugins = ["tests.support.storages"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_parallel_files_of_one_name_stay_separate(owner):
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


def test_two_files_of_one_name_in_one_form_stay_separate(owner):
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
    """Case 20: by API, form and curl, bytes get a key of ours, whatever their name."""
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
def test_a_path_in_a_url_leads_nowhere(route):
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


def test_no_answer_names_the_internal_storage_host(owner, s3, s3_options, settings):
    """Case 24: part URLs and downloads are signed for the address that clients know."""
    public = "https://files.mayfly.example"
    options = s3_options | {"public_endpoint_url": public}
    backend = {"BACKEND": "mayfly.storage.s3.storage.S3UploadStorage", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"default": backend}
    upload = owner.begin(b"hello")
    answers = [owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": [1]})]
    assert answers[0].json()["parts"][0]["url"].startswith(f"{public}/{s3.bucket_name}/uploads/{upload['id']}?")
    s3.write_part(row(upload).key, row(upload).transfer_id, 1, b"hello")
    answers += [owner.get(f"/api/uploads/{upload['id']}/parts"), owner.complete(upload), owner.get("/api/uploads")]
    answers += [owner.browser.get(path) for path in ("/files/", f"/u/{upload['id']}/", f"/u/{upload['id']}/download")]
    assert answers[-1]["Location"].startswith(f"{public}/{s3.bucket_name}/uploads/{upload['id']}?")
    inside = urlsplit(s3_options["endpoint_url"]).netloc
    for answer in answers:
        assert inside.encode() not in answer.content
        assert inside not in str(answer.headers)
    owner.delete("/api/uploads")
