"""The settings of gunicorn behind a router: Heroku's, or the nginx that stands in for it."""

import os
import re

from django.conf import settings as django
from gunicorn.glogging import Logger

from mayfly import bodies
from mayfly.settings import platform

bind = f"0.0.0.0:{django.PORT}"

# Threads, because a slow client must not hold a process; processes, because one of them uses one core only.
worker_class = "gthread"
workers = django.WEB_CONCURRENCY
threads = django.WEB_THREADS
preload_app = True  # the program is loaded once, and the processes share its memory

keepalive = platform.KEEPALIVE
timeout = platform.ROUTER_SECONDS  # in seconds; a process that shows no sign of life for longer is replaced
graceful_timeout = platform.GRACEFUL_SECONDS
limit_request_line = platform.REQUEST_LINE

# Each process has its own room, because the processes are copies of the one that reads this file.
_room = bodies.Room(threads=threads)


def pre_request(worker, req):
    bodies.opened(req, _room)


def post_request(worker, req, environ, resp):
    bodies.closed(req)
    if resp is not None and resp.headers_sent and resp.should_close():
        bodies.say_goodbye(environ["gunicorn.socket"])


# Only the router, or a process on this machine, can reach this port.
forwarded_allow_ips = "*"

control_socket_disable = True  # it would need a home folder to write to
# A process shows its life by the time stamp of a file. In memory, that never waits for a disk.
if os.access("/dev/shm", os.W_OK):  # noqa: S108
    worker_tmp_dir = "/dev/shm"  # noqa: S108

# Links and tokens give access to uploads, and a name describes one, so the log contains none of them. The first eight
# characters of an upload's id are enough to find its lines.
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
    """Leaves out secrets, and the probes that succeeded."""

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
