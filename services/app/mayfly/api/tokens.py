"""The tokens of a box: a new one that ends all others, and one that may only send uploads."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from ..problems import Unanswerable
from ..uploads.ids import new_id
from ..visitors import boxes, renewals
from ..visitors.addresses import address_of
from ..visitors.rates import Rate, take
from ..visitors.tokens import Token
from .auth import box_of, caller_of
from .schemas import PROBLEMS, TokenIn, TokenOut

router = Router(tags=["Box"])
ALL = TokenIn(scope="all")  # a call without a body means this


@router.post("/token", response={201: TokenOut} | PROBLEMS, exclude_none=False, summary="Get a new token")
def make(request: HttpRequest, response: HttpResponse, data: TokenIn = ALL) -> Status[dict[str, Any]]:
    """With `all`, a new token of the box. All its earlier tokens, those that only send, and its cookies stop at once.
    Its webhooks are removed.

    If the box came by the cookie, the new token becomes that cookie, and `token` is null.

    With `upload`, a token that may begin uploads, send and complete them, and look at these alone. It cannot list,
    change or delete. Earlier tokens stay, and it stops with them.
    """
    take(Rate.TOKENS, address=address_of(request))
    box = box_of(request)
    if box is None:
        raise Unanswerable("box_needed")
    if settings.SHARED_BOX:
        raise Unanswerable("shared_box")
    caller = caller_of(request)
    if data.scope == "upload":
        generation = caller.token.generation if caller.token else renewals.generation_of(box) or ""
        return Status(201, {"token": Token(box, generation, sender=new_id()).signed(), "scope": data.scope})
    token = renewals.renew(box)
    if caller.token:
        return Status(201, {"token": token.signed(), "scope": data.scope})
    boxes.give(request, response, token)
    return Status(201, {"token": None, "scope": data.scope})
