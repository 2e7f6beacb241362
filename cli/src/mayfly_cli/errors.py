"""The ways in which a command fails, each with its exit status."""


class Failure(Exception):
    """A sentence for the user. `status` is the exit status of the command."""

    status = 1


class Refused(Failure):
    """The server refused a request. `code` is its word for the reason, `missing` the parts that it lacks."""

    def __init__(self, words: str, *, http: int, code: str = "", missing: tuple[int, ...] = ()):
        super().__init__(words)
        self.http, self.code, self.missing = http, code, missing
        if http in (404, 410):
            self.status = 4


class Unreachable(Failure):
    """The server or its storage did not answer for as long as the command waits. It can be repeated."""

    status = 3


class Locked(Failure):
    """A password is missing, or is not the one."""

    status = 5


class Stopped(Failure):
    """Ctrl-C."""

    status = 130
