"""Queries that nearly every request asks, with other values: Django makes the SQL of each once a thread.

To make the SQL takes Django up to ten times the processor time that the database and the rows take together.
"""

import threading
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import QuerySet


class Prepared(threading.local):
    """A query for values that are not known yet. A thread has its own, as it has its own connection.

    `make` returns a query set of tuples for some values, which are texts. It is called once, with the `names` in their
    places, so it may do nothing with a value but compare it, and no other value of the query may be such a name.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], *names: str):
        self._make, self._names = make, names

    def rows(self, *values: str) -> Iterable[Any]:
        """The rows for these values, in the order of the names."""
        compiler, sql, parameters, converters = self._compiled
        given = dict(zip(self._names, values, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(sql, [given.get(parameter, parameter) for parameter in parameters])
            rows = cursor.fetchall()
        return compiler.apply_converters(rows, converters) if converters else rows  # type: ignore[no-any-return]

    @cached_property
    def _compiled(self) -> tuple[Any, str, tuple[Any, ...], dict[int, Any]]:
        compiler = self._make(*self._names).query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        return compiler, sql, parameters, compiler.get_converters(column for column, _, _ in compiler.select)
