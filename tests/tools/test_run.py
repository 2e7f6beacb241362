"""`make run`: web and the periodic tasks, started, shown and ended as one. Both are fakes here."""

import json
import os
import shutil
import signal
import socket
import stat
import time
from collections.abc import Iterator

import pytest

from .conftest import TIMEOUT, Checkout, listening

MANAGE = """
import os, sys
if os.environ.get("FAILING") == sys.argv[1]:
    sys.exit("the database does not answer")
if sys.argv[1] == "periodic":
    os.execv("periodic", ["periodic"])
"""
# Answers as web does, until SIGTERM; `env` has the environment that it was started in.
WEB = """
import http.server, json, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit("web says goodbye"))
host, port = sys.argv[2].rsplit(":", 1)
json.dump(dict(os.environ), open("environment", "w"))
open("arguments", "w").write(" ".join(sys.argv))
print("web was started", flush=True)
with http.server.ThreadingHTTPServer((host, int(port)), Handler) as server:
    server.serve_forever(0.02)
"""
PERIODIC = """
trap 'echo the tasks say goodbye; exit' TERM
[ -n "${SILENT:-}" ] || touch "$TMPDIR/periodic.alive"
while :; do sleep 0.05; done
"""


class Running:
    """A running `make run`: its output and its end."""

    def __init__(self, checkout: Checkout, port: int, **variables: str):
        self.port = port
        self.address = f"http://localhost:{port}"
        self.process = checkout.start("run", PORT=str(port), **variables)
        self.said = ""

    def until(self, words: str) -> None:
        """Read on until a line has these words."""
        while words not in self.said:
            line = self.process.stdout.readline()
            assert line, f"it ended before {words!r}: {self.said}"
            self.said += line

    def signal(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for the end, read the rest, and return the exit status."""
        self.said += self.process.communicate(timeout=TIMEOUT)[0]
        return self.process.returncode


@pytest.fixture
def programs(installed: Checkout) -> Checkout:
    """The checkout with the program's parts as fakes, and the bundle built."""
    installed.write("services/app/manage.py", MANAGE)
    installed.write("services/web/program.py", WEB)
    installed.script("services/web/start", 'exec python "$(dirname "$0")/program.py" "$@"')
    installed.script("periodic", PERIODIC)
    for name in (".npmrc", "package.json", "package-lock.json", "build.js"):
        installed.write(f"services/assets/{name}", "{}")
    (installed.folder / "services/app/mayfly/pages/static/mayfly").mkdir(parents=True)
    installed.fake("npm", {"ci *": "mkdir -p node_modules", "run *": 'mkdir "$OUT"'})
    installed.run("assets")
    return installed


@pytest.fixture
def run(programs: Checkout, port: int) -> Iterator:
    """Start `make run`; it is ended with all its processes after the test."""
    started = []

    def start(**variables: str) -> Running:
        started.append(Running(programs, port, **variables))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.signal()
            running.signal()
            running.end()


def test_run_shows_its_address_once_and_exits_with_0_on_ctrl_c(run):
    running = run()
    running.until(
        f"mayfly   | {running.address}   for this machine alone (Ctrl-C ends it; what it keeps is in .run/)\n"
    )
    assert "Installing base.txt into .venv\n" in running.said
    running.signal()
    assert running.end() == 0
    assert "web      | web was started\n" in running.said
    assert "web      | web says goodbye\n" in running.said
    assert "periodic | the tasks say goodbye\n" in running.said
    assert running.said.count(running.address) == 1


def test_run_installs_what_builds_the_bundle_and_tests_have_the_rest(programs, run):
    shutil.rmtree(programs.folder / "services/assets/node_modules")
    programs.write("services/assets/build.js", "changed")
    running = run()
    running.until(running.address)
    assert programs.calls("npm")[-2:] == ["npm ci --silent --omit=dev", "npm run --silent build"]
    programs.run("assets")
    assert programs.calls("npm")[-1] == "npm ci --silent"


def test_run_listens_on_this_machine_alone(programs, run):
    """Case 91: tcsh sets HOST to the machine's name, which is no wish of anyone's."""
    running = run(HOST=socket.gethostname())
    running.until("web was started")
    assert f"--bind 127.0.0.1:{running.port}" in (programs.folder / "arguments").read_text()
    running.until(running.address)
    assert "your network" not in running.said


def test_an_address_in_host_opens_run_to_the_network_with_a_warning(programs, run):
    """Case 91."""
    running = run(HOST="0.0.0.0")  # noqa: S104  (the warning is what this is about)
    running.until(f"{running.address}   open to your network")
    assert "HOST=0.0.0.0 opens this to your network, without HTTPS" in running.said
    assert "docs/self-hosting.md" in running.said
    assert f"--bind 0.0.0.0:{running.port}" in (programs.folder / "arguments").read_text()


def test_a_host_that_is_no_address_is_refused(installed):
    said = installed.refuses("run", HOST="drop.example.org")
    assert "HOST is 'drop.example.org', and has to be an address of this machine, or 0.0.0.0 for all of them." in said


def test_no_address_is_shown_before_the_periodic_tasks_show_life(run):
    running = run(SILENT="1")
    running.until("web was started")
    time.sleep(0.5)  # two looks at the processes
    running.signal()
    assert running.end() == 0
    assert running.address not in running.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_and_a_stop_end_everything(run, number):
    running = run()
    running.until(running.address)
    running.signal(number)
    assert running.end() == 0
    assert "the tasks say goodbye" in running.said


@pytest.mark.parametrize("port", ["http", "0", "65536", "8000 "])
def test_an_invalid_port_is_refused(installed, port):
    assert f"PORT is {port!r}, and has to be a number from 1 to 65535." in installed.refuses("run", PORT=port)


def test_a_taken_port_leads_to_the_next_one(installed):
    with listening() as taken:
        said = installed.refuses("run", PORT=str(taken))
    assert f"Port {taken} cannot be used (Address already in use). Choose another: PORT={taken + 1} make run" in said


def test_a_second_run_in_the_same_checkout_is_refused(programs, run):
    running = run()
    running.until(running.address)
    assert "`make run` is running already in this checkout. End it with Ctrl-C" in programs.refuses("run")


def test_the_secret_key_stays_and_only_its_owner_can_read_it(programs, run):
    keys = []
    for _ in range(2):
        running = run()
        running.until(running.address)
        running.signal()
        running.end()
        keys.append(json.loads((programs.folder / "environment").read_text())["SECRET_KEY"])
    assert keys[0] == keys[1]
    assert len(keys[0]) >= 50
    assert stat.S_IMODE((programs.folder / ".run/secret_key").stat().st_mode) == 0o600


def test_no_other_user_of_the_machine_reads_what_run_keeps(programs, run):
    """Case 72: its folder is closed, also one of an earlier run, and so is each file that web writes."""
    kept = programs.folder / ".run"
    kept.mkdir(exist_ok=True)
    kept.chmod(0o755)
    running = run()
    running.until(running.address)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert stat.S_IMODE((programs.folder / "environment").stat().st_mode) == 0o600


def test_what_run_builds_stays_readable_for_a_build_of_images(programs, run):
    programs.write("services/app/manage.py", MANAGE + "\nopen(sys.argv[1], 'w').close()\n")
    running = run()
    running.until(running.address)
    programs.write("ordinary", "")
    modes = [stat.S_IMODE((programs.folder / name).stat().st_mode) for name in ("ordinary", "collectstatic", "release")]
    assert modes[1:] == [modes[0], 0o600]


def test_the_shell_sets_limits_and_never_the_place_of_data(programs, run):
    running = run(UPLOAD_LIFETIME_MINUTES="1", DATABASE_URL="postgres://x", REDIS_URL="redis://x", USE_S3="True")
    running.until(running.address)
    environment = json.loads((programs.folder / "environment").read_text())
    assert environment["UPLOAD_LIFETIME_MINUTES"] == "1"
    assert environment["DATABASE_URL"] == f"sqlite:///{programs.folder}/.run/data/db.sqlite3"
    assert environment["USE_S3"] == "False"
    assert "REDIS_URL" not in environment


@pytest.mark.parametrize("command", ["release", "collectstatic"])
def test_a_failed_preparation_shows_its_output(programs, port, command):
    said = programs.refuses("run", PORT=str(port), FAILING=command)
    assert f"the database does not answer\n`manage.py {command}` failed; above is what it said." in said


def test_a_process_that_ends_by_itself_ends_the_other(programs, run):
    programs.script("periodic", "echo no more; exit 3")
    running = run()
    assert running.end() == 1
    assert "periodic | no more\n" in running.said
    assert "mayfly   | periodic ended by itself; what it said is above\n" in running.said
    assert "web      | web says goodbye\n" in running.said


def test_ctrl_c_lets_a_process_finish_its_work(programs, run):
    programs.script("periodic", PERIODIC.replace("echo the tasks", "sleep 0.6; echo the tasks"))
    running = run()
    running.until(running.address)
    running.signal()
    assert running.end() == 0
    assert "periodic | the tasks say goodbye\n" in running.said


def test_a_second_ctrl_c_hurries(programs, run):
    programs.script("periodic", PERIODIC.replace("echo the tasks say goodbye; exit", "echo not yet"))
    running = run()
    running.until(running.address)
    running.signal()
    running.until("not yet")
    began = time.monotonic()
    running.signal()
    assert running.end() == 0
    assert time.monotonic() - began < 5


def test_no_child_of_a_process_is_left(programs, run):
    pipe = programs.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    programs.script("periodic", f"sleep 60 >{pipe} &\n{PERIODIC}")
    running = run()
    running.until(running.address)
    running.signal()
    running.end()
    os.set_blocking(reader, True)
    began = time.monotonic()
    assert os.read(reader, 1) == b""  # the pipe ends with the last process that could write to it
    assert time.monotonic() - began < 5
    os.close(reader)
