"""A client of the API: it begins an upload, signs and sends its parts, completes it, lists, downloads and deletes.

A `Transport` carries its requests: `people.py` has one that calls Django in this process, `Http` goes over the network.
"""

from typing import Any, Protocol
from urllib.parse import urlencode

import httpx

TAKEN = (200, 201)  # the app answers a part with the one, S3 with the other


class Response(Protocol):
    """The common part of Django's responses and httpx's."""

    status_code: int

    @property
    def content(self) -> bytes: ...
    def json(self) -> Any: ...


class Transport(Protocol):
    """The way to the API, with the client's credentials, and to storage, without any."""

    def request(self, method: str, path: str, body: object = None) -> Response:
        """Send a request to the API, with `body` as JSON unless it is None."""
        ...

    def put(self, url: str, content: bytes, headers: dict[str, str]) -> Response:
        """Send a part to storage."""
        ...


class Http:
    """Over the network. The first answer with a token of a box authorises all later requests."""

    def __init__(self, api: httpx.Client, storage: httpx.Client | None = None):
        self.api = api
        self.storage = storage or httpx.Client(timeout=60)

    def request(self, method: str, path: str, body: object = None) -> httpx.Response:
        response = self.api.request(method, path, json=body)
        if method == "POST" and path == "/api/uploads" and response.status_code == 201 and response.json()["box"]:
            self.api.headers["Authorization"] = f"Bearer {response.json()['box']}"
        return response

    def put(self, url: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        return self.storage.put(url, content=content, headers=headers)


class ApiClient:
    """Does what a well-behaved client does. Each step fails the test if the API refuses it."""

    def __init__(self, transport: Transport):
        self.transport = transport

    def request(self, method: str, path: str, body: object = None) -> Any:
        return self.transport.request(method.upper(), path, body)

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def post(self, path: str, body: object = None) -> Any:
        return self.request("POST", path, {} if body is None else body)

    def delete(self, path: str) -> Any:
        return self.request("DELETE", path)

    def begin(self, content: bytes = b"hello", *, kind: str = "file", name: str = "a.txt", **more: object) -> dict:
        response = self.post("/api/uploads", {"kind": kind, "name": name, "size": len(content)} | more)
        assert response.status_code == 201, response.content
        return response.json()

    def sign(self, upload: dict, *numbers: int) -> list[dict]:
        response = self.post(f"/api/uploads/{upload['id']}/parts", {"numbers": list(numbers)})
        assert response.status_code == 200, response.content
        return response.json()["parts"]

    def put(self, part: dict, content: bytes) -> int:
        """Send these bytes to the signed URL of a part. Returns the status."""
        return self.transport.put(part["url"], content, part["headers"]).status_code

    def send_parts(self, upload: dict, content: bytes, *numbers: int) -> None:
        """Sign and send these parts of `content`, or all of them."""
        size = upload["transfer"]["part_size"]
        for part in self.sign(upload, *(numbers or range(1, upload["transfer"]["parts"] + 1))):
            start = (part["number"] - 1) * size
            status = self.put(part, content[start : start + part["size"]])
            assert status in TAKEN, status

    def complete(self, upload: dict) -> Any:
        return self.post(f"/api/uploads/{upload['id']}/complete")

    def upload(self, content: bytes = b"hello", **more: object) -> dict:
        """Begin, send and complete an upload. Returns it as the API shows it once it is ready."""
        upload = self.begin(content, **more)
        self.send_parts(upload, content)
        response = self.complete(upload)
        assert response.status_code == 200, response.content
        return response.json()

    def begin_bundle(self, **more: object) -> dict:
        response = self.post("/api/bundles", more)
        assert response.status_code == 201, response.content
        return response.json()

    def complete_bundle(self, bundle: dict) -> Any:
        return self.post(f"/api/bundles/{bundle['id']}/complete")

    def bundle(self, contents: dict[str, bytes], *, kind: str = "file", **more: object) -> dict:
        """Send these contents by their names as one bundle. Returns it as the API shows it once it is complete."""
        bundle = self.begin_bundle(**more)
        for name, content in contents.items():
            self.upload(content, kind=kind, name=name, bundle=bundle["id"])
        response = self.complete_bundle(bundle)
        assert response.status_code == 200, response.content
        return response.json()

    def list(self, kind: str = "") -> list[dict]:
        """All pages of the list."""
        found, query = [], {"kind": kind} if kind else {}
        while True:
            page = self.get(f"/api/uploads?{urlencode(query)}").json()
            found += page["uploads"]
            if page["next"] is None:
                return found
            query["cursor"] = page["next"]
