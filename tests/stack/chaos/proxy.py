"""A proxy between the program and S3 that fails on demand; it runs in a container beside LocalStack.

`PUT /_faults` takes the faults as a JSON list. `GET /_faults` returns them with the number of calls that each has met.
A fault names an operation of S3 and the failure:

    {"operation": "DeleteObjects", "does": "500", "keys": ["uploads/x"], "skip": 1, "times": 3}

`keys` limits it to calls about one of these keys. The first `skip` calls succeed, and the fault ends after `times`
failures. `does` is one of:

* `403`, `429`, `500`, `503`: answer so, in S3's form, and pass nothing on;
* `delay`: pass the call on after `seconds`;
* `silence`: give no answer for longer than any client waits, and pass nothing on;
* `drop`: close the connection, and pass nothing on;
* `lose`: pass the call on, and close the connection without its answer;
* `deny`: pass a DeleteObjects on without these keys, and answer that they may not be removed.
"""

import base64
import hashlib
import json
import re
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

UPSTREAM = ("localstack", 4566)
CODES = {"403": "AccessDenied", "429": "TooManyRequests", "500": "InternalError", "503": "SlowDown"}
SILENCE = 40  # seconds; the program waits 10 for storage, 17 for a complete, and the router 30 for the program
NOT_PASSED_ON = {"connection", "expect", "keep-alive", "te", "transfer-encoding", "upgrade"}
# Method, whether the path names a key, and a word of the query, as the AWS documentation has them.
OPERATIONS = [
    ("POST", True, "uploads", "CreateMultipartUpload"),
    ("POST", True, "uploadId", "CompleteMultipartUpload"),
    ("PUT", True, "partNumber", "UploadPart"),
    ("GET", True, "uploadId", "ListParts"),
    ("DELETE", True, "uploadId", "AbortMultipartUpload"),
    ("GET", False, "uploads", "ListMultipartUploads"),
    ("GET", False, "list-type", "ListObjectsV2"),
    ("POST", False, "delete", "DeleteObjects"),
    ("HEAD", False, "", "HeadBucket"),
    ("HEAD", True, "", "HeadObject"),
    ("GET", True, "", "GetObject"),
]

faults: list[dict] = []
lock = threading.Lock()


def operation_of(method: str, key: str, query: dict) -> str:
    """The name that S3 has for this request."""
    for its_method, has_key, word, operation in OPERATIONS:
        if method == its_method and bool(key) == has_key and (not word or word in query):
            return operation
    return method


def fault_for(operation: str, keys: set[str]) -> dict | None:
    """The fault that this call meets, or None. Counts the call."""
    with lock:
        for fault in faults:
            if fault["operation"] != operation or not keys.intersection(fault.get("keys", keys)):
                continue
            fault["seen"] += 1
            if fault["seen"] > fault.get("skip", 0) and (not fault.get("times") or fault["met"] < fault["times"]):
                fault["met"] += 1
                return fault
    return None


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # this version also answers Expect: 100-continue

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # the client stopped waiting
            self.close_connection = True

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        if url.path == "/_faults":
            return self.control(body)
        query = parse_qs(url.query, keep_blank_values=True)
        key = unquote(url.path).lstrip("/").partition("/")[2]
        operation = operation_of(self.command, key, query)
        keys = {key, *query.get("prefix", ())}
        if operation == "DeleteObjects":
            keys = set(re.findall("<Key>([^<]*)</Key>", body.decode()))
        fault = fault_for(operation, keys)
        does = fault["does"] if fault else ""
        if does in CODES:
            return self.answer(int(does), {"Content-Type": "application/xml"}, error(CODES[does]))
        if does == "delay":
            time.sleep(fault["seconds"])
        if does == "silence":
            time.sleep(SILENCE)
        if does in ("silence", "drop"):
            self.close_connection = True
            return None
        if does == "deny":
            return self.remove_but(keys.intersection(fault["keys"]), body)
        status, headers, content = self.passed_on(body, {})
        if does == "lose":
            self.close_connection = True
            return None
        return self.answer(status, headers, content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815

    def control(self, body: bytes) -> None:
        with lock:
            if self.command == "PUT":
                faults[:] = [{**fault, "seen": 0, "met": 0} for fault in json.loads(body)]
            content = json.dumps(faults).encode()
        self.answer(200, {"Content-Type": "application/json"}, content)

    def remove_but(self, denied: set[str], body: bytes) -> None:
        """Pass a DeleteObjects on without these keys, and add their errors to the answer."""
        kept, errors = body.decode(), ""
        for key in denied:
            kept = kept.replace(f"<Object><Key>{key}</Key></Object>", "")
            errors += f"<Error><Key>{key}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        if "<Key>" in kept:
            content = kept.encode()
            sums = {"Content-MD5": base64.b64encode(hashlib.md5(content).digest()).decode()}  # noqa: S324  (S3 wants MD5)
            _, _, answer = self.passed_on(content, sums)
            errors += "".join(re.findall("<Error>.*?</Error>", answer.decode(), re.DOTALL))
        answer = f"<DeleteResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>{errors}</DeleteResult>"
        self.answer(200, {"Content-Type": "application/xml"}, answer.encode())

    def passed_on(self, body: bytes, sums: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """S3's answer to this request. `sums` replaces the checksums of the request."""
        connection = HTTPConnection(*UPSTREAM, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in {**dict(self.headers.items()), "Content-Length": str(len(body)), **sums}.items():
            checksum = name.lower().startswith(("x-amz-checksum", "x-amz-sdk-checksum", "x-amz-content-sha256"))
            if name.lower() not in NOT_PASSED_ON and not (sums and checksum):
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), content

    def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            # The answer to a HEAD has a length but no content.
            if name.lower() not in NOT_PASSED_ON and (name.lower() != "content-length" or self.command == "HEAD"):
                self.send_header(name, value)
        if self.command == "HEAD":
            return self.end_headers()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        return None

    def log_message(self, *_) -> None:
        """Log nothing; the tests ask for the calls that were met."""


def error(code: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}, by order</Message></Error>".encode()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("", 4566), Proxy)
    server.daemon_threads = True
    server.serve_forever()
