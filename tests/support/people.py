"""Clients that call Django in this process, and fetch from it or from S3 whatever a link leads to."""

from typing import Any

import httpx
from django.test import Client

from mayfly.uploads.ids import new_id
from mayfly.visitors import boxes

from .client import ApiClient

OWN = "http://testserver"


class InProcess:
    """Calls Django with the token of a box. A part goes to the app, or over the network to S3, as its URL says."""

    def __init__(self, box: str):
        self.headers = {"Authorization": f"Bearer {boxes.token_of(box)}"}

    def request(self, method: str, path: str, body: object = None) -> Any:
        more = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(Client(), method.lower())(path, headers=self.headers, **more)

    def put(self, url: str, content: bytes, headers: dict[str, str]) -> Any:
        if not url.startswith(f"{OWN}/"):
            return httpx.put(url, content=content, headers=headers)
        headers = {"Content-Length": str(len(content))} | headers
        return Client().put(url.removeprefix(OWN), content, "application/octet-stream", headers=headers)


class Person(ApiClient):
    """A visitor with a box: the API gets its token, and `browser` is a client with its cookie."""

    def __init__(self, box: str | None = None):
        self.box = box or new_id()

    @property
    def transport(self) -> InProcess:
        """Signed anew each time, because a test may change the key or the box."""
        return InProcess(self.box)

    @property
    def headers(self) -> dict[str, str]:
        return self.transport.headers

    @property
    def browser(self) -> Client:
        client = Client()
        client.cookies[boxes.COOKIE] = boxes.token_of(self.box)
        return client


def send(part: dict, content: bytes) -> int:
    """PUT these bytes to the signed URL of a part, as any client can. Returns the status."""
    return Person().put(part, content)


def fetch(url: str) -> Any:
    """GET the address that a download redirects to, from the app or from S3."""
    if not url.startswith("/"):
        return httpx.get(url)
    response = Client().get(url)
    if response.streaming:  # Django closes the file once all of it was read
        response.streaming_content = [b"".join(response.streaming_content)]
    return response


def body_of(response: Any) -> bytes:
    """The bytes of any response, streamed or not."""
    return b"".join(response.streaming_content) if getattr(response, "streaming", False) else response.content
