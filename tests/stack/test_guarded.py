"""A limit and a password on the real stack: exact however many come at once, and no log has the password."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from .conftest import SECRETS, Visitor, until

PASSWORD = "correct-horse-battery-staple"


def test_fifty_visitors_at_once_take_three_of_three(visitor):
    """Cases 36, 97: through nginx, by several processes of web, on Postgres and S3."""
    upload = visitor.upload(b"hello" * 1000, downloads=3)

    def take(_: int) -> httpx.Response:
        with httpx.Client(timeout=60) as client:
            return client.post(upload["download"], headers={"Accept": "text/html"})

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(take, range(50)))
    assert Counter(answer.status_code for answer in answers) == {303: 3, 410: 47}
    for answer in answers:
        if answer.status_code == 303:
            assert httpx.get(answer.headers["Location"]).content == b"hello" * 1000
    assert visitor.get(f"/api/uploads/{upload['id']}").json()["downloads"] == {"most": 3, "taken": 3}


def test_a_password_opens_an_upload_and_is_in_no_log(visitor: Visitor, stranger: Visitor):
    """Case 95: the last test of this folder looks for it in all logs."""
    SECRETS.add(PASSWORD)
    upload = visitor.upload(b"hello", password=PASSWORD)
    link, download = upload["link"], upload["download"]
    wrong = stranger.browser.post(download, data={"password": f"{PASSWORD}!"}, headers={"Accept": "application/json"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "wrong_password")
    assert upload["name"] not in stranger.browser.get(link, headers={"Accept": "text/html"}).text
    right = stranger.browser.post(download, data={"password": PASSWORD}, follow_redirects=True)
    assert right.content == b"hello"
    assert upload["name"] in stranger.browser.get(link, headers={"Accept": "text/html"}).text
    sent = stranger.browser.put("/b.txt", content=b"hello", headers={"X-Password": PASSWORD, "X-Downloads": "1"})
    assert httpx.post(f"{sent.text.strip()}download", data={"password": PASSWORD}).status_code == 303


def test_the_sweep_removes_what_was_taken(visitor, bucket, table):
    """Case 97: the receipt says so."""
    upload = visitor.upload(b"hello", downloads=1)
    assert httpx.post(upload["download"]).status_code == 303
    table("UPDATE uploads_upload SET expires_at = now() WHERE id = %s", upload["id"])  # in place of a minute
    until(lambda: not bucket.has(upload), seconds=60)
    until(lambda: table("SELECT state FROM uploads_upload WHERE id = %s", upload["id"]) == [("gone",)], seconds=60)
    receipt = visitor.browser.get(upload["link"])
    assert receipt.status_code == 410
    assert "All its downloads were taken." in receipt.text
