"""Celery: the broker, the queues, and the schedule that both beat and `manage.py periodic` read.

Tasks are short and safe to repeat, so a message is acknowledged after the work, and a lost worker's message runs again.
"""

from typing import Any

from . import platform, variables
from .scanning import CLAMD_URL
from .webhooks import WEBHOOKS

REDIS_URL = variables.url("REDIS_URL", schemes=("redis", "rediss"), default="")
CELERY_BROKER_URL = REDIS_URL or "memory://"  # without Redis no message is sent: `manage.py periodic` runs the tasks
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_POOL_LIMIT = variables.number("BROKER_POOL_LIMIT", default=platform.REDIS_CONNECTIONS, least=1, most=64)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # How long a message stays with a worker that died of SIGKILL: above the longest task's 25 s.
    "visibility_timeout": 60,
    "unacked_restore_throttle": 1,
    # Above the blocking read's own time, and short enough to notice a dead connection.
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "retry_on_timeout": True,
}
CELERY_VISIBILITY_TIMEOUT = 60
REDIS_TLS = platform.redis_tls(REDIS_URL, verify=variables.flag("REDIS_TLS_VERIFY", default=False))
if REDIS_TLS:
    CELERY_BROKER_USE_SSL = REDIS_TLS
CELERY_TASK_ALWAYS_EAGER = variables.flag("CELERY_TASK_ALWAYS_EAGER", default=False)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SEND_SENT_EVENT = True
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
# On SIGTERM a running task has this long to finish; then its message returns to the queue.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = platform.GRACEFUL_SECONDS
CELERY_WORKER_CONCURRENCY = variables.number(
    "WORKER_CONCURRENCY", default=platform.WORKER_CONCURRENCY, least=1, most=64
)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SOFT_TIME_LIMIT = platform.TASK_SOFT_SECONDS
CELERY_TASK_TIME_LIMIT = platform.TASK_SECONDS
# Each queue has worker processes of its own (services/worker), so that images never delay a removal.
CELERY_TASK_DEFAULT_QUEUE = "removal"
CELERY_TASK_ROUTES = {
    "previews.preview": {"queue": "previews"},
    "uploads.tasks.preview": {"queue": "previews"},
    # These may wait behind images, but must not delay a sweep.
    "uploads.tasks.reconcile": {"queue": "previews"},
    "webhooks.deliver": {"queue": "previews"},
    "abuse.tasks.reports": {"queue": "previews"},
    "abuse.tasks.digests": {"queue": "previews"},
    "abuse.tasks.scans": {"queue": "previews"},
}
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
SWEEP_SECONDS = 5
RECONCILE_SECONDS = 900  # from the beginning of a round to that of the next
SLICE_PAUSE_SECONDS = 30  # a slice takes 10 s, so a round leaves its worker free for two thirds of the time
# With Redis, web sends a message for each image, and this poll finds the images whose message was lost. Without Redis
# the poll is the only way to a preview.
PREVIEW_SECONDS = 30 if REDIS_URL else 2
WEBHOOK_SECONDS = 5
REPORTS_SECONDS = 60  # at most one mail a minute
SCANS_SECONDS = 2  # a sender waits for it
DIGESTS_SECONDS = 15  # as long as one call takes at most
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "reconcile": {
        "task": "uploads.tasks.reconcile",
        # More often than a round is due: a round takes several slices, and a restarted beat begins to count anew.
        "schedule": SLICE_PAUSE_SECONDS,
        "options": {"expires": SLICE_PAUSE_SECONDS * 2},
    },
    "preview": {
        "task": "uploads.tasks.preview",
        "schedule": PREVIEW_SECONDS,
        "options": {"expires": PREVIEW_SECONDS * 2},
    },
    "reports": {
        "task": "abuse.tasks.reports",
        "schedule": REPORTS_SECONDS,
        "options": {"expires": REPORTS_SECONDS * 2},
    },
    "digests": {
        "task": "abuse.tasks.digests",
        "schedule": DIGESTS_SECONDS,
        "options": {"expires": DIGESTS_SECONDS, "priority": 9},  # after all previews
    },
    "sweep": {
        "task": "uploads.tasks.sweep",
        "schedule": SWEEP_SECONDS,
        "kwargs": {"from_beat": True},
        # After an outage one sweep is enough, so messages that waited longer are dropped.
        "options": {"expires": SWEEP_SECONDS * 2},
    },
}
if WEBHOOKS:
    CELERY_BEAT_SCHEDULE["webhooks"] = {
        "task": "webhooks.deliver",
        "schedule": WEBHOOK_SECONDS,
        "options": {"expires": WEBHOOK_SECONDS * 2},
    }
if CLAMD_URL:
    CELERY_BEAT_SCHEDULE["scans"] = {
        "task": "abuse.tasks.scans",
        "schedule": SCANS_SECONDS,
        "options": {"expires": SCANS_SECONDS * 2},
    }
