"""The JSON API under /api/: what a client needs to move an upload's parts straight into storage."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from csp.decorators import csp_update
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from ninja import NinjaAPI, Schema, Status
from ninja.errors import HttpError, ValidationError
from ninja.security import HttpBearer
from ninja.utils import check_csrf
from pydantic import ConfigDict, Field, StrictInt

from . import boxes, lifecycle, paths  # noqa: F401  (paths registers what an id looks like)
from .forms import in_words
from .lifecycle import Gone, PartsMissing, Refused
from .models import State, Upload
from .policy import Kind, NotAllowed
from .storage.protocol import StorageError


class Unanswerable(Exception):
    """A request that is answered with an error before it reaches the domain."""

    def __init__(self, status: int, code: str, message: str):
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the box of a token or cookie, or None for somebody who has none yet."""

    box: str | None


class BoxToken(HttpBearer):
    """A token in a header stands for itself; with the cookie, a change needs the CSRF header too.

    Raises Unanswerable: 401 for a token that is not ours, 403 for a request that another site may have made,
    415 for a body of another type than JSON, which a form on another site could send.
    """

    def __call__(self, request: HttpRequest) -> Caller:
        return self.authenticate(request)

    def authenticate(self, request: HttpRequest, token: str = "") -> Caller:
        if request.META.get("CONTENT_LENGTH") not in (None, "", "0") and request.content_type != "application/json":
            raise Unanswerable(415, "not_json", _("Send JSON, with Content-Type: application/json."))
        try:
            box = boxes.from_headers(request)
        except boxes.BadToken:
            raise Unanswerable(401, "bad_token", _("This token is not one of ours.")) from None
        if box is None:
            box = boxes.from_cookie(request)
            if box is not None and check_csrf(request):
                raise Unanswerable(403, "csrf", _("The CSRF header is missing or wrong: X-CSRFToken."))
        return Caller(box)


api = NinjaAPI(
    title="Mayfly",
    auth=BoxToken(),
    version="1",
    description="Uploads that disappear. The box comes as `Authorization: Bearer TOKEN` or in the cookie `box`; "
    "a first `POST /api/uploads` without either makes one and returns its token as `box`.",
    docs_url="/docs",
    docs_decorator=csp_update({"img-src": ["data:"]}),  # Swagger's style sheet has its icons inside
    urls_namespace="api",
)

# What an answer tells of an upload is true until its time is over, and a cache does not know when that is.
api.add_decorator(never_cache, mode="view")

# The most parts that one call signs or names: a page of S3's own listing.
MAX_NUMBERS = 1000


class Strict(Schema):
    """What a client sends: a field that we do not know is an error rather than ignored."""

    model_config = ConfigDict(extra="forbid")


class BeginIn(Strict):
    kind: Kind
    name: str
    size: StrictInt
    type: str = Field("", max_length=255, description="Accepted and not relied on: the first bytes decide.")
    title: str = ""
    lifetime: Annotated[StrictInt, Field(ge=1, le=10**9)] | None = Field(None, description="seconds")


class NumbersIn(Strict):
    numbers: list[StrictInt] = Field(min_length=1, max_length=MAX_NUMBERS)


class UploadOut(Schema):
    id: str
    kind: Kind
    name: str
    title: str
    size: int
    type: str | None
    state: State
    created_at: datetime
    expires_at: datetime
    link: str
    download: str
    preview: str | None


class TransferOut(Schema):
    part_size: int
    parts: int


class BegunOut(UploadOut):
    transfer: TransferOut
    box: str | None = Field(None, description="The token of the box, where this call made one.")


class PartOut(Schema):
    number: int
    size: int


class PartsOut(Schema):
    parts: list[PartOut]


class SignedPartOut(PartOut):
    url: str
    headers: dict[str, str]


class SignedPartsOut(Schema):
    parts: list[SignedPartOut]


class UploadsOut(Schema):
    uploads: list[UploadOut]


class Problem(Schema):
    code: str
    message: str
    field: str | None = None
    missing: list[int] | None = Field(None, description="With 409: the numbers that storage does not have.")


class ProblemOut(Schema):
    error: Problem


def problem(status: int, code: str, message: str, **more) -> HttpResponse:
    """An error as every route of ours gives it."""
    return api.create_response(None, {"error": {"code": code, "message": message} | more}, status=status)


def owned(request: HttpRequest, upload_id: str) -> Upload:
    """The caller's upload with this id. A stranger's and none at all are the same 404."""
    box = request.auth.box
    if box is None:
        raise Unanswerable(401, "no_box", _("Send the token of your box: Authorization: Bearer TOKEN."))
    upload = Upload.objects.of(box).filter(pk=upload_id).first()
    if upload is None:
        raise Http404
    return upload


PROBLEMS = {frozenset({400, 401, 403, 404, 409, 410, 413, 415, 422, 429, 503}): ProblemOut}


@api.post("/uploads", response={201: BegunOut} | PROBLEMS, exclude_none=False, summary="Begin an upload")
def begin(request: HttpRequest, data: BeginIn):
    """The upload is pending until its parts have arrived and it is completed."""
    made = request.auth.box is None
    box = request.auth.box or boxes.new()
    upload = lifecycle.begin(
        box=box,
        address=boxes.address_of(request),
        kind=data.kind,
        name=data.name,
        size=data.size,
        title=data.title,
        lifetime=None if data.lifetime is None else timedelta(seconds=data.lifetime),
        storage=default_storage,
    )
    transfer = {"part_size": upload.part_size, "parts": upload.plan.count}
    token = {"box": boxes.token_of(box)} if made else {}
    return Status(201, shown(request, upload) | {"transfer": transfer} | token)


@api.post("/uploads/{upload:upload_id}/parts", response={200: SignedPartsOut} | PROBLEMS, summary="Sign part URLs")
def sign_parts(request: HttpRequest, upload_id: str, data: NumbersIn):
    """For each number a URL to PUT exactly `size` bytes to, with `headers`; ask again when it has expired."""
    parts = lifecycle.sign_parts(owned(request, upload_id), data.numbers, storage=default_storage)
    return {
        "parts": [
            {"number": part.number, "size": part.size, "url": absolute(request, part.url), "headers": part.headers}
            for part in parts
        ]
    }


@api.get("/uploads/{upload:upload_id}/parts", response={200: PartsOut} | PROBLEMS, summary="List the arrived parts")
def list_parts(request: HttpRequest, upload_id: str):
    """What storage already has, for resuming."""
    parts = lifecycle.arrived(owned(request, upload_id), storage=default_storage)
    return {"parts": [{"number": part.number, "size": part.size} for part in parts]}


@api.post("/uploads/{upload:upload_id}/complete", response={200: UploadOut} | PROBLEMS, summary="Complete an upload")
def complete(request: HttpRequest, upload_id: str):
    """Ready once every part is there as declared: 409 names what is missing, 422 says why it was refused."""
    return shown(request, lifecycle.complete(owned(request, upload_id), storage=default_storage))


@api.get("/uploads", response={200: UploadsOut} | PROBLEMS, summary="List the box's live uploads")
def list_uploads(request: HttpRequest, kind: Kind | None = None):
    """Newest first."""
    box = request.auth.box
    uploads = Upload.objects.of(box).live() if box else Upload.objects.none()
    if kind is not None:
        uploads = uploads.filter(kind=kind)
    return {"uploads": [shown(request, upload) for upload in uploads]}


@api.get("/uploads/{upload:upload_id}", response={200: UploadOut} | PROBLEMS, summary="One upload")
def one(request: HttpRequest, upload_id: str):
    """Pending or live; 410 once it is gone, 422 where it was refused because it cannot be shown."""
    upload = owned(request, upload_id)
    if upload.refusal:
        raise Refused(upload.why_refused)
    in_time = Upload.objects.pending() | Upload.objects.live()
    if not in_time.filter(pk=upload.pk).exists():
        raise Gone
    return shown(request, upload)


@api.delete("/uploads/{upload:upload_id}", response={204: None} | PROBLEMS, summary="Remove one upload")
def delete(request: HttpRequest, upload_id: str):
    """At once, whatever its state; again is no error."""
    lifecycle.remove(owned(request, upload_id), storage=default_storage)
    return Status(204, None)


@api.delete("/uploads", response={204: None} | PROBLEMS, summary="Clear the box")
def clear(request: HttpRequest, kind: Kind | None = None):
    """All of the box's uploads, or all of one kind, transfers under way too."""
    if request.auth.box:
        lifecycle.clear(box=request.auth.box, kind=kind, storage=default_storage)
    return Status(204, None)


def shown(request: HttpRequest, upload: Upload) -> dict:
    """An upload as UploadOut has it."""
    return {
        "id": upload.pk,
        "kind": upload.kind,
        "name": upload.name,
        "title": upload.title,
        "size": upload.size,
        "type": upload.content_type or None,
        "state": upload.state,
        "created_at": upload.created_at,
        "expires_at": upload.expires_at,
        "link": absolute(request, reverse("share", args=[upload.pk])),
        "download": absolute(request, reverse("download", args=[upload.pk])),
        "preview": absolute(request, reverse("preview", args=[upload.pk])) if upload.has_preview else None,
    }


def absolute(request: HttpRequest, url: str) -> str:
    """A path of ours with our host; a storage's own URL as it is, since it is signed with its host."""
    return request.build_absolute_uri(url) if url.startswith("/") else url


@api.exception_handler(Unanswerable)
def on_unanswerable(request: HttpRequest, error: Unanswerable) -> HttpResponse:
    return problem(error.status, error.code, error.message)


@api.exception_handler(ValidationError)
def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0]
    field = ".".join(str(place) for place in first["loc"] if place not in ("body", "data", "query", "path"))
    return problem(400, "invalid", first["msg"], **({"field": field} if field else {}))


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, "invalid", str(error))


@api.exception_handler(NotAllowed)
def on_not_allowed(request: HttpRequest, error: NotAllowed) -> HttpResponse:
    more = {"field": error.field} if error.field else {}
    return problem(error.status, error.code, str(error), **more)


@api.exception_handler(PartsMissing)
def on_parts_missing(request: HttpRequest, error: PartsMissing) -> HttpResponse:
    message = _("%d parts have not arrived yet.") % len(error.numbers)
    return problem(409, "parts_missing", message, missing=error.numbers[:MAX_NUMBERS])


@api.exception_handler(Refused)
def on_refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return problem(422, "refused", str(error))


@api.exception_handler(Gone)
def on_gone(request: HttpRequest, error: Gone) -> HttpResponse:
    return problem(410, "gone", _("This upload has expired, or was removed."))


@api.exception_handler(Upload.DoesNotExist)  # purged while we were at it
@api.exception_handler(Http404)
def on_not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(404, "not_found", _("There is no such upload in your box."))


@api.exception_handler(StorageError)
def on_storage_error(request: HttpRequest, error: StorageError) -> HttpResponse:
    response = problem(503, "storage", in_words(error))
    response["Retry-After"] = "60"
    return response
