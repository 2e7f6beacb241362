"""What Heroku is, each fact once. The containers here and everywhere else keep to the same, so that one image fits all.

Its router, its dynos and the smallest plans of its data services; docs/heroku.md says where each is written.
"""

import ssl
from typing import Any

# The router gives up on an answer that has not begun after this time.
ROUTER_SECONDS = 30
# It keeps a connection to a dyno for 90 s. Who closes first must be the router, or a request meets a closed door.
KEEPALIVE = 95
# Its longest request line has 8,192 bytes, the line's end included. Ours may not be the shorter one.
REQUEST_LINE = 8190

# Between SIGTERM, which goes to every process there is, and SIGKILL there are 30 s. Of them what runs gets 20.
GRACEFUL_SECONDS = 20
# A task ends within that time by itself, or else is ended before SIGKILL.
TASK_SOFT_SECONDS = 20
TASK_SECONDS = 25

# Processes of web and threads in each, every one of which may hold a connection to Postgres; the worker holds three. A
# small plan has 20, and at a restart the old dynos and the new ones are there at once, beside a release with its own:
# 2 * (2 * 3 + 3) + 1 = 19. In memory, 512 MB would hold more.
WEB_CONCURRENCY = 2
WEB_THREADS = 3
# Two of previews, beside the one of removal.
WORKER_CONCURRENCY = 2
# To Redis, for each process that sends; and one more to ask how it is. The worker with beat has 14 already, of 20.
REDIS_CONNECTIONS = 1

# TLS ends at the router, which says in this header how it was asked.
PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def redis_tls(url: str, *, verify: bool) -> dict[str, Any]:
    """What redis-py and Celery alike need to know for this address. Heroku's Redis signs its certificate itself."""
    if not url.startswith("rediss://"):
        return {}
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED if verify else ssl.CERT_NONE}


def with_tls(database: dict[str, Any]) -> dict[str, Any]:
    """The database's settings, with TLS wanted where the address says nothing about it.

    Heroku's Postgres answers to nothing else, and its DATABASE_URL does not say so.
    """
    if database["ENGINE"].endswith("postgresql"):
        database["OPTIONS"] = {"sslmode": "require"} | database["OPTIONS"]
    return database
