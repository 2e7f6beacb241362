"""Clients that use the stack while it is being broken.

A `Client` uploads, fetches, clears, and lets uploads expire. It enters every ready upload and every answer into the
ledger. The `Warden` looks at each upload right after its deadline.
"""

import heapq
import random
import re
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from tests.support.samples import PNG

from ..conftest import URL
from .ledger import Followed, Ledger
from .stack import client

IMAGES_KEPT = 3
PART_SIZE = 8 * 1024 * 1024
PATIENCE = 120  # seconds after which an outage counts as a failure
SHORT = (2, 12)  # seconds that an upload lives if it is to expire during the test
LONG = 3600


class Caller:
    """A client that waits for a broken stack, and holds it to its promises."""

    def __init__(self, name: str, ledger: Ledger):
        self.name, self.ledger, self.clock = name, ledger, ledger.clock
        self.http = client()
        self.token = ""

    def is_gone(self, upload: Followed) -> None:
        """Check that no route offers it."""
        own = {"Authorization": f"Bearer {upload.token}"}
        for url, right in (
            (upload.link, (410,)),
            (upload.download, (410,)),
            (f"/api/uploads/{upload.id}", (410,)),
            (upload.signed, (403, 404)),
        ):
            if url and (url != upload.signed or self.clock.now() > upload.expires_at):
                answer, _, _ = self.ask("GET", url, headers=own if url.startswith("/api") else {})
                if answer.status_code < 400:
                    self.ledger.served_late.append(f"{upload.kind} {upload.id}: {answer.status_code} for {url}")
                else:
                    self.expect(answer, *right)

    def ask(self, method: str, url: str, **more: Any) -> tuple[httpx.Response, float, int]:
        """As `patiently`, with the box of this caller if the request goes to the program."""
        if url.startswith(("/", URL)):
            given = {"Authorization": f"Bearer {self.token}"} if url.startswith("/api") and self.token else {}
            more["headers"] = given | more.get("headers", {})
            self.http.cookies.set("box", self.token)
        path = url if url.startswith("http") else f"{URL}{url}"
        return self.patiently(lambda: self.http.request(method, path, **more), f"{method} {url}")

    def patiently(self, send: Callable[[], httpx.Response], what: str) -> tuple[httpx.Response, float, int]:
        """Send until an answer comes, with growing pauses.

        Returns the answer, the time of its request by the database's clock, and the number of attempts.
        """
        end, pause = time.monotonic() + PATIENCE, 0.1
        for attempts in count(1):
            asked = self.clock.now()
            try:
                answer = send()
            except httpx.TransportError as error:
                why = repr(error)
            else:
                if answer.status_code not in (500, 502, 503, 504):
                    return answer, asked, attempts
                why = str(answer.status_code)
                if answer.status_code == 500:
                    self.ledger.broken.append((asked, self.clock.now(), what))
            assert time.monotonic() < end, f"{what}: {why}, and no other answer for {PATIENCE} s"
            self.ledger.waited += 1
            time.sleep(pause * random.uniform(0.5, 1))
            pause = min(pause * 2, 4)
        raise AssertionError  # never reached

    def expect(self, answer: httpx.Response, *statuses: int) -> bool:
        if answer.status_code in statuses:
            return True
        self.ledger.unexpected.append(f"{self.name}: {answer.status_code} {answer.text[:300]}")
        return False


class Client(Caller):
    """A visitor with a box, who does one random thing after another."""

    def __init__(self, name: str, seed: str, ledger: Ledger, folder: Path, watch: Callable[[Followed], None]):
        super().__init__(name, ledger)
        self.watch = watch
        self.random = random.Random(f"{seed}/{name}")
        self.file = folder / name
        self.numbers = count()
        self.move()

    def move(self) -> None:
        """Take a new box, and leave the old one with everything in it."""
        self.token, self.mine, self.images = "", [], []
        self.by_api(kind="file")

    def run(self, over: Callable[[], bool]) -> None:
        ways = [self.by_api, self.by_form, self.by_curl, self.fetch, self.read_the_list, self.delete, self.clear]
        while not over():
            [way] = self.random.choices(ways, weights=[30, 6, 6, 40, 6, 6, 2])
            way()

    # Each of these methods is one thing that a visitor does.

    def by_api(self, *, kind: str = "") -> None:
        kind = kind or self.random.choice(("file", "file", "image"))
        content = self.content(kind)
        lifetime = self.random.choice((LONG, self.random.randint(*SHORT), self.random.randint(*SHORT)))
        about = {"kind": kind, "name": self.new_name(), "size": len(content), "lifetime": lifetime, "metadata": "keep"}
        answer, _, _ = self.ask("POST", "/api/uploads", json=about)
        if not self.expect(answer, 201):
            return
        upload = answer.json()
        self.token = upload["box"] or self.token
        path = f"/api/uploads/{upload['id']}"
        numbers = list(range(1, upload["transfer"]["parts"] + 1))
        answer, _, _ = self.ask("POST", f"{path}/parts", json={"numbers": self.random.sample(numbers, len(numbers))})
        if not self.expect(answer, 200):
            return
        for part in answer.json()["parts"]:
            start = (part["number"] - 1) * upload["transfer"]["part_size"]
            sent, _, _ = self.ask("PUT", part["url"], content=content[start : start + part["size"]])
            if not self.expect(sent, 200):
                return
        if kind == "image":
            self.one_more_image()
        asked = self.clock.now()
        answer, _, _ = self.ask("POST", f"{path}/complete")
        if answer.status_code == 410 and self.clock.now() > asked + lifetime:
            return  # it expired before the answer came
        if self.expect(answer, 200):
            self.follow(answer.json(), content)

    def by_form(self) -> None:
        kind = self.random.choice(("file", "image"))
        content, name, page = self.content(kind), self.new_name(), f"/{kind}s/"
        form, _, _ = self.ask("GET", page)
        if not self.expect(form, 200):
            return
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)[1]
        if kind == "image":
            self.one_more_image()
        answer, _, attempts = self.ask(
            "POST",
            page,
            data={"csrfmiddlewaretoken": token, "metadata": "keep"},
            files={"file": (name, content)},
            headers={"Origin": URL},
        )
        if self.expect(answer, 303):
            listed, _, _ = self.ask("GET", "/api/uploads", params={"kind": kind})
            # A form that was sent twice may have arrived twice.
            named = [upload for upload in listed.json()["uploads"] if upload["name"] == name]
            if not 1 <= len(named) <= attempts:
                self.ledger.lost.append(f"{kind} {name}: sent by form, {len(named)} times in the list")
            for upload in reversed(named):
                self.follow(upload, content)
        if kind == "image" and attempts > 1:
            # A request whose answer was lost may still run, and its image is then newer than all others.
            self.let_go(self.mine, kind)
            self.move()

    def by_curl(self) -> None:
        content = self.content("file")
        self.file.write_bytes(content)
        command = ["curl", "--silent", "--max-time", "60", "--header", f"X-Box-Token: {self.token}", "--header"]
        command += ["Expect:", "--write-out", "%{stderr}%{http_code}", "--upload-file", str(self.file)]

        def send() -> httpx.Response:
            done = subprocess.run([*command, f"{URL}/{self.new_name()}"], capture_output=True, text=True)
            if done.returncode:
                raise httpx.TransportError(f"curl: {done.returncode}")
            return httpx.Response(int(done.stderr), text=done.stdout)

        answer, _, _ = self.patiently(send, "curl")
        if self.expect(answer, 201):
            told, _, _ = self.ask("GET", f"/api/uploads/{answer.text.strip().split('/')[-2]}")
            if self.expect(told, 200):
                self.follow(told.json(), content)

    def fetch(self, upload: Followed | None = None) -> None:
        """Fetch an upload of any client, more often a new one, by its share link and its download."""
        if upload is None:
            recent = self.ledger.followed[-40:] if self.random.random() < 0.7 else self.ledger.followed
            upload = self.random.choice(recent)
        page, asked, _ = self.ask("GET", upload.link)
        if self.expect(page, 200, 410):
            if page.status_code == 200:
                self.ledger.served(upload, asked, "share page")
            else:
                self.ledger.refused(upload, "share page")
        answer, asked, _ = self.ask("GET", upload.download)
        if not self.expect(answer, 302, 410):
            return
        if answer.status_code == 410:
            self.ledger.refused(upload, "download")
            return
        self.ledger.served(upload, asked, "signed URL")
        upload.signed = answer.headers["Location"]
        given, asked, _ = self.ask("GET", upload.signed)
        if given.status_code == 200:
            self.ledger.gave(upload, asked, given.content)
        elif self.expect(given, 403, 404):
            self.ledger.refused(upload, f"{given.status_code} from storage")

    def read_the_list(self) -> None:
        answer, asked, _ = self.ask("GET", "/api/uploads")
        if not self.expect(answer, 200):
            return
        listed = {upload["id"]: upload for upload in answer.json()["uploads"]}
        if sum(upload["kind"] == "image" for upload in listed.values()) > IMAGES_KEPT:
            self.ledger.unexpected.append(f"{self.name} has more than {IMAGES_KEPT} images: {sorted(listed)}")
        for upload in self.mine:
            if upload.id in listed:
                self.ledger.served(upload, asked, "list")
            else:
                self.ledger.refused(upload, "list")

    def delete(self) -> None:
        here = [upload for upload in self.mine if not upload.let_go]
        if not here:
            return
        upload = self.random.choice(here)
        upload.let_go = True
        answer, _, _ = self.ask("DELETE", f"/api/uploads/{upload.id}")
        if self.expect(answer, 204):
            self.heard_it_is_gone([upload])

    def clear(self) -> None:
        kind = self.random.choice(("file", "image"))
        cleared = self.let_go(self.mine, kind)
        answer, _, attempts = self.ask("DELETE", "/api/uploads", params={"kind": kind})
        if self.expect(answer, 204):
            self.heard_it_is_gone(cleared)
        if attempts > 1:
            # A request whose answer was lost may still run, and would remove the next uploads as well.
            self.move()

    # The rest is what a client sends and remembers.

    def content(self, kind: str) -> bytes:
        """Random content, mostly small, sometimes of two parts. An image is one by its first bytes only."""
        size = self.random.choice((1, 500, 20_000, 300_000)) if self.random.random() < 0.95 else PART_SIZE + 70_000
        return (PNG if kind == "image" else b"") + self.random.randbytes(size)

    def new_name(self) -> str:
        return f"{self.name}-{next(self.numbers)}.bin"

    def let_go(self, uploads: list[Followed], kind: str) -> list[Followed]:
        of_kind = [upload for upload in uploads if upload.kind == kind]
        for upload in of_kind:
            upload.let_go = True
        return of_kind

    def heard_it_is_gone(self, uploads: list[Followed]) -> None:
        for upload in uploads:
            upload.over_at = min(upload.over_at, self.clock.now())
        for upload in self.random.sample(uploads, min(3, len(uploads))):
            self.is_gone(upload)

    def one_more_image(self) -> None:
        """Note that one more image may turn ready, even if its answer is lost. Two others stay for certain."""
        self.images.append(None)
        self.let_go([upload for upload in self.images[:-IMAGES_KEPT] if upload], "image")

    def follow(self, upload: dict, content: bytes) -> None:
        followed = Followed(
            id=upload["id"],
            kind=upload["kind"],
            link=upload["link"],
            download=upload["download"],
            expires_at=datetime.fromisoformat(upload["expires_at"]).timestamp(),
            digest=sha256(content).digest(),
            token=self.token,
        )
        if followed.kind == "image":
            self.images[-1] = followed
        self.mine.append(followed)
        self.ledger.followed.append(followed)
        self.watch(followed)


class Warden:
    """Checks each upload on every route, right after its deadline."""

    def __init__(self, ledger: Ledger):
        self.clock = ledger.clock
        self.looked: list[Future] = []
        self._due, self._order, self._changed = [], count(), threading.Condition()
        self._callers = [Caller(f"warden{number}", ledger) for number in range(4)]
        self._pool = ThreadPoolExecutor(len(self._callers))
        self._over = False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def watch(self, upload: Followed) -> None:
        with self._changed:
            heapq.heappush(self._due, (upload.expires_at, next(self._order), upload))
            self._changed.notify()

    def finish(self) -> int:
        """Wait for the checks that are due; returns how many there were."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()
        self._pool.shutdown()
        for look in self.looked:
            look.result()
        return len(self.looked)

    def _watch(self) -> None:
        while True:
            with self._changed:
                if self._over:
                    return
                wait = self._due[0][0] + self.clock.inexact + 0.001 - self.clock.now() if self._due else 1
                if wait > 0:
                    self._changed.wait(min(wait, 1))
                    continue
                _, number, upload = heapq.heappop(self._due)
            caller = self._callers[number % len(self._callers)]
            self.looked.append(self._pool.submit(caller.is_gone, upload))
