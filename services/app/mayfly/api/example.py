"""The parts of an example: a request, its answer, and what an operation has of them."""

from dataclasses import dataclass
from typing import Any

from ..problems import TABLE


@dataclass(frozen=True, slots=True)
class Example:
    """A request and its answer. `case` names how it comes to that; `when` says it to people.

    `body` and `query` are those of the operation unless the case needs others.
    """

    case: str
    status: int
    answer: Any = None
    when: str = ""
    body: Any = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """All examples of one operation; the first one works."""

    works: Example
    errors: tuple[Example, ...]

    @property
    def all(self) -> tuple[Example, ...]:
        return (self.works, *self.errors)


def error(case: str, status: int, code: str, message: str, when: str, **more: Any) -> Example:
    """An error that the domain or a type gives, by its own words. `field` and `missing` are parts of the answer."""
    parts = {name: more.pop(name) for name in ("field", "missing") if name in more}
    return Example(case, status, {"error": {"code": code, "message": message} | parts}, when, **more)


def entry(name: str, when: str, *, missing: list[int] | None = None, body: object = None, **values: object) -> Example:
    """An error of the table in `problems`, in its English words; `body` is that of the request, if it needs its own."""
    found = TABLE[name]
    text = found.text % values if values else found.text
    message = f"{found.title}. {text}" if found.title else text
    more = {} if missing is None else {"missing": missing}
    return error(name, found.status, found.code, message, when, body=body, **more)
