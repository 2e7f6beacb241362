"""Limits on the rate of requests to a page."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from ..problems import problem_of
from ..visitors.addresses import address_of
from ..visitors.rates import Rate, TooMany, take
from .errors import answer

View = Callable[..., HttpResponseBase]


def limited(rate: Rate, *methods: str) -> Callable[[View], View]:
    """Answer 429 in place of the view if an address makes too many requests by one of these methods."""

    def decorate(view: View) -> View:
        @wraps(view)
        def decorated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in methods:
                try:
                    take(rate, address=address_of(request))
                except TooMany as error:
                    return answer(request, problem_of(error))
            return view(request, *args, **kwargs)

        return decorated

    return decorate
