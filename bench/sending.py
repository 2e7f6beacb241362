"""Send uploads to the stack as a small client does, and look at the page as a browser does."""

import os
import re
import time
from itertools import count

import httpx

PER_BOX = 3  # a box keeps three images
LONGEST = 90  # seconds until a preview that does not come counts as a failure
LOOKS = re.compile(r'hx-trigger="(?:load delay:(\d+)ms, )?every (\d+)s"')
_numbers = count()
_certificates = httpx.create_ssl_context()  # each client would load them again, for 40 ms


class Sender:
    """A client that takes a new box after each three uploads."""

    def __init__(self) -> None:
        self._site = httpx.Client(base_url=os.environ["MAYFLY_URL"], timeout=60, verify=_certificates)
        self._storage = httpx.Client(timeout=60, verify=_certificates)
        self._token, self._left = "", 0

    def send(self, content: bytes, *, kind: str, name: str) -> str:
        """Upload this by three requests, and return its id once it is ready."""
        if not self._left:
            self._token, self._left = "", PER_BOX
        self._left -= 1
        fields = {"kind": kind, "name": f"{next(_numbers)} {name}", "size": len(content)}
        begun = self._post("/api/uploads", json=fields)
        self._token = begun.get("box") or self._token
        [part] = begun["transfer"]["first"]
        self._storage.put(part["url"], content=content, headers=part["headers"]).raise_for_status()
        self._post(f"/api/uploads/{begun['id']}/complete")
        return str(begun["id"])

    def seconds_until_shown(self, upload_id: str) -> float:
        """Look at My Images, as soon as the page itself would look again, until it shows this image's preview."""
        began = time.monotonic()
        while time.monotonic() < began + LONGEST:
            page = self._site.get("/images/", headers={"Cookie": f"box={self._token}"}).raise_for_status().text
            self._site.cookies.clear()
            if f"/u/{upload_id}/preview" in page:
                return time.monotonic() - began
            place = page.index(f'id="picture-{upload_id}"')
            found = LOOKS.search(page, place)
            time.sleep(int(found[1]) / 1000 if found[1] else int(found[2]))
        raise SystemExit(f"no preview after {LONGEST} s")

    def _post(self, path: str, **more: object) -> dict:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        answer = self._site.post(path, headers=headers, **more).raise_for_status().json()
        self._site.cookies.clear()
        return answer
