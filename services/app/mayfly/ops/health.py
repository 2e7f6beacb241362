"""Whether this process answers, and whether everything that it needs does."""

import logging
from collections.abc import Callable
from functools import cache

import redis
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import __version__
from ..storage.default import uploads_storage
from ..uploads.models import Heartbeat

logger = logging.getLogger(__name__)

# A sweep begins every 5 s and may take 25 s; twice that without one means that uploads stay too long.
OLDEST_HEARTBEAT = 60  # seconds


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers. It touches nothing else, so a probe costs nothing."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 if database, Redis and storage answer and beat and the sweep ran recently; otherwise 503."""
    checks: dict[str, Callable[[], object]] = {"database": Heartbeat.ages, "storage": uploads_storage.check}
    if settings.REDIS_URL:
        checks["redis"] = _ping
    answers = {name: _answer(check) for name, check in checks.items()}
    ages = Heartbeat.ages() if answers["database"] == "ok" else {}
    for name in ("beat", "sweep"):
        answers[name] = _age_answer(ages.get(name))
    well = all(answer == "ok" for answer in answers.values())
    return JsonResponse(
        {"status": "ok" if well else "unavailable", "version": __version__, "checks": answers},
        status=200 if well else 503,
    )


def _age_answer(age: float | None) -> str:
    if age is None:
        return "never ran"
    if age < OLDEST_HEARTBEAT:
        return "ok"
    return f"{age:.0f} s old"


def _answer(check: Callable[[], object]) -> str:
    """`ok`, or a word that reveals nothing to an outsider; the log has the reason."""
    try:
        check()
    except Exception:  # whatever it is, the answer is the same
        logger.exception("readiness")
        return "fails"
    return "ok"


def _ping() -> bool:
    return bool(_redis().ping())


@cache
def _redis() -> redis.Redis:
    # One connection a process, for which threads wait: a small Redis plan has 20 in all.
    pool = redis.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=1,
        timeout=2,
        socket_timeout=2,
        socket_connect_timeout=2,
        **settings.REDIS_TLS,
    )
    return redis.Redis(connection_pool=pool)
