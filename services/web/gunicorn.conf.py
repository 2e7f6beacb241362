"""How gunicorn serves Mayfly behind a router: Heroku's, or the nginx that plays its part."""

import os
import re

from django.conf import settings as django
from gunicorn.glogging import Logger

from mayfly.settings import platform

bind = f"0.0.0.0:{django.PORT}"

# Threads, since a slow client must not hold a process; processes, since one of them runs Python on one core only.
worker_class = "gthread"
workers = django.WEB_CONCURRENCY
threads = django.WEB_THREADS
preload_app = True  # the program is loaded once, and the processes share its memory

keepalive = platform.KEEPALIVE
timeout = platform.ROUTER_SECONDS  # a process that shows no sign of life for so long is replaced
graceful_timeout = platform.GRACEFUL_SECONDS
limit_request_line = platform.REQUEST_LINE

# Who reaches this port is the router, or somebody on this very machine.
forwarded_allow_ips = "*"

control_socket_disable = True  # it would want a home to write to
# A process shows its life by the time stamp of a file, which in memory never waits for a disk.
if os.access("/dev/shm", os.W_OK):  # noqa: S108
    worker_tmp_dir = "/dev/shm"  # noqa: S108

# Links and tokens give access to what people sent, and a name tells about it: none of them belongs into a log.
# What remains of an upload's id is enough to find its lines.
_SECRET = (
    (re.compile(r"^/storage/.*", re.DOTALL), "/storage/*"),
    (re.compile(r"^(/u|/api/uploads)/([^/]{1,8})[^/]*"), r"\1/\2*"),
)


def without_secrets(method: str, path: str) -> str:
    """The path as it may be logged: no signed token, no whole id, no name of a file that `curl -T` sends."""
    if method == "PUT" and path.count("/") == 1:
        return "/*"
    for pattern, replacement in _SECRET:
        path = pattern.sub(replacement, path)
    return path


class AccessLog(Logger):
    """Leaves out what is secret, and the probes that went well."""

    def access(self, resp, req, environ, request_time):
        if not (environ["PATH_INFO"].startswith("/health/") and resp.status.startswith("200")):
            super().access(resp, req, environ, request_time)

    def atoms(self, resp, req, environ, request_time):
        atoms = super().atoms(resp, req, environ, request_time)
        atoms["U"] = without_secrets(atoms["m"], atoms["U"])
        return atoms


logger_class = AccessLog
accesslog = "-"
access_log_format = '%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms id=%({x-request-id}i)s from="%({x-forwarded-for}i)s"'
