"""Pages are for their visitor alone, and only for the moment."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponseBase

View = Callable[..., HttpResponseBase]


def never_stored(view: View) -> View:
    """Let no cache keep what the view answers.

    Django's `never_cache` adds an Expires and four more directives, which say no more than no-store does, and takes
    half as long as the query of a list.
    """

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        response.headers["Cache-Control"] = "no-store, private"
        return response

    return answer
