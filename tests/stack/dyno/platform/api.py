"""A stand-in for the parts of Heroku's Platform API and registry that the command line uses.

It answers under Heroku's names, and passes requests for the registry on to a real one beside it. /state/app.json
describes the app. Each requested change becomes a line of JSON in /state/changes.
"""

import json
import os
import ssl
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STATE = Path("/state")
CHANGES = STATE / "changes"
REGISTRY = "http://registry:5000"


def releases() -> int:
    return len(CHANGES.read_text().splitlines()) if CHANGES.exists() else 0


class Platform(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802
        if self.headers["Host"].startswith("registry."):
            return self.pass_on()
        app = json.loads((STATE / "app.json").read_text())
        if self.path == "/addon-attachments":
            return self.answer(200, [])
        place, _, rest = self.path.partition("?")[0].removeprefix("/apps/").partition("/")
        if place != app["name"]:
            return self.answer(404, {"id": "not_found", "message": "Couldn't find that app."})
        release = {"id": f"release-{releases()}", "version": releases() + 1, "status": "succeeded"}
        known = {
            "": {name: app[name] for name in ("name", "web_url")}
            | {"id": "0-1", "stack": {"name": app["stack"]}, "build_stack": {"name": app["stack"]}}
            | {"owner": {"email": "tests@example.com"}, "region": {"name": "us"}, "space": None, "team": None},
            "config-vars": app["config"],
            "releases": [release],
            f"releases/{release['id']}": release,
            "addons": app["addons"],
        }
        return self.answer(200, known.get(rest, []))

    def do_PATCH(self):  # noqa: N802
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with CHANGES.open("a") as changes:
            changes.write(json.dumps({"path": self.path, "accept": self.headers["Accept"], "body": body}) + "\n")
        self.answer(200, [])

    def pass_on(self):
        request = urllib.request.Request(REGISTRY + self.path, headers={"Accept": self.headers["Accept"]})  # noqa: S310
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                self.answer(200, json.load(answer), answer.headers["Content-Type"])
        except urllib.error.HTTPError as error:
            self.answer(error.code, json.load(error))

    def answer(self, status, value, kind="application/json"):
        content = json.dumps(value).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Nothing: the tests read the changes."""


server = ThreadingHTTPServer(("127.0.0.1", 443), Platform)
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
certificates = Path(os.environ["CERTIFICATES"])
context.load_cert_chain(certificates / "platform.crt", certificates / "platform.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
