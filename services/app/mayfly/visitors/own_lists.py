"""The list of a visitor's own uploads, and whether their token still counts, in one query."""

from typing import Any

from django.db.models import QuerySet, Subquery

from ..uploads.choices import Kind
from ..uploads.limits import PAGE
from ..uploads.listing import Listed, of_box
from ..uploads.models import Upload
from ..uploads.prepared import Prepared
from . import renewals
from .models import Renewal
from .tokens import SHARED, Token


def listed_for(token: Token, kind: Kind) -> list[Listed] | None:
    """The uploads that `listing.listed` finds in the token's box; None if the token was replaced."""
    rows = list(_rows.rows(token.box, kind))
    generation = rows[0][-1] if rows else renewals.generation_of(token.box)
    if token.box != SHARED and generation not in (None, token.generation):
        return None
    return [Listed._make(values) for *values, _ in rows]


def _with_generation(box: str, kind: str) -> QuerySet[Upload, Any]:
    generation = Subquery(Renewal.objects.filter(pk=box).values("generation"))
    return of_box(box, kind).annotate(generation=generation).values_list(*Listed._fields, "generation")[: PAGE + 1]


_rows = Prepared(_with_generation, "the box", "the kind")
