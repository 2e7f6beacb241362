"""`curl -T name URL`: the body is a file, and the answer its link."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from .. import links
from ..problems import Unanswerable, problem_of
from ..storage.default import uploads_storage
from ..storage.protocol import StorageError
from ..uploads import lifecycle
from ..uploads.choices import Kind
from ..uploads.errors import UploadError
from ..uploads.formats import format_size
from ..uploads.limits import limits
from ..uploads.models import Upload
from ..uploads.receiving import Receiver
from ..visitors import boxes
from ..visitors.addresses import address_of
from ..visitors.rates import Rate, TooMany, take
from ..visitors.tokens import Token
from .caching import never_stored
from .forms import body_length, lifetime_given
from .lists import page_called
from .protecting import protection_from_headers

CHUNK = 64 * 1024  # how much of a body is in memory at a time, in bytes


@never_stored
@csrf_exempt  # the box comes in a header, which no other site can send; the cookie is not read
def put(request: HttpRequest, name: str) -> HttpResponse:
    """Stream the body into a file of this name.

    X-Box-Token puts it into a box, and the answer returns the token. `?lifetime=` has seconds, as in the API.
    X-Password and X-Downloads protect it.
    """
    if request.method != "PUT":
        return page_called(request, name)
    try:
        token = _token_of(request)
        upload = _received(request, name, token)
    except (Unanswerable, TooMany, UploadError, StorageError, UnreadablePostError) as error:
        return problem_of(error).as_line()
    link = links.absolute(request, reverse("share", args=[upload.pk]))
    response = HttpResponse(f"{link}\n", status=201, content_type="text/plain; charset=utf-8")
    response["X-Box-Token"] = token.signed()
    return response


def _token_of(request: HttpRequest) -> Token:
    try:
        return boxes.sender_of(request) or Token(boxes.new())
    except boxes.BadToken:
        raise Unanswerable("bad_token") from None


def _received(request: HttpRequest, name: str, token: Token) -> Upload:
    size = body_length(request)
    if size is None:
        raise Unanswerable("length_missing")
    if size > limits.form_size:
        raise Unanswerable("body_too_large", limit=format_size(limits.form_size))
    lifetime = lifetime_given(request.GET.get("lifetime", ""))
    address = address_of(request)
    take(Rate.UPLOADS, address=address, box=token.box)
    chunks = _chunks(request)
    protection = protection_from_headers(request)
    first = next(chunks, b"")  # before a row and a transfer exist, which a client who sends nothing should not cost
    upload = lifecycle.begin(
        box=token.box,
        sender=token.sender,
        address=address,
        kind=Kind.FILE,
        name=name,
        size=size,
        lifetime=lifetime,
        protection=protection,
        storage=uploads_storage,
    )
    receiver = Receiver(upload, storage=uploads_storage)
    try:
        receiver.write(first)
        for chunk in chunks:
            receiver.write(chunk)
        return receiver.finish(whole=True)
    finally:
        receiver.cancel()


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    while chunk := request.read(CHUNK):
        yield chunk
