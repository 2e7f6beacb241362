"""Whether this process answers, and whether everything that it needs does."""

import logging
from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from time import monotonic
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db.models.functions import Now
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import __version__, shared_redis
from ..storage.default import uploads_storage
from ..storage.protocol import StorageError
from ..uploads import reconcile
from ..uploads.limits import limits
from ..uploads.models import Upload
from ..uploads.periodic import Heartbeat
from ..uploads.queries import age_of

logger = logging.getLogger(__name__)

# A sweep begins every 5 s and may take 25 s; twice that without one means that uploads stay too long.
OLDEST_HEARTBEAT = 60  # seconds
# An upload is checked within seconds of its completion.
OLDEST_SCAN = timedelta(seconds=60)
# The page is public and asks S3, which costs money, so a process asks once in this time, however many ask the process.
KEPT_SECONDS = 2
# A bucket's configuration changes by hand or by a release.
WARNINGS_KEPT_SECONDS = 600

Answer = TypeVar("Answer")


class Kept(Generic[Answer]):
    """The last answer of this process. Threads that ask at once wait for one check and share its answer."""

    def __init__(self, check: Callable[[], Answer], *, seconds: float):
        self._check = check
        self.seconds = seconds
        self._lock = Lock()
        self._last: tuple[float, Answer] | None = None

    def answer(self) -> Answer:
        """The kept answer, good or bad, or a new one if that is older than its seconds."""
        with self._lock:
            if self._last is None or monotonic() - self._last[0] >= self.seconds:
                answer = self._check()
                self._last = monotonic(), answer
            return self._last[1]


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers. It touches nothing else, so a probe costs nothing."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 if every service answers, beat and the sweep ran recently, and no removal lasts; otherwise 503."""
    answer = readiness.answer()
    return JsonResponse(answer, status=200 if answer["status"] == "ok" else 503)


def _checked() -> dict[str, Any]:
    checks: dict[str, Callable[[], object]] = {"database": Heartbeat.ages, "storage": uploads_storage.check}
    if settings.REDIS_URL:
        checks["redis"] = _ping
    answers = {name: _answer(check) for name, check in checks.items()}
    ages = Heartbeat.ages() if answers["database"] == "ok" else {}
    for name in ("beat", "sweep"):
        answers[name] = _age_answer(ages.get(name))
    answers["removal"] = _removal_answer() if answers["database"] == "ok" else "unknown"
    well = all(answer == "ok" for answer in answers.values())
    return {
        "status": "ok" if well else "unavailable",
        "version": __version__,
        "checks": answers,
        # Words only: a round that waits or has stopped is no reason to take web out of service.
        "reconcile": reconcile.status() if answers["database"] == "ok" else "unknown",
        "scans": _scans_answer() if answers["database"] == "ok" else "unknown",
        # The same holds for these.
        "warnings": warnings.answer() if answers["storage"] == "ok" else [],
    }


def _warnings() -> list[str]:
    """A sentence for each lack of storage. Pages without JavaScript and `curl -T` send even so."""
    try:
        return uploads_storage.lacking()
    except StorageError:
        logger.exception("what storage lacks")
        return ["storage did not say what it lacks"]


readiness = Kept(_checked, seconds=KEPT_SECONDS)
warnings = Kept(_warnings, seconds=WARNINGS_KEPT_SECONDS)


def _age_answer(age: float | None) -> str:
    if age is None:
        return "never ran"
    if age < OLDEST_HEARTBEAT:
        return "ok"
    return f"{age:.0f} s old"


def _removal_answer() -> str:
    """`ok`, or how many removals last too long, the age of the oldest, and storage's words about it."""
    stuck = Upload.objects.stuck()
    oldest = stuck.annotate(age=age_of("removing_since")).values_list("age", "failure").first()
    if oldest is None:
        return "ok"
    age, failure = oldest
    return f"{stuck.count()} not removed, the oldest for {age.total_seconds():.0f} s: {failure or 'no attempt yet'}"


def _scans_answer() -> str:
    """`off`, `ok`, or how many uploads have waited for the virus check for longer than OLDEST_SCAN."""
    if not limits.scans:
        return "off"
    late = Upload.objects.waiting_for_a_scan().filter(completed_at__lt=Now() - OLDEST_SCAN).count()
    return f"{late} uploads wait for the virus check: look whether clamd runs" if late else "ok"


def _answer(check: Callable[[], object]) -> str:
    """`ok`, or a word that reveals nothing to an outsider; the log has the reason."""
    try:
        check()
    except Exception:  # whatever it is, the answer is the same
        logger.exception("readiness")
        return "fails"
    return "ok"


def _ping() -> bool:
    return bool(shared_redis.ask(lambda client: client.ping(), seconds=shared_redis.SECONDS))
