"""The app on dynos: it boots, releases, does its job, restarts, and stays within the limits of a small plan."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import httpx
import pytest

from tests.support.trickle import Trickle

from ..conftest import URL, until
from .conftest import FIGURES, MANY_CLIENTS, PLAN, Memory
from .dynos import ADDONS, ROOT, Dyno, docker
from .load import Load, patient_visitor, settled
from .router import IDLE

MB = 1_000_000


def test_two_release_steps_at_once_succeed(app):
    assert [status for status, _, _ in app.releases] == [0, 0]
    logs = sorted((log for _, log, _ in app.releases), key=len)
    assert "database: nothing to do" in logs[0]
    assert "storage: nothing to do" in logs[0]
    assert "uploads.0001_initial" in logs[1]
    assert "Created the bucket mayfly" in logs[1]


def test_dynos_at_rest_use_little_memory(app):
    app.restart()
    with Memory(app.web, app.worker) as memory:
        time.sleep(10)
    FIGURES["memory at rest"] = memory.shown()
    assert 0 < min(memory.peak.values()) <= max(memory.peak.values()) < 300 * MB


def test_a_release_with_nothing_to_do_ends_quickly(app):
    app.release()
    status, log, seconds = app.releases.pop()
    assert status == 0
    assert "database: nothing to do" in log
    assert seconds < 15
    FIGURES["release with nothing to do"] = f"{seconds:.1f} s"


def test_a_release_without_a_variable_fails_with_one_line(app):
    wrong = Dyno("release", app.config | {"ALLOWED_HOSTS": ""})
    assert wrong.ended(seconds=60) != 0
    assert wrong.logs().strip() == "mayfly: ALLOWED_HOSTS is missing. See .env.var."
    wrong.remove()


def test_web_binds_well_within_herokus_minute(app):
    dyno = Dyno("web", app.config, number=2)
    seconds = dyno.bound()
    dyno.remove()
    FIGURES["web binds after"] = f"{seconds:.1f} s"
    assert seconds < 20


def test_the_name_of_a_dyno_decides_the_role_of_any_image(app):
    """`heroku container:push worker` builds the last target, which is web."""
    dyno = Dyno("worker", app.config, number=2, image=app.web.image)
    until(lambda: "starting the workers of removal and previews, with beat" in dyno.logs(), seconds=20)
    dyno.remove()


def test_a_dyno_gets_only_the_variables_of_app_json(app):
    promised = {
        *re.findall(r'"([A-Z0-9_]+)": \{', (ROOT / "app.json").read_text()),
        *ADDONS,
        *MANY_CLIENTS,
        "PORT",
        "DYNO",
    }
    for dyno in (app.web, app.worker):
        image = docker("image", "inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", dyno.image)
        given = set(dyno.inspect()["Config"]["Env"]) - set(image.splitlines())
        assert {variable.partition("=")[0] for variable in given} <= promised


def test_the_main_job_from_end_to_end(app, visitor, bucket):
    content = bytes(range(256)) * 50_000
    upload = visitor.upload(content, name="film.bin")
    assert upload["link"].startswith(f"{URL}/u/")
    answer = httpx.get(upload["download"], follow_redirects=True, timeout=60)
    assert answer.content == content
    assert visitor.submit("/images/", files={"a.png": b"not an image"}).status_code in (303, 422)
    short = visitor.upload(b"hello", lifetime=1)
    assert until(lambda: not bucket.has(short), seconds=20) < 20
    assert httpx.get(short["link"]).status_code == 410
    until(lambda: httpx.get(f"{URL}/health/ready").status_code == 200, seconds=30)


def test_web_tells_visitors_apart_by_the_address_from_the_router(app, visitor):
    """The router adds the last address of X-Forwarded-For; any client can send the ones before it."""
    visitor.api.headers["X-Forwarded-For"] = "203.0.113.7"
    upload = visitor.begin(b"hello")
    assert upload["link"].startswith("https://")
    assert 'from="203.0.113.7, ' in app.web.logs()


def test_http_redirects_to_https(app):
    host, port = app.web.address
    answer = httpx.get(f"http://{host}:{port}/images/", headers={"Host": "127.0.0.1", "X-Forwarded-Proto": "http"})
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://127.0.0.1/images/")


def test_static_files_come_from_the_image_and_may_be_cached(app):
    page = httpx.get(f"{URL}/images/").text
    css = re.search(r'href="(/static/[^"]+\.css)"', page)[1]
    answer = httpx.get(URL + css)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


def test_a_restart_under_load_loses_no_request_and_no_task(app, connections, bucket, table):
    before = len(app.router.log)
    with Load(12, pause=0) as ledger:
        time.sleep(5)
        for _ in range(3):
            seconds = app.restart()
            FIGURES["end after SIGTERM, under load"] = {name: f"{value:.1f} s" for name, value in seconds.items()}
            time.sleep(5)
    assert [str(request) for request in app.router.log[before:] if request.failed] == []
    assert ledger.wrong == []
    settled(ledger, table=table, bucket=bucket, seconds=60)
    FIGURES["restart: requests"] = ledger.requests
    FIGURES["restart: most connections"] = f"Postgres {connections.postgres}, Redis {connections.redis}"
    FIGURES["restart: connections that Redis refused"] = connections.refused()
    # Redis may refuse the new worker while the old one still runs. The worker waits, as it does for any lost Redis.
    assert connections.postgres < PLAN


def test_a_dyno_keeps_a_connection_longer_than_the_router(app):
    """If the dyno closed first, the router would send a request over a closed connection (H13)."""
    kept = HTTPConnection(*app.web.address)
    kept.auto_open = 0  # one connection, and an error if it is closed
    kept.connect()
    for wait in (0, IDLE + 1):
        time.sleep(wait)
        kept.request("GET", "/health/live", headers={"Host": "127.0.0.1"})
        assert kept.getresponse().read() == b'{"status": "ok"}'


def test_an_hour_of_mixed_traffic_fits_into_the_memory(app, bucket, table):
    """Send the requests of a small site's hour without pauses, and then two of the largest forms at once."""
    with Memory(app.web, app.worker) as memory:
        with Load(12, pause=0) as ledger:
            until(lambda: ledger.requests >= 2000, seconds=300)
        forms = [patient_visitor() for _ in range(2)]
        large = {"large.bin": bytes(90_000_000)}
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda form: form.submit("/files/", files=large), forms))
        settled(ledger, table=table, bucket=bucket, seconds=60)
    assert [answer.status_code for answer in answers] == [303, 303]
    assert ledger.wrong == []
    FIGURES["memory at its peak"] = memory.shown()
    FIGURES["memory: requests, uploads"] = (ledger.requests, len(ledger.kept) + len(ledger.gone))
    assert max(memory.peak.values()) < 512 * MB * 0.9
    assert not any(dyno.inspect()["State"]["OOMKilled"] for dyno in (app.web, app.worker))


@pytest.mark.parametrize("again", [0.5, 0.0], ids=["with a pause", "without a pause"])
def test_slow_bodies_hold_no_page_and_no_upload_to_storage(app, again):
    """Case 62. A page does not wait until a slow body has used up its time, which is 10 s.

    A call of the API may have to come again, as the page's own script does.
    """
    visitor, times, uploads = patient_visitor(), [], 0
    with Trickle(URL, connections=40, again=again, seconds=20) as flood:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            began = time.monotonic()
            assert httpx.get(f"{URL}/images/", timeout=5).status_code == 200
            times.append(time.monotonic() - began)
            visitor.upload(b"hello")
            uploads += 1
            time.sleep(0.5)
    assert set(flood.answers) <= {408, 503}
    assert len(visitor.list()) == uploads
    name = f"40 slow bodies, again after {again} s"
    FIGURES[f"{name}: pages, the slowest, uploads"] = (len(times), f"{max(times):.2f} s", uploads)
    FIGURES[f"{name}: answers"] = dict(flood.answers)


def test_connections_stay_below_the_plan(app, connections, bucket, table):
    with Load(16, pause=0) as ledger:
        time.sleep(20)
    assert ledger.wrong == []
    settled(ledger, table=table, bucket=bucket, seconds=60)
    FIGURES["load: most connections"] = f"Postgres {connections.postgres}, Redis {connections.redis}"
    assert connections.postgres < PLAN
    assert connections.redis < PLAN
    assert connections.refused() == 0


def test_a_dyno_writes_to_tmp_only(app):
    for dyno in (app.web, app.worker):
        changed = {line.split(" ", 1)[1] for line in docker("diff", dyno.id).splitlines()}
        written = {path for path in changed if not any(other.startswith(f"{path}/") for other in changed)}
        # Docker adds its init process and shared memory.
        assert {path for path in written if not path.startswith("/tmp") and "docker-init" not in path} <= {"/dev/shm"}
