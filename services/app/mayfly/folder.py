"""Celery's broker in a folder, for `make run`: kombu's, with every message and every table whole at any moment.

kombu makes a message's file and then writes it, and does likewise with the tables of who listens. Whoever reads in
between finds nothing in it, and a worker that finds nothing ends.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from time import monotonic_ns
from uuid import uuid4

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    def _put(self, queue, payload, **kwargs) -> None:
        # As kombu names them, since its reader takes the oldest first; a draft's name is none that it looks for.
        name = f"{monotonic_ns() // 1_000_000}_{uuid4()}.{queue}.msg"
        draft = Path(self.data_folder_out, f"{name}.draft")
        draft.write_text(dumps(payload))
        os.rename(draft, draft.with_suffix(""))

    def _queue_bind(self, *arguments) -> None:
        with self._alone():
            super()._queue_bind(*arguments)

    def _delete(self, *arguments, **named) -> None:
        with self._alone():
            super()._delete(*arguments, **named)

    def get_table(self, exchange):
        with self._alone():
            return super().get_table(exchange)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.control_folder.mkdir(exist_ok=True)
        with open(self.control_folder / ".lock", "w") as lock:
            flock(lock, LOCK_EX)  # until the file is closed
            yield


class Transport(filesystem.Transport):
    Channel = Channel


def register() -> None:
    """Make `folder://` known to kombu."""
    TRANSPORT_ALIASES["folder"] = "mayfly.folder:Transport"
