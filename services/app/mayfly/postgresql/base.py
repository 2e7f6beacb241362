"""The connection to Postgres. Django looks for `DatabaseWrapper` in a module of this name."""

import select
import time

from django.db.backends.postgresql import base

# A firewall may drop a connection on which nothing has moved for minutes, and then no end of it shows.
RECENT = 30  # seconds


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but a request to a busy process begins without a question to Postgres."""

    _looked_at = float("-inf")

    def is_usable(self) -> bool:
        """Whether the connection from the last request still works.

        A server that stops closes its connections, and the end of a connection can be read. So while there is nothing
        to read, a connection in use works. Postgres is asked after an error, after RECENT seconds without a look, and
        if there is something to read.
        """
        now = time.monotonic()
        recent = now - self._looked_at < RECENT
        self._looked_at = now
        return (recent and not self.errors_occurred and self._is_quiet()) or super().is_usable()

    def _is_quiet(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        socket = select.poll()
        socket.register(self.connection.fileno(), select.POLLIN)
        return not socket.poll(0)
