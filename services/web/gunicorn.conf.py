"""The settings of gunicorn behind a router: Heroku's, or the nginx that stands in for it."""

import os

from django.conf import settings as django
from django.core.handlers.wsgi import get_path_info
from gunicorn.glogging import Logger

from mayfly import bodies, logs
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
# That trust includes SCRIPT_NAME and PATH_INFO as headers, but the router passes on those of clients.
forwarder_headers = ""

control_socket_disable = True  # it would need a home folder to write to
# A process shows its life by the time stamp of a file. In memory, that never waits for a disk.
if os.access("/dev/shm", os.W_OK):  # noqa: S108
    worker_tmp_dir = "/dev/shm"  # noqa: S108


class Log(Logger):
    """Writes every line as the program writes its own, and leaves out the probes that succeeded."""

    def setup(self, cfg):
        super().setup(cfg)
        for log, line in ((self.error_log, self.error_fmt), (self.access_log, self.access_fmt)):
            for handler in log.handlers:
                handler.setFormatter(logs.Line(line, self.datefmt))

    def access(self, resp, req, environ, request_time):
        if not (environ["PATH_INFO"].startswith("/health/") and resp.status.startswith("200")):
            super().access(resp, req, environ, request_time)

    def atoms(self, resp, req, environ, request_time):
        return super().atoms(resp, req, environ, request_time) | {"U": logs.shown(get_path_info(environ))}


logger_class = Log
accesslog = "-"
access_log_format = '%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms id=%({x-request-id}i)s from="%({x-forwarded-for}i)s"'
