"""No line of a log gives an upload away, and no request writes a line of its own."""

import io
import logging
import os
import socket
import subprocess
import sys
from typing import NoReturn

import pytest
from botocore.exceptions import ReadTimeoutError
from django.conf import settings
from django.core import signing
from django.test import Client
from gunicorn import glogging

from mayfly.logs import Line, shown, without_secrets
from mayfly.storage.folder.tokens import ObjectGrant, token_of
from mayfly.storage.protocol import StorageError
from mayfly.uploads.ids import new_id
from mayfly.uploads.limits import limits
from mayfly.visitors import boxes

from ..support.broken import storage_class
from ..support.ports import free_port
from ..support.statics import with_statics
from ..support.waiting import until

ID = "HdAGXUnoT9XNeWzYCe8ETW"
LETTERS = "HdAGXUnoTXNeWzYCeETWab"  # one id in fifty has no digit
SIGNED = f"http://localhost:4566/mayfly/uploads/{ID}?uploadId=2~abc&X-Amz-Credential=key&X-Amz-Signature={'0f' * 32}"


@pytest.fixture
def log():
    """The log as the root handler of the settings writes it. pytest's own handlers stay beside it."""
    root = logging.getLogger()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Line(settings.LOGGING["formatters"]["line"]["format"]))
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def test_the_root_handler_is_the_only_one_and_has_the_formatter():
    handlers = settings.LOGGING["handlers"]
    assert list(handlers) == settings.LOGGING["root"]["handlers"] == ["console"]
    assert settings.LOGGING["formatters"][handlers["console"]["formatter"]]["()"] == "mayfly.logs.Line"
    assert not any(logger.get("handlers") for logger in settings.LOGGING["loggers"].values())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("/images/", "/images/"),
        ("/images/clear/", "/images/clear/"),
        (f"/u/{ID}/", "/u/HdAGXUno*/"),
        (f"/u/{LETTERS}/download", "/u/HdAGXUno*/download"),
        (f"/api/uploads/{ID}/complete", "/api/uploads/HdAGXUno*/complete"),
        (f"/admin/uploads/upload/{ID}/change/", "/admin/uploads/upload/HdAGXUno*/change/"),
        (f"/admin/uploads/upload/{ID}/take-down/", "/admin/uploads/upload/HdAGXUno*/take-down/"),
        (f"/delete/{ID}:{'x' * 43}", "/delete/*"),
        (f"//u/{ID}/", "/*"),
        (f"/u/{ID}", "/*"),
        (f"/u/{ID}/nothing", "/*"),
        (f"/uploads/{ID}", "/*"),
        ("/a name.pdf", "/*"),
        ("/a/name.pdf", "/*"),
        ("/files/name.pdf", "/*"),
        ("/api/uploads/name.pdf", "/*"),
        ("/admin/name.pdf", "/admin/*"),
        ("/static/name.pdf", "/static/*"),
        ("/\nINFO forged: x", "/*"),
        ("/\x1b[2J", "/*"),
    ],
)
def test_a_path_is_shown_as_its_route_with_the_start_of_an_id(path, expected):
    """Case 73."""
    assert shown(path) == expected


@pytest.mark.parametrize("id_", [ID, LETTERS])
@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "image {}, attempt 2",
        "uploads/{}",
        "previews/{}.webp is not removed",
        "/u/{}/",
        "//u/{}/",
        "/%75/{}/",
        "u%2F{}%2Fdelete",
        "/api/uploads/{}/parts",
        "Upload object ({})",
        "Key (id)=({}) already exists",
        "('uploads/{}', 'AccessDenied')",
    ],
)
def test_an_id_is_cut_to_eight_characters_wherever_it_is(text, id_):
    """Case 73."""
    written = without_secrets(text.format(id_))
    assert id_ not in written
    assert "HdAGXUno*" in written


def test_an_id_in_escapes_is_cut_too():
    """Case 73."""
    escaped = "".join(f"%{ord(character):02x}" for character in ID)
    assert without_secrets(f"/u/{escaped}/") == "/u/HdAGXUno*/"


@pytest.mark.parametrize(
    "make",
    [
        lambda: boxes.token_of(ID),
        lambda: signing.TimestampSigner().sign(ID),
        lambda: token_of(ObjectGrant(f"uploads/{ID}", "private.pdf", "text/plain"), lifetime=limits.lifetime),
    ],
    ids=["box", "signed with its time", "bytes"],
)
@pytest.mark.parametrize("text", ["{}", "box={}; path=/", "/storage/objects/{} 404", "'{}' is bad"])
def test_no_part_of_a_token_is_written(text, make):
    """Case 73."""
    token = make()
    for form in (token, token.replace(":", "%3A")):
        written = without_secrets(text.format(form))
        assert not [part for part in token.split(":") if part in written]


def test_a_signed_url_is_written_without_its_query():
    """Case 73."""
    assert without_secrets(f"Read timeout on {SIGNED!r}") == (
        "Read timeout on 'http://localhost:4566/mayfly/uploads/HdAGXUno*?*'"
    )
    assert "0f0f" not in without_secrets(SIGNED.replace("?", " "))


@pytest.mark.parametrize(
    "text",
    [
        "ConnectionRefusedError: [Errno 111]",
        "EndpointConnectionError and ReadTimeoutErrorWithName",
        "id=0123456789abcdef0123456789abcdef",
        "removed 3 of 4, in 0.2 s",
        'File "/mayfly/app/mayfly/uploads/lifecycle/complete.py", line 10',
        "Is that all? Yes.",
    ],
)
def test_other_words_stay_as_they_are(text):
    assert without_secrets(text) == text


def test_a_password_in_an_address_is_not_written():
    assert without_secrets("redis://:hunter2@redis:6379/0") == "redis://*@redis:6379/0"


@pytest.mark.parametrize("text", ["a:" * 4000, "a" * 8000, "X-Amz-" * 1400, "?" * 8000, "%41" * 2700, "/u/" * 2700])
def test_a_long_line_takes_no_longer_than_its_length(text):
    """Backtracking over eight thousand characters would take minutes."""
    without_secrets(text)


def test_a_record_has_one_line_whatever_its_text(log):
    """Case 74."""
    logging.getLogger("mayfly").warning("not an image: %s", "x\nERROR forged: y\r\x1b[2J\x9b2J\u202e\u2028")
    assert log.getvalue() == "WARNING mayfly: not an image: x\\nERROR forged: y\\r\\x1b[2J\\x9b2J\\u202e\\u2028\n"


def test_no_line_of_a_traceback_looks_like_a_record(log):
    """Cases 73 and 74."""
    try:
        raise ValueError(f"{SIGNED}\nERROR forged: y\x1b[2J")
    except ValueError:
        logging.getLogger("mayfly").exception("failed", stack_info=True)
    first, *others = log.getvalue().splitlines()
    assert first == "ERROR mayfly: failed"
    assert "  ERROR forged: y\\x1b[2J" in others
    assert all(line.startswith("  ") for line in others)
    assert ID not in log.getvalue()
    assert "0f0f" not in log.getvalue()


def test_a_form_without_a_csrf_token_is_logged_without_the_id(log):
    """Case 73."""
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/u/{ID}/delete").status_code == 403
    assert client.post("/private%20name.pdf").status_code == 404
    [line, *_] = log.getvalue().splitlines()
    assert line.startswith("WARNING django.security.csrf: Forbidden (")
    assert line.endswith(": /u/HdAGXUno*/delete")
    assert "private" not in log.getvalue()


@pytest.mark.django_db
def test_a_503_is_logged_without_the_name_and_the_signed_url(log, monkeypatch):
    """Case 73."""
    name = "private name.pdf"
    reason = ReadTimeoutError(endpoint_url=SIGNED)

    def failing(*arguments: object, **more: object) -> NoReturn:
        raise StorageError(str(reason)) from reason

    monkeypatch.setattr(storage_class(), "open_transfer", failing)
    answer = Client().put(f"/{name}", b"hello", content_type="text/plain")
    assert answer.status_code == 503
    written = log.getvalue()
    assert "storage does not answer: Read timeout on endpoint URL" in written
    assert name not in written
    assert ID not in written
    assert "0f0f" not in written


def test_gunicorn_writes_its_lines_without_secrets():
    """Case 73."""
    formatter = Line(glogging.Logger.error_fmt)
    for message, expected in [
        (f"Error handling request PUT /name?box={ID}", "Error handling request PUT /*"),
        (f"Error handling request GET /%75/{ID}/", "Error handling request GET /u/HdAGXUno*/"),
        ("Invalid request from ip=10.0.0.1: Invalid HTTP request line: 'PUT /a name HTTP/1.1'", "request line"),
        ("Invalid request from ip=10.0.0.1: Invalid HTTP Header: 'X-Box-Token name'", "Invalid HTTP Header"),
    ]:
        record = logging.makeLogRecord({"name": "gunicorn.error", "msg": message, "levelname": "WARNING"})
        assert formatter.format(record).endswith(expected)


# A web of its own, as services/web/start runs it.


@pytest.fixture(scope="module")
def web(static_root, tmp_path_factory):
    """Start web; returns a function that sends a request as it is, and one that returns the log."""
    place = tmp_path_factory.mktemp("web")
    services, port = with_statics(place, static_root), free_port()
    environment = {
        "PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}",
        "SECRET_KEY": "x" * 50,
        "DATA_DIR": str(place),
        "WEB_CONCURRENCY": "1",
        "PORT": str(port),
    }
    with open(place / "log", "wb") as log:
        process = subprocess.Popen(
            [services / "web/start", "--bind", f"127.0.0.1:{port}"], env=environment, stdout=log, stderr=log
        )

    def send(request: str) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(request.encode())
            return connection.makefile("rb").read()

    try:
        until(lambda: b"Listening at" in (place / "log").read_bytes(), seconds=60)
        yield send, (place / "log").read_text
    finally:
        process.terminate()
        process.wait(30)


REST = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


def test_no_header_of_a_client_changes_the_path_of_a_request(web):
    send, _ = web
    for header in ("SCRIPT_NAME: /images", "SCRIPT_NAME: /evil", "PATH_INFO: /files/"):
        answer = send(f"GET /health/live {REST}{header}\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b'{"status": "ok"}' in answer


def test_the_access_log_has_a_line_a_request_and_no_secret(web):
    """Cases 73 and 74."""
    send, log = web
    id_ = new_id()
    paths = [
        f"/u/{id_}/nothing",
        f"//u/{id_}/",
        f"/%75/{id_}/nothing",
        f"/u%2f{id_}%2Fnothing",
        f"http://localhost/u/{id_}/nothing?box={id_}",
        "/%0AINFO%20forged%3A%20x",
        "/%1B%5B2J",
        "/a%2Fprivate",
        "/private",
        "/images/nothing",
    ]
    before = log()
    for number, path in enumerate(paths):
        send(
            f"{'PUT' if 'private' in path else 'GET'} {path} {REST}Content-Length: 0\r\nX-Request-Id: {number}\r\n\r\n"
        )
    until(lambda: f"id={len(paths) - 1} " in log())
    lines = log().removeprefix(before).splitlines()
    assert [line.split()[1] for line in lines] == ["/*"] * len(paths)
    assert not [secret for secret in (id_, "forged", "private", "\x1b") if secret in "".join(lines)]


def test_a_line_that_gunicorn_refuses_is_not_quoted(web):
    """Case 73."""
    send, log = web
    send("PUT /a private name HTTP/1.1\r\n\r\n")
    until(lambda: "Invalid request from" in log())
    assert "private" not in log()
