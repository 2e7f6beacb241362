"""Model a day of a busy site: visitors arrive, look, upload and download; web, worker and Postgres do the work.

    bench/simulate.py [--visits 20000] [--web 1] [--worker 1] [--cores 1] [--seed 1]

It prints, for each hour, how busy each process is, how many uploads are live, how late removals are, and how long an
image waits for its preview. docs/scaling.md uses it, and bench/replay.py holds it against a running stack. A day of
20,000 visits takes some seconds; nothing is started or measured.
"""

import argparse
import heapq
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import NamedTuple

from visitors import DAY, HOUR, Action, Mix, Sent, actions

# services/app/mayfly/settings/platform.py: processes and threads of a web dyno, and previews at once in a worker.
WEB_PROCESSES, WEB_THREADS, PREVIEWS = 2, 3, 2
# settings/celery.py: beat's intervals. uploads/lifecycle: a sweep begins no share after 10 s, and a share has 250.
SWEEP_EVERY, DIGESTS_EVERY = 5.0, 15.0
SWEEP_SECONDS, SHARE = 10.0, 250
DIGEST_SECONDS = 3.0  # abuse/digests.py: a call begins no content after that
DIGESTED = 256e6  # uploads/limits.py: larger files have no hash


class Cost(NamedTuple):
    """Seconds of processor time that one piece of work takes, and seconds that it waits for storage and database."""

    web: float = 0.0
    worker: float = 0.0
    postgres: float = 0.0
    away: float = 0.0


@dataclass(frozen=True)
class Costs:
    """The cost of each piece of work. These are from `bench/replay.py`, which measures each by itself in the stack."""

    page: Cost = Cost(web=0.0033, postgres=0.0009, away=0.002)
    begin: Cost = Cost(web=0.0099, postgres=0.0046, away=0.006)
    complete: Cost = Cost(web=0.0105, postgres=0.0023, away=0.010)
    download: Cost = Cost(web=0.0061, postgres=0.0016, away=0.005)
    preview: Cost = Cost(worker=0.1240, postgres=0.0142, away=0.130)  # cleaned first, as a camera's picture is
    digest: Cost = Cost(worker=0.0052, postgres=0.0029, away=0.005)
    removal: Cost = Cost(worker=0.0010, postgres=0.0002, away=0.001)  # of one key: an image has two
    # In each second in which nothing happens: beat's tasks, probes, messages.
    idle: Cost = Cost(web=0.003, worker=0.007, postgres=0.004)
    # docs/operations.md, Resources: a JPEG of 24 million pixels takes 0.2 s, most of which is their decoding.
    megapixel: float = 0.006


@dataclass(frozen=True)
class Formation:
    """How many dynos there are, and how much of a processor core each has."""

    web: int = 1
    worker: int = 1
    cores: float = 1.0
    threads: int = WEB_PROCESSES * WEB_THREADS  # of each web dyno
    previews: int = PREVIEWS  # at once in each worker


class Clock:
    """The events to come, in order."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, time: float, call: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (time, self._count, call))

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.at(self.now + seconds, call)

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, call = heapq.heappop(self._events)
            call()
        self.now = until


class Line:
    """Places, such as threads, processes or cores, and what waits in line for one of them."""

    def __init__(self, places: int):
        self.free = self.places = places
        self.most = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def enter(self, call: Callable[[], None]) -> None:
        if self.free:
            self.free -= 1
            self.most = max(self.most, self.places - self.free)
            call()
        else:
            self._waiting.append(call)

    def leave(self) -> None:
        if self._waiting:
            self._waiting.popleft()()
        else:
            self.free += 1


class Site:
    """Web, worker and Postgres at work. Its attributes are what a day would have shown."""

    def __init__(self, formation: Formation = Formation(), costs: Costs = Costs()):
        self.clock, self.costs, self.formation = Clock(), costs, formation
        self.threads = Line(formation.web * formation.threads)
        # uploads/places.py: two threads of each process are left to other requests while uploads are completed.
        each = max(1, formation.threads // WEB_PROCESSES - 2)
        self.completions = Line(formation.web * WEB_PROCESSES * each)
        # A share of a core below one makes all work on it slower; more than one lets several pieces go on at once.
        self.slow = 1 / min(1.0, formation.cores)
        self.web_cores = Line(formation.web * max(1, int(formation.cores)))
        self.worker_cores = Line(formation.worker * max(1, int(formation.cores)))
        self.previewers = Line(formation.worker * formation.previews)
        self.processor: Counter[tuple[str, int]] = Counter()  # seconds, by process and hour
        self.counts: Counter[str] = Counter()
        self.answered: list[tuple[float, float]] = []  # each a time, and how long it took until then
        self.previewed: list[tuple[float, float]] = []
        self.removed: list[tuple[float, float]] = []
        self.lives: dict[int, tuple[float, float]] = {}  # each upload's time ready, and its deadline
        self._due: list[tuple[float, Sent]] = []
        self._unhashed: deque[Sent] = deque()
        self._sweeping, self._sweep_waits = 0, False

    def run(self, happens: Sequence[Action], until: float) -> "Site":
        for action in happens:
            self.clock.at(action.at, lambda action=action: self._act(action))
        self.clock.after(SWEEP_EVERY, self._beat_sweep)
        self.clock.after(DIGESTS_EVERY, self._beat_digests)
        self.clock.run(until)
        return self

    def live(self, times: Sequence[float]) -> list[int]:
        """How many uploads are ready and not expired at each of these times."""
        ready = sorted(ready for ready, _ in self.lives.values())
        ended = sorted(deadline for _, deadline in self.lives.values())
        return [bisect_right(ready, time) - bisect_right(ended, time) for time in times]

    def busy(self, process: str, seconds: float, hour: int | None = None) -> float:
        """Cores that a process keeps busy on average, with what it does when nothing happens."""
        used = sum(value for (name, at), value in self.processor.items() if name == process and hour in (None, at))
        dynos = {"web": self.formation.web, "worker": self.formation.worker}.get(process, 1)
        return used / seconds + getattr(self.costs.idle, process) * dynos

    def _spend(self, cost: Cost) -> None:
        hour = int(self.clock.now // HOUR)
        for process in ("web", "worker", "postgres"):
            self.processor[process, hour] += getattr(cost, process)

    # web

    def _act(self, action: Action) -> None:
        sent = action.sent
        self.counts[action.kind] += 1
        if action.kind == "page" or sent is None:
            self._request(self.costs.page)
        elif action.kind == "download":
            self._request(self.costs.download)
        else:  # the bytes go straight to storage in between, which takes web nothing
            self._request(self.costs.begin, lambda: self.completions.enter(lambda: self._complete(sent)))

    def _complete(self, sent: Sent) -> None:
        """A completion without a place comes again later, and holds no thread meanwhile."""

        def completed() -> None:
            self.completions.leave()
            self._ready(sent)

        self._request(self.costs.complete, completed)

    def _request(self, cost: Cost, then: Callable[[], None] = lambda: None) -> None:
        """A thread takes the request, computes on a core, and holds it while storage and database answer."""
        began = self.clock.now

        def leave() -> None:
            self.threads.leave()
            self.answered.append((self.clock.now, self.clock.now - began))
            then()

        self.threads.enter(lambda: self._compute(self.web_cores, cost.web, cost, leave))

    def _compute(self, cores: Line, seconds: float, cost: Cost, then: Callable[[], None]) -> None:
        def computed() -> None:
            cores.leave()
            self._spend(cost)
            self.clock.after(cost.away, then)

        cores.enter(lambda: self.clock.after(seconds * self.slow, computed))

    def _ready(self, sent: Sent) -> None:
        deadline = self.clock.now + sent.lifetime
        self.lives[sent.number] = self.clock.now, deadline
        heapq.heappush(self._due, (deadline, sent.number, sent))
        if sent.size <= DIGESTED:
            self._unhashed.append(sent)
        if sent.is_image:
            self._preview(sent, self.clock.now)

    # worker

    def _preview(self, sent: Sent, ready: float) -> None:
        cost = self.costs.preview
        cost = cost._replace(worker=cost.worker + sent.megapixels * self.costs.megapixel)

        def leave() -> None:
            self.previewers.leave()
            self.previewed.append((self.clock.now, self.clock.now - ready))

        self.previewers.enter(lambda: self._compute(self.worker_cores, cost.worker, cost, leave))

    def _beat_sweep(self) -> None:
        self.clock.after(SWEEP_EVERY, self._beat_sweep)
        if self._sweeping < self.formation.worker:
            self._sweeping += 1
            self._sweep(self.clock.now)
        else:
            self._sweep_waits = True  # one message waits; the next would expire

    def _sweep(self, began: float) -> None:
        """Take a share of what is due, and go on until nothing is, or the time is over."""
        share: list[tuple[float, Sent]] = []
        while self._due and self._due[0][0] <= self.clock.now and len(share) < SHARE:
            deadline, _, sent = heapq.heappop(self._due)
            share.append((deadline, sent))
        if not share or self.clock.now - began >= SWEEP_SECONDS:
            for deadline, sent in share:
                heapq.heappush(self._due, (deadline, sent.number, sent))
            self._sweeping -= 1
            if self._sweep_waits:
                self._sweep_waits, self._sweeping = False, self._sweeping + 1
                self._sweep(self.clock.now)
            return
        keys = sum(2 if sent.is_image else 1 for _, sent in share)
        cost = Cost(*(value * keys for value in self.costs.removal))

        def removed() -> None:
            self.removed += [(self.clock.now, self.clock.now - deadline) for deadline, _ in share]
            self._sweep(began)

        self._compute(self.worker_cores, cost.worker, cost, removed)

    def _beat_digests(self) -> None:
        """Hash what is live and has no hash yet, for some seconds, in one of the processes for previews."""
        self.clock.after(DIGESTS_EVERY, self._beat_digests)
        self.previewers.enter(lambda: self._digest(self.clock.now))

    def _digest(self, began: float) -> None:
        while self._unhashed and self.lives[self._unhashed[0].number][1] <= self.clock.now:
            self._unhashed.popleft()
        if self._unhashed and self.clock.now - began < DIGEST_SECONDS:
            self._unhashed.popleft()
            self._compute(self.worker_cores, self.costs.digest.worker, self.costs.digest, lambda: self._digest(began))
        else:
            self.previewers.leave()


def percentile(values: Sequence[float], of: int) -> float:
    return quantiles(values, n=100)[of - 1] if len(values) > 1 else max(values, default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=float, default=Mix.visits, help="a day")
    parser.add_argument("--web", type=int, default=1, help="dynos")
    parser.add_argument("--worker", type=int, default=1, help="dynos")
    parser.add_argument("--cores", type=float, default=1.0, help="of each dyno")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    site = Site(Formation(given.web, given.worker, given.cores))
    site.run(actions(Mix(visits=given.visits), given.seed), DAY)
    print("hour  web  worker  postgres, cores  answer p99, s  live  removal p99, s  preview p95, s")
    for hour in range(24):

        def within(measured: list[tuple[float, float]], hour: int = hour) -> list[float]:
            return [value for at, value in measured if hour <= at / HOUR < hour + 1]

        cores = [site.busy(process, HOUR, hour) for process in ("web", "worker", "postgres")]
        print(
            f"{hour:4}{cores[0]:6.3f}{cores[1]:7.3f}{cores[2]:9.3f}{percentile(within(site.answered), 99):21.2f}"
            f"{max(site.live([(hour + minute / 60) * HOUR for minute in range(60)])):9,}"
            f"{percentile(within(site.removed), 99):13.1f}{percentile(within(site.previewed), 95):16.2f}"
        )
    print(f"{dict(site.counts)}; at most {site.threads.most} of {site.threads.places} threads of web were in use")


if __name__ == "__main__":
    main()
