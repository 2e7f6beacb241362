"""Run Mayfly on this machine with Python alone: `make run`, and Ctrl-C to end it.

The same program as in the containers, on SQLite and a folder for the bytes, both in .run/. Instead of Redis and a
worker, one process runs the periodic tasks. Variables of .env.var in the environment count, for example
`UPLOAD_LIFETIME_MINUTES=1 make run`, except those that say where data is. The file .env is not read.

It is for one machine: it listens on 127.0.0.1, unless HOST has another address.
"""

import fcntl
import http.client
import os
import secrets
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TextIO

from . import assets, ports, venv
from .paths import APP, REQUIREMENTS, RUN, SERVICES, VENV_BIN, VENV_PYTHON
from .processes import call
from .supervisor import supervise

# Decided here, whatever a shell may have exported for the stack or for another project.
DECIDED = ("DJANGO_SETTINGS_MODULE", "PROD_SETTINGS", "REDIS_URL", "DYNO", "GUNICORN_CMD_ARGS", "PYTHONPATH", "HOST")
PRIVATE = 0o077  # the umask of all that writes to .run/
SIGN_OF_LIFE = RUN / "tmp" / "periodic.alive"  # mayfly/celery.py decides on the name

HERE = ip_address("127.0.0.1")
OPEN = """
HOST={host} opens this to your network, without HTTPS and without a router that holds slow clients off.
It answers to other names and addresses than that one if SITE_URL has them, as in SITE_URL=http://192.168.1.7:{port}.
For other people, set up a server: docs/self-hosting.md.
"""

Address = IPv4Address | IPv6Address
Environment = dict[str, str]


def main() -> None:
    # Other users of this machine must not read the uploads, or the key that signs their links.
    RUN.mkdir(mode=0o700, exist_ok=True)
    RUN.chmod(0o700)
    for folder in ("data", "tmp"):
        (RUN / folder).mkdir(exist_ok=True)
    with open(RUN / "lock", "w") as lock:
        _hold(lock)
        host = _host()
        port = _free_port(host)
        environment = _environment(host)
        with ThreadPoolExecutor(1) as beside:  # npm takes as long as the rest, and needs none of it
            bundle = beside.submit(assets.build)
            venv.fill(REQUIREMENTS / "base.txt")
            _manage(environment, "release", umask=PRIVATE)
            bundle.result()
        _manage(environment, "collectstatic", "--no-input", "--verbosity", "0")
        os.umask(PRIVATE)
        if not host.is_loopback:
            print(OPEN.format(host=host, port=port), flush=True)
        sys.exit(_serve(host, port, environment))


def _hold(lock: TextIO) -> None:
    """Have .run/lock for as long as this runs, because two on the same data would disturb each other."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit("`make run` is running already in this checkout. End it with Ctrl-C where it runs.")


def _host() -> Address:
    """The address to listen on: this machine's own, unless HOST has another."""
    text = os.environ.get("HOST", "")
    if not text or text == socket.gethostname():  # tcsh sets HOST to the machine's name
        return HERE
    try:
        return ip_address(text)
    except ValueError:
        sys.exit(f"HOST is {text!r}, and has to be an address of this machine, or 0.0.0.0 for all of them.")


def _free_port(host: Address) -> int:
    port = ports.number(os.environ.get("PORT") or "8000", "PORT")
    obstacle = ports.obstacle(port, str(host))
    if obstacle:
        another = port + 1 if port < 65535 else 8000
        sys.exit(f"Port {port} cannot be used ({obstacle}). Choose another: PORT={another} make run")
    return port


def _environment(host: Address) -> Environment:
    """The environment of every process."""
    ours = {name: value for name, value in os.environ.items() if name not in DECIDED}
    return {
        "ALLOWED_HOSTS_DEV": f".localhost,127.0.0.1,[::1],{_in_url(host)}",
        "WEB_THREADS": "8",  # every part of an upload passes through web, and a connection to SQLite costs nothing
        **ours,
        "PATH": f"{VENV_BIN}{os.pathsep}{ours['PATH']}",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(RUN / "tmp"),  # for the sign of life, one for each checkout
        "SETTINGS_MODULE_PATH": "mayfly.settings.development",
        "SECRET_KEY": _secret_key(),
        "DATA_DIR": str(RUN / "data"),
        "DATABASE_URL": f"sqlite:///{RUN / 'data' / 'db.sqlite3'}",
        "USE_S3": "False",
    }


def _secret_key() -> str:
    """A key that stays, and with it every visitor's box."""
    file = RUN / "secret_key"
    if not file.exists():
        with open(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(50))
    return file.read_text()


def _manage(environment: Environment, *command: str, umask: int = -1) -> None:
    """Run a command of manage.py; say something only if it fails. A umask of -1 is our own."""
    done = subprocess.run(
        [VENV_PYTHON, APP / "manage.py", *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        umask=umask,
    )
    if done.returncode:
        sys.stdout.flush()
        sys.stdout.buffer.write(done.stdout)
        sys.stdout.flush()
        sys.exit(f"`manage.py {command[0]}` failed; above is what it said.")


def _serve(host: Address, port: int, environment: Environment) -> int:
    """Run web and the periodic tasks until a signal comes or one of them ends. Returns the exit status."""
    SIGN_OF_LIFE.unlink(missing_ok=True)
    reach = "for this machine alone" if host.is_loopback else "open to your network"
    shown = "localhost" if host.is_loopback or host.is_unspecified else _in_url(host)
    return supervise(
        {
            "web": [SERVICES / "web" / "start", "--bind", f"{_in_url(host)}:{port}"],
            "periodic": [VENV_PYTHON, APP / "manage.py", "periodic"],
        },
        environment,
        ready=lambda: SIGN_OF_LIFE.exists() and _answers(host, port),
        words=f"http://{shown}:{port}   {reach} (Ctrl-C ends it; what it keeps is in .run/)",
    )


def _in_url(host: Address) -> str:
    return f"[{host}]" if host.version == 6 else str(host)


def _answers(host: Address, port: int) -> bool:
    """Whether web gives an answer, of whatever kind."""
    connection = http.client.HTTPConnection(str(host), port, timeout=1)
    try:
        connection.request("GET", "/health/live")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


if __name__ == "__main__":
    call(main)
