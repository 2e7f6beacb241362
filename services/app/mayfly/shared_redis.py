"""The one connection to Redis that a process of web keeps: for the limits on rates, and for the readiness page.

A small Redis plan has 20 connections in all, so the threads of a process share one.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

Answer = TypeVar("Answer")

# No command of ours takes this long, and no caller waits longer.
SECONDS = 2


class Unanswered(Exception):
    """Redis did not answer in time, or not as it should."""


def ask(question: Callable[[redis.Redis], Answer], *, seconds: float) -> Answer:
    """Ask Redis something, and wait `seconds` at most for its answer. Raises Unanswered."""
    asked = _thread().submit(lambda: question(_client()))
    try:
        return asked.result(timeout=seconds)
    except Exception as error:  # whatever it is, there is no answer
        asked.cancel()
        raise Unanswered(repr(error)) from error


@cache
def _thread() -> ThreadPoolExecutor:
    # Beside sharing the connection, the thread bounds the time of a host name's lookup, which no socket option does.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="redis")


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        max_connections=1,
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        retry=Retry(NoBackoff(), 0),
        **settings.REDIS_TLS,
    )
