"""Whether this process answers, and whether all that it needs does."""

import logging
from collections.abc import Callable
from functools import cache

import redis
from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .models import Heartbeat

logger = logging.getLogger(__name__)

# The sweep comes every 5 s and may take 25 s; twice that without one means that uploads stay too long.
OLDEST_HEARTBEAT = 60  # seconds


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers. Touches nothing, so that a probe costs nothing."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Database, Redis and storage answer, and beat and the sweep have run of late; 503 where one does not."""
    checks = {"database": Heartbeat.ages, "storage": default_storage.check}
    if settings.REDIS_URL:
        checks["redis"] = lambda: _redis().ping()
    answers = {name: _answer(check) for name, check in checks.items()}
    ages = Heartbeat.ages() if answers["database"] == "ok" else {}
    for name in ("beat", "sweep"):
        age = ages.get(name)
        answers[name] = "never ran" if age is None else "ok" if age < OLDEST_HEARTBEAT else f"{age:.0f} s old"
    well = all(answer == "ok" for answer in answers.values())
    return JsonResponse({"status": "ok" if well else "unavailable", "checks": answers}, status=200 if well else 503)


def _answer(check: Callable[[], object]) -> str:
    """`ok`, or a word that tells an outsider nothing; the log has the reason."""
    try:
        check()
    except Exception:  # whatever it is, the answer is the same
        logger.exception("readiness")
        return "fails"
    return "ok"


@cache
def _redis() -> redis.Redis:
    # One connection a process, for which others wait: a small Redis plan has 20 in all.
    pool = redis.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=1,
        timeout=2,
        socket_timeout=2,
        socket_connect_timeout=2,
        **settings.REDIS_TLS,
    )
    return redis.Redis(connection_pool=pool)
