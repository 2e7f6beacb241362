"""Hold simulate.py against a measured hour, compressed: the same visitors come to the model and to a running stack.

tests/stack/with .venv/bin/python bench/replay.py [--seconds 60] [--visits 120] [--seed 1]

First each piece of work is measured by itself, in processor time of the containers, which gives the model its costs.
Then an hour of visits is made with a seed. The model predicts, and threads replay it to the stack in a minute, with
lifetimes as much shorter. Compared are the processor time of web, worker and Postgres, the live uploads, the lateness
of removals and the wait for previews. Bytes go straight to storage and are cut to 64 KB. About two minutes.
"""

import argparse
import os
import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import mean, median
from typing import Any, NamedTuple

import httpx
import psycopg2
import pyvips
from containers import processor
from figures import Row, record
from simulate import Cost, Costs, Formation, Site, percentile
from visitors import HOUR, Action, Mix, Sent, actions, compressed

COUNT = 30  # pieces of each work that are measured by themselves
IDLE_SECONDS = 8
SERVICES = ("web", "worker", "postgres")
LONG = 43_200  # seconds; longer than any run
WIDTH, HEIGHT = 1600, 1200
WITHIN = 0.2  # the error that counts as met
THREADS = 32


class Begun(NamedTuple):
    """An upload that has begun: its first part, its bytes, and the token of its box."""

    id: str
    part: dict[str, Any]
    content: bytes
    token: str


class Stack:
    """A client of the running stack. Each upload has a box of its own, as most visitors send one or two."""

    def __init__(self) -> None:
        self.web = httpx.Client(base_url=os.environ["MAYFLY_URL"], timeout=30)
        self.storage = httpx.Client(timeout=30)
        image = (pyvips.Image.black(WIDTH, HEIGHT, bands=3) + [200, 100, 50]).cast("uchar")
        self.image = image.copy(interpretation="srgb").jpegsave_buffer()
        self.ids: dict[int, str] = {}
        self.etags: dict[str, str] = {}
        self.token = ""  # of the visitor whose page is asked for
        self.failed = self.waited = 0

    def begin(self, sent: Sent, token: str = "") -> Begun:
        content = self.image if sent.is_image else random.randbytes(min(int(sent.size), 65_536))
        kind = "image" if sent.is_image else "file"
        body = {"kind": kind, "name": "a.jpg", "size": len(content), "lifetime": int(sent.lifetime)}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        begun = self.web.post("/api/uploads", json=body, headers=headers).raise_for_status().json()
        return Begun(begun["id"], begun["transfer"]["first"][0], content, token or begun["box"])

    def put(self, begun: Begun) -> None:
        headers = begun.part["headers"]
        answer = self.storage.put(begun.part["url"], content=begun.content, headers=headers).raise_for_status()
        self.etags[begun.id] = answer.headers["ETag"]

    def complete(self, begun: Begun) -> str:
        headers = {"Authorization": f"Bearer {begun.token}"}
        path = f"/api/uploads/{begun.id}/complete"
        body = {"etag": self.etags[begun.id]}  # as browsers do
        while (answer := self.web.post(path, json=body, headers=headers)).status_code == 503:
            self.waited += 1  # web completes a few uploads at once, and asks the next to come again
            time.sleep(random.uniform(0.1, float(answer.headers.get("Retry-After", 1))))
        answer.raise_for_status()
        return begun.id

    def page(self) -> None:
        self.web.get("/images/", headers={"Cookie": f"box={self.token}"}).raise_for_status()

    def download(self, upload_id: str) -> None:
        if self.web.get(f"/u/{upload_id}/download").status_code != 302:
            self.failed += 1

    def visitor_with_images(self) -> None:
        """Make the box whose My Images is the page that is asked for."""
        for _ in range(3):
            begun = self.begin(Sent(0, True, 1e5, 2, LONG), self.token)
            self.token = begun.token
            self.put(begun)
            self.complete(begun)

    def act(self, action: Action) -> None:
        try:
            if action.kind == "page" or action.sent is None:
                self.page()
            elif action.kind == "download":
                if action.sent.number in self.ids:
                    self.download(self.ids[action.sent.number])
            else:
                begun = self.begin(action.sent)
                self.put(begun)
                self.ids[action.sent.number] = self.complete(begun)
        except httpx.HTTPError as error:
            self.failed += 1
            print(f"{action.kind}: {error}", flush=True)


class Watch(threading.Thread):
    """Reads the table ten times a second: how many uploads are live, and when a preview is first seen."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.live: list[tuple[float, int]] = []
        self.waits: dict[str, float] = {}

    def run(self) -> None:
        cursor = connected()
        while True:
            cursor.execute(
                "SELECT id, has_preview, extract(epoch FROM clock_timestamp() - completed_at) FROM uploads_upload"
                " WHERE state = 'ready' AND expires_at > clock_timestamp()"
            )
            rows = cursor.fetchall()
            self.live.append((time.monotonic(), len(rows)))
            for pk, has_preview, seconds in rows:
                if has_preview:
                    self.waits.setdefault(pk, float(seconds))
            time.sleep(0.1)


def connected() -> Any:
    """A cursor at the stack's Postgres."""
    connection = psycopg2.connect(os.environ["STACK_DATABASE_URL"])
    connection.autocommit = True
    return connection.cursor()


# the costs


class Meter:
    """Measures the processor time that a piece of work takes in each service, less what they take when idle."""

    def __init__(self) -> None:
        self.idle = Cost()
        self.idle = self.cost(lambda: time.sleep(IDLE_SECONDS), IDLE_SECONDS)[0]

    def cost(self, work: Callable[[], object], count: float) -> tuple[Cost, float]:
        """The cost of one of `count` pieces, and how long it took."""
        before = [processor(service) for service in SERVICES]
        began = time.monotonic()
        work()
        took = time.monotonic() - began
        used = [processor(service) - earlier for service, earlier in zip(SERVICES, before, strict=True)]
        net = [max(0.0, value - took * idle) / count for value, idle in zip(used, self.idle, strict=False)]
        return Cost(*net), took / count

    def request(self, work: Callable[[], object], count: int) -> Cost:
        """The same for requests one after the other: a request waits as long as it does not compute in web."""
        cost, took = self.cost(work, count)
        return cost._replace(away=max(0.0, took - cost.web))


def each(call: Callable[[Any], Any], items: Iterable[Any]) -> Callable[[], list[Any]]:
    return lambda: [call(item) for item in items]


def measured(stack: Stack, watch: Watch, cursor: Any) -> Costs:
    """Measure each piece of work by itself."""
    unhashed = "state = 'ready' AND digest_due_at IS NOT NULL"

    def count(condition: str) -> int:
        cursor.execute(f"SELECT count(*) FROM uploads_upload WHERE {condition}")  # noqa: S608
        return int(cursor.fetchone()[0])

    def until_none(condition: str) -> Callable[[], None]:
        """Waits, and asks so seldom that Postgres does not notice."""

        def wait() -> None:
            for _ in range(120):
                if not count(condition):
                    return
                time.sleep(0.5)
            raise SystemExit(f"still, after a minute: {condition}")

        return wait

    stack.visitor_with_images()
    until_none(f"preview_due_at IS NOT NULL OR {unhashed}")()
    for _ in range(20):  # the first requests fill caches
        stack.page()
    meter = Meter()
    page = meter.request(each(lambda _: stack.page(), range(5 * COUNT)), 5 * COUNT)

    begun: list[Begun] = []
    files = [Sent(number, False, 65_536, 0, LONG) for number in range(COUNT)]
    begin = meter.request(lambda: begun.extend(map(stack.begin, files)), COUNT)
    each(stack.put, begun)()
    complete = meter.request(each(stack.complete, begun), COUNT)
    download = meter.request(each(stack.download, [file.id for file in begun] * 3), 3 * COUNT)
    left = max(1, count(unhashed))
    digest = meter.cost(until_none(unhashed), left)[0]
    # A content, and later a key, waits for storage about as long as the worker computes for it.
    digest = digest._replace(web=0.0, away=digest.worker)

    images = [stack.begin(Sent(number, True, 1e5, 2, LONG)) for number in range(COUNT)]
    each(stack.put, images)()

    def one_by_one() -> None:
        for image in images:
            stack.complete(image)
            while image.id not in watch.waits:
                time.sleep(0.05)

    preview = meter.cost(one_by_one, COUNT)[0]
    hashed = 1 - count(unhashed) / COUNT
    worker = preview.worker - digest.worker * hashed
    postgres = preview.postgres - complete.postgres - digest.postgres * hashed
    waits = median(watch.waits[image.id] for image in images)
    preview = Cost(0, worker, max(0.0, postgres), max(0.0, waits - worker))

    until_none(unhashed)()
    ids = [upload.id for upload in begun + images]
    cursor.execute("UPDATE uploads_upload SET expires_at = clock_timestamp() WHERE id = ANY(%s)", [ids])
    removal = meter.cost(until_none("expires_at <= clock_timestamp() AND state <> 'gone'"), 3 * COUNT)[0]
    removal = Cost(0, removal.worker, removal.postgres, removal.worker)
    return Costs(page, begin, complete, download, preview, digest, removal, meter.idle, megapixel=0.0)


# the hour


def replayed(stack: Stack, happens: list[Action], seconds: float) -> dict[str, float]:
    """Let the visitors come to the stack. Returns the cores that each service kept busy."""
    before = {service: processor(service) for service in SERVICES}
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        for action in happens:
            if action.at >= seconds:
                break
            time.sleep(max(0.0, began + action.at - time.monotonic()))
            pool.submit(stack.act, action)
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    took = time.monotonic() - began
    return {service: (processor(service) - before[service]) / took for service in SERVICES}


def lateness(cursor: Any, seconds: float) -> list[float]:
    """Seconds by which each removal missed its time, of the uploads that came and expired in the last seconds."""
    cursor.execute(
        "SELECT extract(epoch FROM removed_at - expires_at) FROM uploads_upload WHERE state = 'gone'"
        " AND least(completed_at, expires_at) > clock_timestamp() - make_interval(secs => %s)",
        [seconds],
    )
    return [float(late) for (late,) in cursor.fetchall()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="into which the hour is compressed")
    parser.add_argument("--visits", type=int, default=120, help="in the hour")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    stack, watch, cursor = Stack(), Watch(), connected()
    watch.start()
    costs = measured(stack, watch, cursor)
    print(costs, flush=True)
    mix = replace(Mix(), visits=given.visits * 24, hours=(1,) * 24)
    happens = compressed(actions(mix, given.seed, end=HOUR), by=HOUR / given.seconds)
    site = Site(Formation(cores=2, threads=10), costs).run(happens, given.seconds)

    earlier = set(watch.waits)  # this program's own, and those of others in the same stack
    already = watch.live[-1][1]
    began = time.monotonic()
    found = replayed(stack, happens, given.seconds)
    late = lateness(cursor, time.monotonic() - began)
    live = [(at - began, count - already) for at, count in watch.live if began < at < began + given.seconds]
    compare(site, given, found, late, live, [wait for pk, wait in list(watch.waits.items()) if pk not in earlier])
    print(f"{dict(site.counts)}, {stack.failed} failed, {stack.waited} completions came again")


def compare(
    site: Site,
    given: argparse.Namespace,
    found: dict[str, float],
    late: list[float],
    live: list[tuple[float, int]],
    waits: list[float],
) -> None:
    """Print what the model predicted beside what was found, and record the errors."""
    predicted = {f"{service}, cores": site.busy(service, given.seconds) for service in SERVICES}
    measured = {f"{service}, cores": cores for service, cores in found.items()}
    modelled, waited = [value for _, value in site.removed], [value for _, value in site.previewed]
    at_once = site.live([at for at, _ in live])
    predicted["live uploads, mean"], measured["live uploads, mean"] = mean(at_once), mean(count for _, count in live)
    predicted["lateness, mean s"], measured["lateness, mean s"] = mean(modelled), mean(late)
    predicted["preview, median s"], measured["preview, median s"] = median(waited), median(waits)
    errors = {name: abs(value - measured[name]) / measured[name] for name, value in predicted.items()}
    # The curve of live uploads, not only its mean.
    curve = mean(abs(expected - count) for expected, (_, count) in zip(at_once, live, strict=True))
    errors["live uploads, mean"] = curve / measured["live uploads, mean"]
    for name, value in predicted.items():
        print(f"{name:20} {value:8.3f} predicted {measured[name]:8.3f} measured {errors[name]:6.1%} of error")
    print(f"lateness, p99 s      {percentile(modelled, 99):8.3f} predicted {percentile(late, 99):8.3f} measured")
    print(f"preview, p95 s       {percentile(waited, 95):8.3f} predicted {percentile(waits, 95):8.3f} measured")
    record(
        Row(
            place="11b",
            what=f"an hour of {given.visits} visits, compressed into {given.seconds} s",
            against="the model's prediction (bench/simulate.py), by the error",
            figure=", ".join(f"{name.partition(',')[0]} {share:.0%}" for name, share in errors.items()),
            reach=f"≤ {WITHIN:.0%} each",
            met=max(errors.values()) <= WITHIN,
        )
    )


if __name__ == "__main__":
    main()
