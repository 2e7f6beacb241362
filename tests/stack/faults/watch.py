"""Count the steps of an operation from outside, and let the fault happen at one of them.

The product has no code for this. The watch wraps its foundations: the requests to S3, by botocore and without it, the
calls of the folder storage, the functions of `os` that these use, Django's COMMIT, and statements outside of a
transaction.
"""

import errno
import os
import re
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from inspect import isfunction
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from mayfly.storage.folder import storage as local
from mayfly.storage.protocol import StorageError, UploadStorage
from mayfly.storage.s3.direct import Direct

CALLS = [name for name, what in vars(UploadStorage).items() if isfunction(what) and not name.startswith("_")]
# These make no request to S3, so the calls themselves are the steps.
SIGNING = ["sign_part", "sign_download", "sign_preview"]
CHANGES = ["mkdir", "rename", "replace", "unlink", "rmdir", "fsync"]
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|CREATE|ALTER|DROP)\b", re.IGNORECASE)


class _Lost(Exception):
    """A request without botocore whose answer never comes."""


class Watch:
    """Counts steps while `on`. At the step of `point`, if any, it calls `struck` and lets the fault happen."""

    def __init__(self, point: dict | None, *, struck: Callable[[], None], meanwhile: Callable[[], None]):
        self.point, self.struck, self.meanwhile = point or {}, struck, meanwhile
        self.counts, self.on, self._depth, self._attempt = Counter(), False, 0, 0
        self._asked_before = False
        storage = default_storage._wrapped
        on_disk = isinstance(storage, local.FolderUploadStorage)
        for name in CALLS if on_disk else SIGNING:
            setattr(storage, name, self._call(getattr(storage, name), listing=name in ("objects", "transfers")))
        if on_disk:
            for name in CHANGES:
                setattr(os, name, self._change(getattr(os, name)))
            local.open = self._change(open, only=lambda mode="r": "x" in mode or "w" in mode)
        else:
            self._watch_requests()
        self._watch_commits()

    def step(self, place: str, work: Callable[[], Any], *, error: Callable[[], Exception]) -> Any:
        """Run the next step of this kind, with the fault before or after it if the point says so."""
        if not self.on:
            return work()
        self.counts[place] += 1
        here = self._here(place)
        if here == "before":
            self._strike(error)
        try:
            return work()
        finally:  # even if the step itself has failed
            if here == "after":
                self._strike(error)

    def _here(self, place: str) -> str | None:
        """Whether the fault comes before or after this step; None if it is another step."""
        named = (self.point.get("place"), self.point.get("number")) == (place, self.counts[place])
        return self.point["when"] if named else None

    def _strike(self, error: Callable[[], Exception]) -> None:
        self.struck()
        if self.point["mode"] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.point["mode"] == "meanwhile":
            self.on = False
            self.meanwhile()
            self.on = True
        else:
            raise error()

    def _call(self, method: Callable, *, listing: bool) -> Callable:
        @wraps(method)
        def call(*args, **more):
            def work():
                result = method(*args, **more)
                return iter(list(result)) if listing else result

            if self._depth:  # another method of the storage called this one
                return work()
            self._depth += 1
            try:
                return self.step("storage", work, error=lambda: StorageError("made to fail"))
            finally:
                self._depth -= 1

        return call

    def _change(self, function: Callable, *, only: Callable[..., bool] = lambda *_: True) -> Callable:
        @wraps(function)
        def change(*args, **more):
            def work():
                return function(*args, **more)

            if not self._depth or not only(*args[1:2]):
                return work()
            return self.step("disk", work, error=lambda: OSError(errno.EIO, "made to fail"))

        return change

    def _watch_requests(self) -> None:
        endpoint = botocore.endpoint.Endpoint
        make_request, send = endpoint.make_request, endpoint._send

        def counted(self_, model, request):
            if self._asked_before:
                self._asked_before = False
            else:
                self._attempt = 0
                if self.on:
                    self.counts["storage"] += 1
            return make_request(self_, model, request)

        def attempted(self_, request):
            self._attempt += 1
            here = self._here("storage") if self.on and (self._attempt == 1 or self.point["mode"] == "error") else None
            if here == "before":
                self._strike(lambda: ConnectTimeoutError(endpoint_url=request.url))
            response = send(self_, request)
            if here == "after":
                self._strike(lambda: ReadTimeoutError(endpoint_url=request.url))
            return response

        endpoint.make_request, endpoint._send = counted, attempted
        self._watch_direct()
        # botocore's pauses between attempts only take time.
        botocore.endpoint.time = SimpleNamespace(sleep=lambda _: None)

    def _watch_direct(self) -> None:
        """A request without botocore is the first attempt at a step. If it fails, botocore's are the further ones."""
        ask = Direct._ask

        def asked(self_, *args, **more):
            if not self.on:
                return ask(self_, *args, **more)
            self.counts["storage"] += 1
            self._attempt = 1
            here, answer = self._here("storage"), None
            with suppress(_Lost):
                if here == "before":
                    self._strike(_Lost)
                answer = ask(self_, *args, **more)
                if here == "after":
                    lost, answer = answer, None
                    self._strike(_Lost)
                    answer = lost
            self._asked_before = answer is None
            return answer

        Direct._ask = asked

    def _watch_commits(self) -> None:
        commit = BaseDatabaseWrapper._commit

        def committed(wrapper):
            return self.step("commit", lambda: commit(wrapper), error=_disconnected)

        def executed(execute, sql, params, many, context):
            def work():
                return execute(sql, params, many, context)

            if connection.in_atomic_block or not WRITES.match(sql):
                return work()
            return self.step("commit", work, error=_disconnected)

        BaseDatabaseWrapper._commit = committed
        connection.execute_wrappers.append(executed)


def _disconnected() -> OperationalError:
    """The error of a lost Postgres. It also breaks the connection, as a lost Postgres does."""
    if connection.vendor == "postgresql":
        connection.connection.close()
        connection.errors_occurred = True
    return OperationalError("made to fail")
