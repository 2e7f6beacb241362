"""Weak connections: slow, broken or stalled lines, sleeping laptops, and closed tabs."""

import json
import re
import time
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from ..conftest import BUCKET, URL, until
from .conftest import PART, STORAGE, MiB, digest, interrupt, refusal, stored, visit


def test_a_paused_upload_survives_half_a_minute_offline(surfer, make, line):
    film = make("film.mp4", 64 * MiB)
    page = surfer.open("/files/")
    surfer.line(up=8_000_000)
    surfer.upload(film)
    surfer.until_percent(30)
    page.locator(".sending").get_by_role("button", name="Pause").click()
    surfer.says("Paused")
    page.wait_for_timeout(500)
    arrived, sent = stored(page)[0]["stored"] // PART, len(line.sent)
    surfer.line(offline=True)
    page.wait_for_timeout(30_000)
    assert len(line.sent) == sent
    surfer.line()
    page.locator(".sending").get_by_role("button", name="Resume").click()
    surfer.see("film.mp4")
    assert len(line.sent) - sent == 8 - arrived
    assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


def test_an_upload_offline_says_so_and_goes_on_by_itself(surfer, make):
    film = make("film.mp4", 48 * MiB)
    page = surfer.open("/files/")
    surfer.line(up=8_000_000)
    surfer.upload(film)
    surfer.until_percent(20)
    surfer.line(offline=True)
    surfer.says("No connection. The upload continues by itself once you are back online.", seconds=2)
    page.wait_for_timeout(10_000)
    surfer.line(up=8_000_000)
    surfer.says("Sending again", seconds=5)
    surfer.line()
    surfer.see("film.mp4")
    assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


@pytest.mark.parametrize("how", ["reload", "another tab"])
def test_a_reload_or_a_closed_tab_sends_only_the_missing_parts(surfer, make, line, how):
    film = make("film.mp4", 64 * MiB)
    page = surfer.open("/files/")
    surfer.line(up=8_000_000)
    page.on("dialog", lambda dialog: dialog.accept())  # yes, leave
    surfer.upload(film)
    surfer.until(lambda: stored(page) and stored(page)[0]["stored"] >= 2 * PART)
    if how == "reload":
        page.reload()
    else:
        surfer.page = surfer.tab()
        page.close()
        surfer.page.wait_for_timeout(2000)  # until the parts under way have ended, in storage or nowhere
        surfer.devtools = None
        surfer.open("/files/")
    surfer.ready_for_files()
    [entry] = stored(surfer.page)
    arrived = {
        part["number"] for part in surfer.context.request.get(f"{URL}/api/uploads/{entry['id']}/parts").json()["parts"]
    }
    assert len(arrived) >= 2
    percent = len(arrived) * 100 // 8
    expect(surfer.page.locator(".upload-interrupted")).to_contain_text(
        f"film.mp4 was interrupted at {percent}%. Choose it again to continue."
    )
    surfer.line()
    line.sent.clear()
    surfer.upload(film)  # the page asks for no more than this
    surfer.see("film.mp4")
    assert set(line.sent) == set(range(1, 9)) - arrived
    [upload] = surfer.uploads("file")
    assert upload["id"] == entry["id"]
    assert digest(surfer.download(upload)) == digest(film.read_bytes())


def test_an_interrupted_upload_can_be_discarded(surfer, make, bucket):
    before = bucket.transfers()
    interrupt(surfer, make("film.mp4", 40 * MiB))
    surfer.page.get_by_role("button", name="Discard film.mp4").click()
    surfer.page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    surfer.until(lambda: bucket.transfers() == before)
    assert stored(surfer.page) == []
    surfer.page.reload()
    surfer.ready_for_files()
    expect(surfer.page.locator(".upload-interrupted li")).to_have_count(0)


def test_another_file_of_the_same_name_and_size_starts_afresh(surfer, make):
    before = interrupt(surfer, make("film.mp4", 40 * MiB))
    other = make("film.mp4", 40 * MiB)
    surfer.upload(other)
    surfer.see("film.mp4")
    [upload] = surfer.uploads("file")
    assert upload["id"] != before
    assert digest(surfer.download(upload)) == digest(other.read_bytes())


def test_an_expired_interrupted_upload_is_not_offered(surfer, make, table):
    before = interrupt(surfer, make("film.mp4", 40 * MiB))
    table("UPDATE uploads_upload SET expires_at = now() WHERE id = %s", before)
    surfer.page.reload()
    surfer.ready_for_files()
    surfer.until(lambda: stored(surfer.page) == [])
    expect(surfer.page.locator(".upload-interrupted li")).to_have_count(0)


def outlast(url: str) -> None:
    """Wait until the second has passed in which this URL was signed: until then the next one is the same."""
    [signed] = parse_qs(urlsplit(url).query)["X-Amz-Date"]
    since = datetime.now(UTC) - datetime.strptime(signed, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    time.sleep(max(0, 1 - since.total_seconds()))


def test_a_part_whose_url_expired_is_sent_again_with_a_new_url(surfer, make, line):
    """Case 21. A signed URL expires in the middle of a part."""
    film = make("film.mp4", 24 * MiB)
    urls = []

    def meddle(number, route):
        if number != 2:
            return False
        urls.append(route.request.url)
        if len(urls) > 1:
            return False
        outlast(route.request.url)
        route.fulfill(**refusal(403, "AccessDenied"))
        return True

    line.meddle = meddle
    surfer.open("/files/")
    surfer.upload(film)
    surfer.see("film.mp4")
    assert len(urls) == len(set(urls)) == 2
    assert Counter(line.sent) == {1: 1, 2: 2, 3: 1}
    assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


def test_a_laptop_that_slept_for_twenty_minutes_uses_new_urls(surfer, make, line):
    """Case 21. The clock of the laptop jumps, and storage refuses the parts that were under way."""
    film = make("film.mp4", 72 * MiB)
    held, after = [], []

    def meddle(number, route):
        if not asleep:
            held.append(route)
            return True
        after.append(route.request.url)
        return False

    asleep = []
    line.meddle = meddle
    page = surfer.tab()
    page.clock.install()
    surfer.open("/files/", page=page)
    surfer.upload(film)
    surfer.until(lambda: len(held) == 4)
    before = {route.request.url for route in held}
    for route in held:
        outlast(route.request.url)
    asleep.append(True)
    page.clock.fast_forward("20:00")
    for route in held:
        route.fulfill(**refusal(403, "AccessDenied"))
    page.clock.resume()
    surfer.see("film.mp4")
    assert len(after) == 9
    assert not before & set(after)
    assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


@pytest.fixture
def cors(bucket):
    """A function that changes the CORS rules of the bucket until the test ends."""
    client = bucket.client
    rules = client.get_bucket_cors(Bucket=BUCKET)["CORSRules"]

    def change(**changes) -> None:
        changed = [{name: value for name, value in (rules[0] | changes).items() if value}]
        client.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": changed})

    yield change
    client.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": rules})


def test_the_page_names_a_bucket_that_bars_it(browser, make, cors):
    """Case 22. The bucket's CORS rules really bar the page."""
    film = make("film.mp4", 20 * MiB)
    with visit(browser) as surfer:
        page = surfer.open("/files/")
        cors(AllowedOrigins=["https://elsewhere.example"])
        surfer.upload(film)
        surfer.says(f"film.mp4: Storage at {STORAGE} does not take uploads from this page.", seconds=30)
        surfer.says("(CORS)")
        assert surfer.percent() < 100
        cors()
        page.locator(".sending").get_by_role("button", name="Retry").click()
        surfer.see("film.mp4")
        assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


def test_an_upload_needs_no_etag_from_the_bucket(browser, make, cors):
    """Case 22. No upload waits for an ETag at 100 %."""
    film = make("film.mp4", 20 * MiB)
    with visit(browser) as surfer:
        surfer.open("/files/")
        cors(ExposeHeaders=[])
        surfer.upload(film)
        surfer.see("film.mp4")
        assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


def test_an_upload_waits_for_storage_that_does_not_answer(surfer, make, line):
    away = [True]

    def meddle(number, route):
        if away:
            route.abort("connectionrefused")
        return bool(away)

    line.meddle = meddle
    surfer.context.route(f"{STORAGE}/", lambda route: route.abort("connectionrefused"))
    surfer.open("/files/")
    surfer.upload(make("film.mp4", 1000))
    surfer.says("Storage does not answer. Trying again in")
    surfer.page.wait_for_timeout(8_000)
    expect(surfer.page.locator(".upload-faults li")).to_have_count(0)
    away.clear()
    surfer.see("film.mp4")


def test_a_file_arrives_over_a_slow_line_that_loses_every_third_part(surfer, make, line):
    """Case 25."""
    film = make("film.mp4", 40 * MiB)

    def meddle(number, route):
        if len(line.sent) % 3:
            return False
        route.abort("connectionreset")
        return True

    line.meddle = meddle
    surfer.open("/files/")
    surfer.line(up=6_000_000)
    surfer.upload(film)
    surfer.see("film.mp4", seconds=90)
    assert len(line.sent) > 5
    assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


def test_a_part_that_stalls_is_sent_again_after_half_a_minute(surfer, make, line):
    """Case 25. A stalled connection never reports an error."""
    film = make("film.mp4", 24 * MiB)
    line.meddle = lambda number, route: number == 2 and line.sent.count(2) == 1
    surfer.open("/files/")
    surfer.upload(film)
    surfer.until(lambda: line.sent.count(2) == 2, seconds=45)
    surfer.see("film.mp4")
    assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


@pytest.mark.parametrize("step", ["begun", "in the middle", "all sent"])
def test_a_tab_closed_at_any_step_leaves_nothing_after_the_deadline(surfer, make, line, bucket, table, step):
    """Case 26."""
    before = bucket.transfers()
    page = surfer.open("/files/")
    page.on("dialog", lambda dialog: dialog.accept())
    if step == "begun":
        line.meddle = lambda number, route: True
    elif step == "in the middle":
        line.meddle = lambda number, route: number > 1
    else:
        page.route("**/complete", lambda route: route.fulfill(status=503, json={}))
    surfer.upload(make("film.mp4", 24 * MiB))
    surfer.until(lambda: line.sent)
    if step == "in the middle":
        surfer.until(lambda: stored(page)[0]["stored"] >= PART)
    elif step == "all sent":
        surfer.says("Mayfly does not answer")
    [entry] = stored(page)
    page.close()
    key = f"uploads/{entry['id']}"
    assert bucket.transfers() - before == {key}
    table("UPDATE uploads_upload SET expires_at = now() WHERE id = %s", entry["id"])
    until(lambda: key not in bucket.transfers(), seconds=15)
    assert not bucket.keys(key)
    until(lambda: table("SELECT state FROM uploads_upload WHERE id = %s", entry["id"]) == [], seconds=5)


def begin_unsigned(route) -> None:
    """Pass a begin on, and keep its signed URLs from the page, so that it has to ask for them."""
    answer = route.fetch()
    upload = answer.json()
    upload["transfer"]["first"] = []
    route.fulfill(response=answer, json=upload)


def test_an_upload_that_the_server_drops_twice_is_given_up(surfer, make, line):
    """Case 27."""
    begun = []
    page = surfer.open("/files/")
    page.on("request", lambda request: begun.append(request.url) if request.url == f"{URL}/api/uploads" else None)
    gone = json.dumps({"error": {"code": "gone", "message": "This upload has expired, or was removed."}})
    page.route(f"{URL}/api/uploads", begin_unsigned)
    page.route("**/parts", lambda route: route.fulfill(status=410, body=gone, content_type="application/json"))
    surfer.upload(make("film.mp4", 20 * MiB))
    surfer.says("film.mp4: The server gave up this upload twice.")
    page.wait_for_timeout(5_000)
    assert len(begun) == 2
    assert line.sent == []


def test_an_upload_that_the_server_drops_once_is_begun_afresh(surfer, make, line, table):
    film = make("film.mp4", 48 * MiB)
    page = surfer.open("/files/")
    surfer.line(up=8_000_000)
    surfer.upload(film)
    surfer.until(lambda: stored(page) and stored(page)[0]["stored"] >= PART)
    [entry] = stored(page)
    surfer.context.request.delete(f"{URL}/api/uploads/{entry['id']}", headers=surfer.csrf())
    surfer.line()
    surfer.see("film.mp4")
    [upload] = surfer.uploads("file")
    assert upload["id"] != entry["id"]
    assert digest(surfer.download(upload)) == digest(film.read_bytes())


def test_the_time_left_is_honest_and_the_bar_never_runs_backwards(surfer, make):
    film = make("film.mp4", 96 * MiB)
    page = surfer.open("/files/")
    line = page.locator(".upload-line")
    surfer.line(up=4_000_000)
    surfer.upload(film)
    expect(line).to_contain_text("left", timeout=15_000)
    page.wait_for_timeout(5_000)
    speed, left, unit = re.search(r"([\d.]+)\sMB/s, (\d+) (sec|min) left", line.inner_text()).groups()
    remains = 96 * MiB * (100 - surfer.percent()) / 100
    expected = remains / (float(speed) * 1_000_000)
    step = 5 if unit == "sec" else 60
    assert int(left) * (1 if unit == "sec" else 60) == pytest.approx(expected, rel=0.15, abs=step + 2)
    before = surfer.percent()
    surfer.line(offline=True)
    surfer.says("No connection.")
    expect(line).not_to_contain_text("left")
    assert surfer.percent() >= before
    surfer.line(up=4_000_000)
    surfer.says("Sending again")
    assert surfer.percent() >= before
    surfer.line()
    surfer.see("film.mp4")
