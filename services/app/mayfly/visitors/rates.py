"""Limits on the rate of requests: a token bucket for each address, for uploads one for each box, and for guesses at
codes one for the whole site.

A bucket holds ten minutes' worth of requests and fills evenly, so a phone may send all its photos at once. Redis keeps
the buckets, so that all processes of web share them. Without Redis, and while it does not answer, each process keeps
its own: a limit may then be exceeded as many times as there are processes, and no request waits or fails because of it.
"""

import logging
from collections.abc import Sequence
from enum import StrEnum
from math import ceil
from threading import Lock
from time import monotonic
from typing import NamedTuple

import redis
from django.conf import settings

from .. import shared_redis

logger = logging.getLogger(__name__)

BURST_MINUTES = 10
# Redis answers within a millisecond. A request waits for it no longer than a person would notice.
MOST_SECONDS = 0.25
# After a silence of Redis, requests do not wait for it again for so long.
PAUSE_SECONDS = 10
# Each bucket is a number under a name, so these take some megabytes.
MOST_BUCKETS = 20_000

# A bucket is the time at which it will be full again; a request moves that by `interval`. KEYS are the buckets, ARGV
# has each one's interval and how far ahead the time may be, in ms. All buckets take the request, or none. The answer is
# for how long it has to wait, in ms; 0 if it was taken.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local full, wait = {}, 0
for i, key in ipairs(KEYS) do
  full[i] = math.max(tonumber(redis.call('GET', key) or 0), now) + ARGV[2 * i - 1]
  wait = math.max(wait, full[i] - now - ARGV[2 * i])
end
if wait > 0 then return math.ceil(wait) end
for i, key in ipairs(KEYS) do redis.call('SET', key, full[i], 'PX', math.ceil(full[i] - now)) end
return 0
"""


class Rate(StrEnum):
    """The sorts of requests that are limited.

    `settings.RATES` has, for each, how many a minute an address and a box may make; 0 is no limit.
    `settings.SITE_RATES` has, for some, how many all clients together may make.
    """

    UPLOADS = "uploads"
    CHANGES = "changes"
    DOWNLOADS = "downloads"
    QR_CODES = "qr-codes"
    LANGUAGES = "languages"
    LOGINS = "logins"
    CODES = "codes"
    TOKENS = "tokens"
    REPORTS = "reports"


class TooMany(Exception):
    """Too many requests came; `seconds` later another one may."""

    def __init__(self, seconds: int):
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


class Bucket(NamedTuple):
    """A bucket's name, the time for one request, and the time for all that it holds, in ms."""

    name: str
    interval: float
    burst: float


def take(rate: Rate, *, address: str, box: str | None = None) -> None:
    """Count one request. Raises TooMany. Costs one round trip to Redis, or none if there is no limit."""
    buckets = _buckets(rate, address, box)
    if buckets:
        _wait(_take_shared(buckets))


def take_here(rate: Rate, *, address: str, box: str | None = None) -> None:
    """Count one more of what the same request has asked for before, in this process alone. Raises TooMany."""
    buckets = _buckets(rate, address, box)
    if buckets:
        _wait(_own.take(buckets))


def _buckets(rate: Rate, address: str, box: str | None) -> list[Bucket]:
    for_address, for_box = settings.RATES[rate]
    for_site = settings.SITE_RATES.get(rate, 0)
    named = [("address", address, for_address), ("box", box, for_box), ("site", "all", for_site)]
    return [
        Bucket(f"mayfly:rate:{rate}:{kind}:{name}", 60_000 / limit, 60_000 * BURST_MINUTES)
        for kind, name, limit in named
        if name and limit
    ]


def _wait(milliseconds: float) -> None:
    if milliseconds > 0:
        raise TooMany(ceil(milliseconds / 1000))


def _take_shared(buckets: Sequence[Bucket]) -> float:
    if not settings.REDIS_URL or _silence.lasts:
        return _own.take(buckets)
    try:
        return shared_redis.ask(lambda client: _take_from_redis(client, buckets), seconds=MOST_SECONDS)
    except shared_redis.Unanswered as error:
        _silence.begin()
        logger.warning("Redis does not count requests, so this process does for a while: %s", error)
        return _own.take(buckets)


def _take_from_redis(client: redis.Redis, buckets: Sequence[Bucket]) -> float:
    # EVAL and not EVALSHA: the script is short, and a Redis that has lost it would cost a second round trip.
    times = [time for bucket in buckets for time in (bucket.interval, bucket.burst)]
    return float(client.eval(SCRIPT, len(buckets), *(bucket.name for bucket in buckets), *times))


class _OwnBuckets:
    """The buckets of this process: the same rule as the script's."""

    def __init__(self) -> None:
        self._full: dict[str, float] = {}
        self._lock = Lock()

    def take(self, buckets: Sequence[Bucket]) -> float:
        with self._lock:
            now = monotonic() * 1000
            full = {b.name: max(self._full.get(b.name, 0), now) + b.interval for b in buckets}
            wait = max(full[bucket.name] - now - bucket.burst for bucket in buckets)
            if wait <= 0:
                self._full.update(full)
                if len(self._full) > MOST_BUCKETS:
                    self._forget()
            return max(wait, 0)

    def _forget(self) -> None:
        """Drop the fuller half: a full bucket is as good as none, and the emptiest matter most."""
        by_time = sorted(self._full.items(), key=lambda item: item[1])
        self._full = dict(by_time[MOST_BUCKETS // 2 :])


class _Silence:
    """How long requests do not ask a Redis that did not answer."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        return monotonic() < self._until

    def begin(self) -> None:
        self._until = monotonic() + PAUSE_SECONDS


_own = _OwnBuckets()
_silence = _Silence()
