"""The app on dynos: boots, releases, does its job, restarts, and stays within what a small plan gives."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import httpx

from ..conftest import URL, Visitor, until
from .conftest import FIGURES, PLAN, Memory
from .dynos import ADDONS, ROOT, Dyno, docker
from .load import Load, settled
from .router import IDLE

MB = 1_000_000


def test_the_release_step_ends_well_twice_at_once(app):
    assert [status for status, _, _ in app.releases] == [0, 0]
    logs = sorted((log for _, log, _ in app.releases), key=len)
    assert "database: nothing to do" in logs[0]
    assert "storage: nothing to do" in logs[0]
    assert "uploads.0001_initial" in logs[1]
    assert "Created the bucket mayfly" in logs[1]


def test_dynos_at_rest_leave_most_of_their_memory(app):
    app.restart()
    with Memory(app.web, app.worker) as memory:
        time.sleep(10)
    FIGURES["memory at rest"] = memory.shown()
    assert 0 < min(memory.peak.values()) <= max(memory.peak.values()) < 300 * MB


def test_a_release_with_nothing_to_do_says_so_quickly(app):
    app.release()
    status, log, seconds = app.releases.pop()
    assert status == 0
    assert "database: nothing to do" in log
    assert seconds < 15
    FIGURES["release with nothing to do"] = f"{seconds:.1f} s"


def test_a_release_that_cannot_be_is_refused_in_one_line(app):
    wrong = Dyno("release", app.config | {"ALLOWED_HOSTS": ""})
    assert wrong.ended(seconds=60) != 0
    assert wrong.logs().strip() == "mayfly: ALLOWED_HOSTS is missing. See .env.var."
    wrong.remove()


def test_web_binds_well_within_the_minute_that_heroku_gives(app):
    dyno = Dyno("web", app.config, number=2)
    seconds = dyno.bound()
    dyno.remove()
    FIGURES["web binds after"] = f"{seconds:.1f} s"
    assert seconds < 20


def test_any_image_plays_the_role_that_its_dyno_is_called_by(app):
    """As after `heroku container:push worker`, which builds the last target whatever the name."""
    dyno = Dyno("worker", app.config, number=2, image=app.web.image)
    until(lambda: "starting the workers of removal and previews, with beat" in dyno.logs(), seconds=20)
    dyno.remove()


def test_a_dyno_has_no_variable_that_nobody_promised(app):
    promised = {*re.findall(r'"([A-Z0-9_]+)": \{', (ROOT / "app.json").read_text()), *ADDONS, "PORT", "DYNO"}
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


def test_people_are_told_from_one_another_by_what_the_router_says(app, visitor):
    """The last address of X-Forwarded-For is the router's word; what comes before it is anybody's."""
    visitor.api.headers["X-Forwarded-For"] = "203.0.113.7"
    upload = visitor.begin(b"hello")
    assert upload["link"].startswith("https://")
    assert 'from="203.0.113.7, ' in app.web.logs()


def test_http_is_sent_to_https(app):
    host, port = app.web.address
    answer = httpx.get(f"http://{host}:{port}/images/", headers={"Host": "127.0.0.1", "X-Forwarded-Proto": "http"})
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://127.0.0.1/images/")


def test_static_files_come_from_the_image_and_may_be_kept(app):
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
    assert [str(request) for request in app.router.log[before:] if request.code or request.status >= 500] == []
    assert ledger.wrong == []
    settled(ledger, table=table, bucket=bucket, seconds=60)
    FIGURES["restart: requests"] = ledger.requests
    FIGURES["restart: most connections"] = f"Postgres {connections.postgres}, Redis {connections.redis}"
    FIGURES["restart: connections that Redis refused"] = connections.refused()
    # Redis may refuse the new worker while the old one is still there; it waits, as Celery does for any Redis.
    assert connections.postgres < PLAN


def test_a_kept_connection_outlives_the_routers_own_patience(app):
    """Were the dyno the first to close, the router would send a request into a closing door (H13)."""
    kept = HTTPConnection(*app.web.address)
    kept.auto_open = 0  # one connection, and an error where it is not there any more
    kept.connect()
    for wait in (0, IDLE + 1):
        time.sleep(wait)
        kept.request("GET", "/health/live", headers={"Host": "127.0.0.1"})
        assert kept.getresponse().read() == b'{"status": "ok"}'


def test_an_hour_of_mixed_traffic_fits_the_memory(app, bucket, table):
    """What a small site has in an hour, without the pauses, and at its end two of the largest forms at once."""
    with Memory(app.web, app.worker) as memory:
        with Load(12, pause=0) as ledger:
            until(lambda: ledger.requests >= 2000, seconds=300)
        forms = [Visitor() for _ in range(2)]
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


def test_connections_stay_below_the_plan(app, connections, bucket, table):
    with Load(16, pause=0) as ledger:
        time.sleep(20)
    assert ledger.wrong == []
    settled(ledger, table=table, bucket=bucket, seconds=60)
    FIGURES["load: most connections"] = f"Postgres {connections.postgres}, Redis {connections.redis}"
    assert connections.postgres < PLAN
    assert connections.redis < PLAN
    assert connections.refused() == 0


def test_a_dyno_writes_to_tmp_alone(app):
    for dyno in (app.web, app.worker):
        changed = {line.split(" ", 1)[1] for line in docker("diff", dyno.id).splitlines()}
        written = {path for path in changed if not any(other.startswith(f"{path}/") for other in changed)}
        # Docker's own: the first process, and memory to share.
        assert {path for path in written if not path.startswith("/tmp") and "docker-init" not in path} <= {"/dev/shm"}
