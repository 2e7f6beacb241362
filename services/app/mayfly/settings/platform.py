"""Facts about Heroku, each stated once. All containers follow them, so that one image fits every place.

They cover its router, its dynos and the smallest plans of its data services; docs/heroku.md names the sources.
"""

import ssl
from typing import Any

# The router gives up on an answer that has not begun after this many seconds.
ROUTER_SECONDS = 30
# It keeps a connection to a dyno for 90 s. The router must close first, or a request reaches a connection that we have
# just closed.
KEEPALIVE = 95
# Its longest request line has 8,192 bytes, including the line's end. Ours must not be shorter.
REQUEST_LINE = 8190

# SIGTERM goes to every process, and SIGKILL follows after 30 s. Running work has 20 of them.
GRACEFUL_SECONDS = 20
# A task ends by itself within that time, or is ended before SIGKILL.
TASK_SOFT_SECONDS = 20
TASK_SECONDS = 25

# Processes of web, and threads in each. Every thread may hold a connection to Postgres; the worker holds three. A small
# plan has 20. During a restart old and new dynos run at once, beside the release: 2 * (2 * 3 + 3) + 1 = 19. The memory
# of 512 MB would hold more.
WEB_CONCURRENCY = 2
WEB_THREADS = 3
# Two processes for previews, beside the one for removal.
WORKER_CONCURRENCY = 2
# Connections to Redis for each process that sends, beside one for its health check. The worker with beat has 14 of 20.
REDIS_CONNECTIONS = 1

# TLS ends at the router, which names the client's protocol in this header.
PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def redis_tls(url: str, *, verify: bool) -> dict[str, Any]:
    """The TLS options of redis-py and Celery for this address. Heroku's Redis signs its certificate itself."""
    if not url.startswith("rediss://"):
        return {}
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED if verify else ssl.CERT_NONE}


def with_tls(database: dict[str, Any]) -> dict[str, Any]:
    """The database's settings, with TLS required unless the address says otherwise.

    Heroku's Postgres accepts nothing else, and its DATABASE_URL does not say so.
    """
    if database["ENGINE"].endswith("postgresql"):
        database["OPTIONS"] = {"sslmode": "require"} | database["OPTIONS"]
    return database
