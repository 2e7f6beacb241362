"""A phone in a train: lines that are slow, break, stall or end, laptops that sleep, tabs that close."""

import json
from collections import Counter

import pytest
from playwright.sync_api import expect

from ..conftest import BUCKET, URL, until
from .conftest import PART, STORAGE, MiB, digest, refusal, stored, visit


def test_paused_then_offline_for_half_a_minute_it_goes_on_and_sends_nothing_twice(surfer, make, line):
    film = make("film.mp4", 64 * MiB)
    page = surfer.open("/files/")
    surfer.line(up=8_000_000)
    surfer.upload(film)
    surfer.until_percent(30)
    page.locator(".uppy-StatusBar").get_by_role("button", name="Pause").click()
    surfer.says("Paused")
    page.wait_for_timeout(500)
    arrived, sent = stored(page)[0]["stored"] // PART, len(line.sent)
    surfer.line(offline=True)
    page.wait_for_timeout(30_000)
    assert len(line.sent) == sent
    surfer.line()
    page.locator(".uppy-StatusBar").get_by_role("button", name="Resume").click()
    surfer.see("film.mp4")
    assert len(line.sent) - sent == 8 - arrived
    assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


def test_offline_in_the_middle_it_says_so_and_goes_on_by_itself(surfer, make):
    film = make("film.mp4", 48 * MiB)
    page = surfer.open("/files/")
    surfer.line(up=8_000_000)
    surfer.upload(film)
    surfer.until_percent(20)
    surfer.line(offline=True)
    surfer.says("No connection. The upload continues by itself once you are back online.", seconds=2)
    page.wait_for_timeout(10_000)
    surfer.line()
    surfer.says("Uploading", seconds=5)
    surfer.see("film.mp4")
    assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


@pytest.mark.parametrize("how", ["reload", "another tab"])
def test_after_a_reload_or_a_closed_tab_only_the_missing_parts_are_sent(surfer, make, line, how):
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
    surfer.choose(film)  # which is all that it asks for
    surfer.see("film.mp4")
    assert set(line.sent) == set(range(1, 9)) - arrived
    [upload] = surfer.uploads("file")
    assert upload["id"] == entry["id"]
    assert digest(surfer.download(upload)) == digest(film.read_bytes())


def interrupt(surfer, film) -> str:
    """Begin to send `film`, leave the page once some of it has arrived, and come back. Returns the upload's id."""
    page = surfer.open("/files/")
    page.on("dialog", lambda dialog: dialog.accept())
    surfer.line(up=8_000_000)
    surfer.upload(film)
    surfer.until(lambda: stored(page) and stored(page)[0]["stored"] >= PART)
    page.reload()
    surfer.ready_for_files()
    surfer.line()
    return stored(page)[0]["id"]


def test_an_interrupted_upload_can_be_discarded(surfer, make, bucket):
    before = bucket.transfers()
    interrupt(surfer, make("film.mp4", 40 * MiB))
    surfer.page.get_by_role("button", name="Discard film.mp4").click()
    surfer.until(lambda: bucket.transfers() == before)
    assert stored(surfer.page) == []
    surfer.page.reload()
    surfer.ready_for_files()
    expect(surfer.page.locator(".upload-interrupted li")).to_have_count(0)


def test_another_file_of_the_same_name_and_size_is_not_mixed_with_the_interrupted_one(surfer, make):
    before = interrupt(surfer, make("film.mp4", 40 * MiB))
    other = make("film.mp4", 40 * MiB)
    surfer.upload(other)
    surfer.see("film.mp4")
    [upload] = surfer.uploads("file")
    assert upload["id"] != before
    assert digest(surfer.download(upload)) == digest(other.read_bytes())


def test_an_interrupted_upload_whose_time_is_over_is_not_offered(surfer, make, table):
    before = interrupt(surfer, make("film.mp4", 40 * MiB))
    table("UPDATE uploads_upload SET expires_at = now() WHERE id = %s", before)
    surfer.page.reload()
    surfer.ready_for_files()
    surfer.until(lambda: stored(surfer.page) == [])
    expect(surfer.page.locator(".upload-interrupted li")).to_have_count(0)


def test_a_part_that_is_answered_with_403_expired_is_sent_again_with_a_new_url(surfer, make, line):
    """Case 21, the signed URL that ends in the middle of a part."""
    film = make("film.mp4", 24 * MiB)
    urls = []

    def meddle(number, route):
        if number != 2:
            return False
        urls.append(route.request.url)
        if len(urls) > 1:
            return False
        route.fulfill(**refusal(403, "AccessDenied"))
        return True

    line.meddle = meddle
    surfer.open("/files/")
    surfer.upload(film)
    surfer.see("film.mp4")
    assert len(urls) == len(set(urls)) == 2
    assert Counter(line.sent) == {1: 1, 2: 2, 3: 1}
    assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


def test_a_laptop_that_sleeps_for_twenty_minutes_goes_on_with_new_urls(surfer, make, line):
    """Case 21, the laptop. Its clock jumps; what was on its way is refused by then, and no old URL is used again."""
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
    """A function that gives the bucket other CORS rules, until the test is over."""
    client = bucket.client
    rules = client.get_bucket_cors(Bucket=BUCKET)["CORSRules"]

    def change(**changes) -> None:
        changed = [{name: value for name, value in (rules[0] | changes).items() if value}]
        client.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": changed})

    yield change
    client.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": rules})


def test_a_bucket_that_bars_the_page_is_named_in_words_and_nothing_hangs(browser, make, cors):
    """Case 22, CORS: the real fault, not one that the test plays."""
    film = make("film.mp4", 20 * MiB)
    with visit(browser) as surfer:
        page = surfer.open("/files/")
        cors(AllowedOrigins=["https://elsewhere.example"])
        surfer.upload(film)
        surfer.says(f"film.mp4: Storage at {STORAGE} does not take uploads from this page.", seconds=30)
        surfer.says("(CORS)")
        assert surfer.percent() < 100
        cors()
        page.locator(".uppy-StatusBar").get_by_role("button", name="Retry").click()
        surfer.see("film.mp4")
        assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


def test_a_bucket_that_does_not_show_its_etags_takes_uploads_all_the_same(browser, make, cors):
    """Case 22, ETag: there is nothing that waits for one at 100 %."""
    film = make("film.mp4", 20 * MiB)
    with visit(browser) as surfer:
        surfer.open("/files/")
        cors(ExposeHeaders=[])
        surfer.upload(film)
        surfer.see("film.mp4")
        assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


def test_storage_that_is_away_for_a_while_is_waited_for(surfer, make, line):
    away = [True]

    def meddle(number, route):
        if away:
            route.abort("connectionrefused")
        return bool(away)

    line.meddle = meddle
    surfer.context.route(f"{STORAGE}/", lambda route: route.abort("connectionrefused"))
    surfer.open("/files/")
    surfer.upload(make("film.mp4", 1000))
    surfer.says("Storage does not answer, trying again in")
    surfer.page.wait_for_timeout(8_000)
    expect(surfer.page.locator(".upload-faults li")).to_have_count(0)
    away.clear()
    surfer.see("film.mp4")


def test_a_slow_line_that_loses_every_third_part_brings_all_of_it_over(surfer, make, line):
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


def test_a_part_that_stalls_is_given_up_after_half_a_minute_and_sent_again(surfer, make, line):
    """Case 25, the stalled connection, which never says that it is dead."""
    film = make("film.mp4", 24 * MiB)
    line.meddle = lambda number, route: number == 2 and line.sent.count(2) == 1
    surfer.open("/files/")
    surfer.upload(film)
    surfer.until(lambda: line.sent.count(2) == 2, seconds=45)
    surfer.see("film.mp4")
    assert digest(surfer.download(surfer.uploads("file")[0])) == digest(film.read_bytes())


@pytest.mark.parametrize("step", ["begun", "in the middle", "all sent"])
def test_of_a_tab_closed_at_any_step_nothing_is_left_after_the_deadline(surfer, make, line, bucket, table, step):
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
    until(lambda: table("SELECT state FROM uploads_upload WHERE id = %s", entry["id"]) == [("gone",)], seconds=5)


def test_an_upload_that_the_server_drops_every_time_is_not_begun_for_ever(surfer, make, line):
    """Case 27."""
    begun = []
    page = surfer.open("/files/")
    page.on("request", lambda request: begun.append(request.url) if request.url == f"{URL}/api/uploads" else None)
    gone = json.dumps({"error": {"code": "gone", "message": "This upload has expired, or was removed."}})
    page.route("**/parts", lambda route: route.fulfill(status=410, body=gone, content_type="application/json"))
    surfer.upload(make("film.mp4", 20 * MiB))
    surfer.says("film.mp4: The server gave up this upload twice.")
    page.wait_for_timeout(5_000)
    assert len(begun) == 2
    assert line.sent == []


def test_an_upload_that_is_dropped_in_the_middle_is_begun_afresh_once(surfer, make, line, table):
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
