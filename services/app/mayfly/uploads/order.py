"""The order of keys. S3 lists them in the order of their bytes in UTF-8, and so do Python and both databases here."""

from typing import Any

from django.db.models import Func
from django.db.models.sql.compiler import SQLCompiler


class ByteOrder(Func):
    """A text, to be sorted and compared by its bytes in UTF-8, whatever collation the database has.

    Postgres with en_US sorts `a` before `B`; S3 sorts it after. Python compares code points, which is the same order.
    """

    template = '%(expressions)s COLLATE "C"'
    arity = 1

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="%(expressions)s COLLATE BINARY", **context)
