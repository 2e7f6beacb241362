"""Ask storage about many keys, one after another or several at once, for a bounded time."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from time import monotonic
from typing import TypeVar

from .protocol import NO_ANSWER, NOT_ASKED, StorageError

# Requests of one kind under way at once, from all callers of a process together.
AT_ONCE = 16
# Up to this many keys are asked one after another even by `at_once`: most removals have one or two.
FEW = 4

# Asks storage about a key, and returns what is wrong with it; empty if nothing is. May raise StorageError.
Question = Callable[[str], str]
Answer = TypeVar("Answer")


def one_by_one(question: Question, keys: Sequence[str], *, seconds: float) -> dict[str, str]:
    """Ask the question about each of these keys. Returns what is wrong, by key; every other key is well.

    No question begins later than `seconds` from now: a key whose turn has not come by then is NOT_ASKED.
    """
    stop = monotonic() + seconds
    answers = {key: _answer(question, key) if monotonic() < stop else NOT_ASKED for key in keys}
    return {key: why for key, why in answers.items() if why}


def at_once(question: Question, keys: Sequence[str], *, seconds: float, kind: str) -> dict[str, str]:
    """Ask as `one_by_one` does, but AT_ONCE keys at a time, and end after `seconds`.

    Each `kind` of question has threads of its own, so that one that hangs delays no other.

    A key whose answer has not come by then is NO_ANSWER; its request goes on in its thread until it ends by itself.
    """
    keys = list(dict.fromkeys(keys))
    if len(keys) <= FEW:
        return one_by_one(question, keys, seconds=seconds)
    asked = {key: threads(kind).submit(_answer, question, key) for key in keys}
    try:
        wait(asked.values(), timeout=seconds)
    finally:  # also if the caller's own time ends with an exception
        answers = {key: _answer_so_far(answer) for key, answer in asked.items()}
    return {key: why for key, why in answers.items() if why}


def threads(kind: str) -> ThreadPoolExecutor:
    """The threads of this process for one kind of request: at most AT_ONCE, made as they are needed, and kept."""
    return _threads(os.getpid(), kind)


def in_time(questions: Sequence[Callable[[], Answer]], *, seconds: float, kind: str) -> list[Answer]:
    """The answers to these questions that come within `seconds`, in any order, without those that fail.

    As in `at_once`, a late one goes on in its thread, and each `kind` has threads of its own.
    """
    asked = [threads(kind).submit(question) for question in questions]
    try:
        wait(asked, timeout=seconds)
    finally:
        came = [answer for answer in asked if not answer.cancel() and answer.done()]
    failures = [answer.exception() for answer in came]
    for failure in failures:
        if failure is not None and not isinstance(failure, StorageError):
            raise failure
    return [answer.result() for answer, failure in zip(came, failures, strict=True) if failure is None]


def _answer(question: Question, key: str) -> str:
    try:
        return question(key)
    except StorageError as error:
        return str(error)


def _answer_so_far(answer: Future[str]) -> str:
    if answer.cancel():
        return NOT_ASKED
    return answer.result() if answer.done() else NO_ANSWER


@cache
def _threads(process: int, kind: str) -> ThreadPoolExecutor:
    """A fork has none of its parent's threads, so each process has its own."""
    return ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix=kind)
