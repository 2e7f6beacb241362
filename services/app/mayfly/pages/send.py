"""`curl -T name URL` and `curl -F file=@name URL`: the body has files, and the answer their links."""

from collections.abc import Iterator, Sequence

from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from .. import bodies, links
from ..problems import Unanswerable, problem_of
from ..storage.default import uploads_storage
from ..storage.protocol import StorageError
from ..uploads import lifecycle
from ..uploads.choices import Kind, State
from ..uploads.errors import NotAllowed, UploadError
from ..uploads.formats import format_size
from ..uploads.guarded import Protection
from ..uploads.limits import limits
from ..uploads.models import Upload
from ..uploads.receiving import Receiver
from ..uploads.rules import check_size
from ..visitors import boxes
from ..visitors.addresses import address_of
from ..visitors.rates import Rate, TooMany, take
from ..visitors.senders import check_sender
from ..visitors.tokens import Token
from . import choices, deletion
from .caching import never_stored
from .forms import IntoStorage, UploadForm, body_length
from .lists import home, page_called

# How much of a body is read at a time, in bytes. gunicorn copies all that has arrived with each read.
CHUNK = 256 * 1024
UNNAMED = "stdin"  # the name of a file that comes from a pipe to the bare address
REFUSALS = (Unanswerable, TooMany, UploadError, StorageError, UnreadablePostError)


@csrf_exempt  # see `put` and `post`
def root(request: HttpRequest) -> HttpResponseBase:
    """The bare address: a browser comes to a page, `curl -T -` and `curl -F` send files."""
    if request.method == "PUT":
        return put(request, UNNAMED)
    return post(request) if request.method == "POST" else home(request)


@never_stored
@csrf_exempt  # the box comes in a header, which no other site can send; the cookie is not read
def put(request: HttpRequest, name: str) -> HttpResponse:
    """Stream the body into a file of this name. The length of the body may be unknown, as that of a pipe is.

    X-Box-Token puts it into a box, and the answer returns the token. X-Title, X-Lifetime (in seconds), X-Password and
    X-Downloads are choices.
    """
    if request.method != "PUT":
        return page_called(request, name)
    try:
        token = _token_of(request)
        upload = _received(request, name, token)
    except REFUSALS as error:
        return problem_of(error).as_line()
    return _links(request, [upload], token)


@never_stored
@csrf_exempt  # the cookie is not read; a page of another site is refused, although it could only make a new box
def post(request: HttpRequest) -> HttpResponse:
    """Stream the files of a form into a box. Its fields and headers are those of the pages' form and of `put`.

    A file that cannot be accepted has a line with the reason after the links of the others.
    """
    try:
        token = _token_of(request)
        if links.comes_from_elsewhere(request):
            raise Unanswerable("wrong_origin", expected=links.site(request))
        incoming = IntoStorage(request, box=token.box, sender=token.sender, kind=Kind.FILE, storage=uploads_storage)
        _check_form(request)
        incoming.attach()
        try:
            uploads = _received_form(request, incoming)
        finally:
            incoming.cancel()
    except REFUSALS as error:
        return problem_of(error).as_line()
    return _links(request, uploads, token, incoming)


def _token_of(request: HttpRequest) -> Token:
    try:
        return boxes.sender_of(request) or Token(boxes.new())
    except boxes.BadToken:
        raise Unanswerable("bad_token") from None


def _received(request: HttpRequest, name: str, token: Token) -> Upload:
    most = min(limits.form_size, limits.size(Kind.FILE))
    size = body_length(request)
    if size is None and not _is_chunked(request):
        raise Unanswerable("length_missing")
    if size is not None and size > limits.form_size:
        raise _too_large(limits.form_size)
    chosen = choices.from_headers(request)
    address = address_of(request)
    take(Rate.UPLOADS, address=address, box=token.box)
    chunks = _chunks(request) if size is not None else _chunks_of_unknown_length(request, most)
    first = next(chunks, b"")  # before a row and a transfer exist, which a client who sends nothing should not cost
    check_size(Kind.FILE, len(first))
    check_sender(request)
    upload = lifecycle.begin(
        box=token.box,
        sender=token.sender,
        address=address,
        kind=Kind.FILE,
        name=name,
        size=most if size is None else size,
        title=chosen.title,
        lifetime=chosen.lifetime,
        protection=Protection.chosen(password=chosen.password, downloads=chosen.downloads),
        storage=uploads_storage,
    )
    receiver = Receiver(upload, storage=uploads_storage)
    try:
        receiver.write(first)
        for chunk in chunks:
            receiver.write(chunk)
        return receiver.finish(whole=size is not None)
    finally:
        receiver.cancel()


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    while chunk := request.read(CHUNK):
        yield chunk


def _chunks_of_unknown_length(request: HttpRequest, most: int) -> Iterator[bytes]:
    """The body past Django, which takes a body without a length for an empty one."""
    if line := bodies.current():
        line.most = 2 * most  # framing may be as much again
    received = 0
    while chunk := _read(request):
        received += len(chunk)
        if received > most:
            raise _too_large(most)
        yield chunk


def _read(request: HttpRequest) -> bytes:
    try:
        chunk: bytes = request.META["wsgi.input"].read(CHUNK)
        return chunk
    except Exception as error:  # gunicorn has many for a lost connection and for chunks that are none
        raise UnreadablePostError(*error.args) from error


def _is_chunked(request: HttpRequest) -> bool:
    """Whether the body has a length of its own making, and the server finds its end."""
    return not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated", False)


def _too_large(most: int) -> Unanswerable:
    return Unanswerable("body_too_large", limit=format_size(most))


def _check_form(request: HttpRequest) -> None:
    """Raise Unanswerable if the body is no form with files, or has no length or a too large one."""
    if request.content_type != "multipart/form-data":
        raise Unanswerable("no_file", site=links.site(request))
    length = body_length(request)
    if length is None:
        raise Unanswerable("length_missing")
    if length > limits.form_size:
        raise _too_large(limits.form_size)


def _received_form(request: HttpRequest, incoming: IntoStorage) -> list[Upload]:
    """The files of the form that are ready. The others are in `incoming.refusals`."""
    chosen = choices.from_headers(request)
    form = UploadForm(request.POST)  # reads the body
    if not form.is_valid():
        raise NotAllowed("invalid", " ".join(str(why) for found in form.errors.values() for why in found))
    uploads = [file.receiver.upload for file in incoming.incoming]
    if not uploads and not incoming.refusals:
        raise Unanswerable("no_file", site=links.site(request))
    incoming.finish(**{name: value or getattr(chosen, name, value) for name, value in form.cleaned_data.items()})
    return [upload for upload in uploads if upload.state == State.READY]


def _links(
    request: HttpRequest, uploads: Sequence[Upload], token: Token, incoming: IntoStorage | None = None
) -> HttpResponse:
    """A link a line, and a line for each file that was refused. One file alone has its addresses in headers too."""
    lines = [links.absolute(request, reverse("share", args=[upload.pk])) for upload in uploads]
    status, headers = 201, {"X-Box-Token": token.signed()}
    if len(lines) == 1:
        headers["Location"] = lines[0]
        if not token.sender:  # a token that may only send deletes nothing
            headers["X-Delete"] = deletion.link(request, uploads[0])
    if incoming and (incoming.refusals or incoming.first_beyond):
        status, headers = incoming.status, headers | incoming.headers
        lines += [f"{name}: {why}" for name, why in incoming.refusals]
        lines += [incoming.left_out] if incoming.left_out else []
    text = "".join(f"{line}\n" for line in lines)
    return HttpResponse(text, status=status, headers=headers, content_type="text/plain; charset=utf-8")
