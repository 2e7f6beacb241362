"""Queries that nearly every request asks, with other values: Django makes the SQL of each once a thread.

To make the SQL takes Django up to ten times the processor time that the database and the rows take together. Postgres
in turn takes several times as long to plan such a query as to answer it, so it keeps the plan, for each connection.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

logger = logging.getLogger(__name__)

# The codes of Postgres for a query that it does not have under its name, for a name that it has already, and for a plan
# whose columns a migration has changed meanwhile.
LOST = ("26000", "42P05", "0A000")


class _Compiled(NamedTuple):
    compiler: Any
    sql: str
    parameters: tuple[Any, ...]
    converters: dict[int, Any]


class _Planned(NamedTuple):
    sql: str
    constants: list[Any]
    call: str


class Prepared(threading.local):
    """A query for values that are not known yet. A thread has its own, as it has its own connection.

    `make` returns a query set of tuples for some values, which are texts. It is called once, with the `names` in their
    places, so it may do nothing with a value but compare it, and no other value of the query may be such a name.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], *names: str):
        self._make, self._names = make, names
        self._planned_by: object = None

    def rows(self, *values: str) -> Iterable[Any]:
        """The rows for these values, in the order of the names."""
        compiler, converters = self._compiled.compiler, self._compiled.converters
        with connection.cursor() as cursor:
            if not self._has_asked_planned(cursor, values):
                given = dict(zip(self._names, values, strict=True))
                cursor.execute(self._compiled.sql, [given.get(one, one) for one in self._compiled.parameters])
            rows = cursor.fetchall()
        return compiler.apply_converters(rows, converters) if converters else rows  # type: ignore[no-any-return]

    @cached_property
    def _compiled(self) -> _Compiled:
        compiler = self._make(*self._names).query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters(column for column, _, _ in compiler.select)
        return _Compiled(compiler, sql, parameters, converters)

    def _has_asked_planned(self, cursor: CursorWrapper, values: Sequence[str]) -> bool:
        """Whether the server has answered by a plan that it has kept. An error in a transaction would end that."""
        if not _plans.kept or connection.vendor != "postgresql" or connection.in_atomic_block:
            return False
        try:
            if self._planned_by is not connection.connection:
                self._plan()
            cursor.execute(self._planned.call, values)
        except DatabaseError as error:
            if getattr(error.__cause__, "pgcode", "") not in LOST:
                raise
            logger.warning("Postgres loses plans, to a pooler or a migration, so each query is planned anew: %s", error)
            _plans.kept = False
        return _plans.kept

    @cached_property
    def _planned(self) -> _Planned:
        first, *pieces = self._compiled.sql.split("%s")
        sql, constants = first, []
        for piece, parameter in zip(pieces, self._compiled.parameters, strict=True):
            if parameter in self._names:
                sql += f"${self._names.index(parameter) + 1}{piece}"
            else:
                constants.append(parameter)
                sql += f"%s{piece}"
        # Behind a pooler another process may have given the server a query of this name: then it is the same query.
        table = self._compiled.compiler.query.model._meta.db_table
        name = f"{table}_{sha256(f'{sql} {constants}'.encode()).hexdigest()[:16]}"
        places = ", ".join(["%s"] * len(self._names))
        return _Planned(f"PREPARE {name} AS {sql}", constants, f"EXECUTE {name} ({places})")

    def _plan(self) -> None:
        with connection.wrap_database_errors, connection.connection.cursor() as cursor:
            cursor.execute(self._planned.sql, self._planned.constants)
        self._planned_by = connection.connection


class _Plans:
    """Whether this process lets the server keep plans."""

    kept = True


_plans = _Plans()
