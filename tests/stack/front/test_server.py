"""A server of one's own: a visitor's whole way through Caddy, nginx, web and the disk, by HTTPS alone."""

import os
import random
import re
import subprocess

import httpx
import pytest
from playwright.sync_api import expect

from ..conftest import URL, compose, until
from .conftest import FILES, INSIDE, SITE, key

MiB = 1024 * 1024


def ask(query: str) -> list[str]:
    """The rows of a query, with a bar between the columns."""
    return compose("exec", "-T", "postgres", "psql", "-U", "mayfly", "-Atc", query).split()


def kept(upload_id: str) -> str:
    """The file with an upload's bytes on the server's disk; empty if there is none."""
    return compose("exec", "-T", "rclone", "find", "/uploads", "-name", upload_id).strip()


def curl(*arguments: str) -> str:
    name = f"{SITE.hostname}:{SITE.port}:127.0.0.1"
    command = ["curl", "-sS", "--cacert", os.environ["SSL_CERT_FILE"], "--resolve", name, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def film(tmp_path):
    """A file of three parts."""
    path = tmp_path / "film.mp4"
    path.write_bytes(random.randbytes(20 * MiB))
    return path


@pytest.fixture
def visit(browser):
    """A function that opens a page, in a browser of its own."""
    contexts = []

    def open_page(path: str, **options):
        contexts.append(browser.new_context(**{"locale": "en"} | options))
        contexts[-1].set_default_timeout(20_000)
        page = contexts[-1].new_page()
        page.goto(URL + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def begun(client: httpx.Client) -> httpx.Response:
    """Begin an upload by the API, as a page does, with the cookies of an earlier answer."""
    headers = {"X-CSRFToken": client.cookies.get("__Host-csrftoken", ""), "Origin": URL}
    return client.post("/api/uploads", json={"kind": "file", "name": "a.txt", "size": 5}, headers=headers)


def with_cookies_of(page, client: httpx.Client) -> httpx.Client:
    """The client, in the box of a page."""
    for cookie in page.context.cookies():
        client.cookies.set(cookie["name"], cookie["value"], domain=cookie["domain"], path="/")
    return client


def test_a_browser_sends_parts_to_the_disk_and_downloads_them(visit, client, film):
    page = visit("/files/")
    with page.expect_file_chooser() as chooser:
        page.locator(".upload-choose").click()
    chooser.value.set_files(film)
    # While the page does not know yet that storage has put the file together, it asks before it is left.
    expect(page.get_by_text("film.mp4 is uploaded.").first).to_be_attached(timeout=60_000)
    [upload] = with_cookies_of(page, client).get("/api/uploads").json()["uploads"]
    assert upload["link"] == f"{URL}/u/{upload['id']}/"
    assert kept(upload["id"])
    page.goto(upload["link"])
    with page.expect_download() as download:
        page.locator("a[href$='/download']").first.click()
    assert download.value.path().read_bytes() == film.read_bytes()


def test_a_form_without_javascript_sends_a_file_that_can_be_removed(visit, client, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_bytes(b"hello")
    page = visit("/files/", java_script_enabled=False)
    page.locator("input[type=file]").first.set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("main section").get_by_text("notes.txt", exact=True).first).to_be_visible()
    [upload] = with_cookies_of(page, client).get("/api/uploads").json()["uploads"]
    assert kept(upload["id"])
    fields = {"csrfmiddlewaretoken": client.cookies["__Host-csrftoken"]}
    assert client.post("/files/clear/", data=fields, headers={"Origin": URL}).status_code == 303
    until(lambda: not kept(upload["id"]), seconds=30)


def test_cookies_are_secure_and_for_this_host_alone(visit, client):
    page = visit("/files/")
    cookies = page.context.cookies()
    assert cookies
    assert [cookie["name"] for cookie in cookies if not cookie["name"].startswith("__Host-")] == []
    assert all(cookie["secure"] for cookie in cookies)
    answer = client.get("/files/")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "__Host-csrftoken" in client.cookies


def test_the_language_can_be_changed(visit):
    page = visit("/files/", java_script_enabled=False)
    page.locator("form[action='/language/'] button[value=es]").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    assert page.url == f"{URL}/files/"


def test_the_api_takes_the_cookie_and_gives_https_links(client):
    first = begun(client)
    client.get("/files/")
    client.cookies.set("__Host-box", first.json()["box"], domain=SITE.hostname, path="/")
    answer = begun(client)
    assert answer.status_code == 201, answer.text
    assert answer.json()["link"].startswith(f"{URL}/u/")
    [part] = (
        answer.json()["transfer"].get("first")
        or client.post(
            f"/api/uploads/{answer.json()['id']}/parts",
            json={"numbers": [1]},
            headers={"X-CSRFToken": client.cookies["__Host-csrftoken"], "Origin": URL},
        ).json()["parts"]
    )
    assert part["url"].startswith(f"{FILES}/")
    assert httpx.put(part["url"], content=b"hello", headers=part["headers"]).status_code == 200


def test_curl_gets_an_https_link_that_downloads(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    link = curl("-T", str(tmp_path / "a.txt"), f"{URL}/").strip()
    assert re.fullmatch(rf"{URL}/u/\w+/", link)
    answer = httpx.get(f"{link}download", follow_redirects=True)
    assert (answer.text, answer.url.host) == ("hello", f"files.{SITE.hostname}")
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("origin", ["http://drop.test", "https://evil.example", "null"])
def test_a_wrong_origin_is_refused_with_the_one_expected(client, origin):
    """Case 89."""
    client.get("/files/")
    fields = {"csrfmiddlewaretoken": client.cookies["__Host-csrftoken"]}
    answer = client.post("/files/clear/", data=fields, headers={"Origin": origin})
    assert answer.status_code == 403
    assert f"from pages of {URL} only" in answer.text
    fields = {"csrfmiddlewaretoken": client.cookies["__Host-csrftoken"]}
    assert client.post("/files/clear/", data=fields, headers={"Origin": URL}).status_code == 303


def test_nothing_that_a_client_says_of_its_address_counts(client):
    """Case 90: through Caddy, which passes none of it on."""
    ids = []
    for forged in ({}, {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2, 10.83.117.2"}):
        answer = client.put("/a.txt", content=b"hello", headers=forged | {"X-Forwarded-Proto": "http"})
        assert answer.status_code == 201, answer.text
        ids.append(answer.text.strip().rstrip("/").rpartition("/")[2])
    rows = [row.split("|") for row in ask("SELECT id, address FROM uploads_upload")]
    assert len({address for upload, address in rows if upload in ids}) == 1


def test_a_client_that_is_no_named_proxy_cannot_claim_https():
    """Case 90: straight at nginx. The answer says which address has to be named, if it is a proxy after all."""
    host = {"Host": SITE.netloc}
    plain = httpx.get(f"{INSIDE}/files/", headers=host)
    assert (plain.status_code, plain.headers["Location"]) == (301, f"{URL}/files/")
    claimed = httpx.get(f"{INSIDE}/files/", headers=host | {"X-Forwarded-Proto": "https"})
    assert claimed.status_code == 403
    assert "TRUSTED_PROXIES" in claimed.text
    assert httpx.get(f"{INSIDE}/health/ready").status_code == 200


def test_the_disk_answers_signed_requests_only():
    assert httpx.get(f"{FILES}/mayfly/").status_code in (400, 403)
    assert httpx.put(f"{FILES}/mayfly/uploads/x", content=b"x").status_code in (400, 403)
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    allowed = httpx.options(f"{FILES}/mayfly/uploads/x", headers=asked).headers.get("Access-Control-Allow-Origin")
    assert allowed != "https://evil.example"
    assert allowed != "*"


def test_each_name_has_a_certificate_of_the_servers_authority():
    assert len({key(SITE.hostname), key(f"files.{SITE.hostname}")}) == 2
