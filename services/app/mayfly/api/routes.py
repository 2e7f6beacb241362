"""The JSON API under /api/, by which clients move the parts of an upload straight into storage."""

import json
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any

from csp.decorators import csp_update
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.urls import reverse
from django.views.decorators.cache import never_cache
from ninja import Header, NinjaAPI, Query, Status
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from .. import __version__
from ..bundles.reading import know_guards
from ..links import absolute
from ..problems import Problem, Unanswerable, problem_of
from ..storage.default import uploads_storage
from ..storage.protocol import Part, SignedPart, StorageError
from ..uploads import lifecycle
from ..uploads.choices import Kind, State
from ..uploads.errors import Gone, Refused, UploadError
from ..uploads.guarded import Protection
from ..uploads.limits import PAGE
from ..uploads.models import Upload
from ..uploads.paging import page_after
from ..uploads.repeats import Ask
from ..visitors import boxes
from ..visitors.addresses import address_of
from ..visitors.rates import Rate, TooMany, take
from ..visitors.senders import check_sender
from .auth import BoxToken, SendingToken, box_of, caller_of, owned, token_for
from .document import GROUPS, Page, with_examples
from .schemas import (
    PROBLEMS,
    BeginIn,
    BegunOut,
    ChangeIn,
    CompleteIn,
    NumbersIn,
    PartsOut,
    SignedPartsOut,
    UploadOut,
    UploadsOut,
)
from .tokens import router as tokens
from .webhooks import router as webhooks

NOTHING = CompleteIn(etag="")  # a call without a body means this


class Api(NinjaAPI):
    """The API with its document made once a process, because a making takes 65 ms and needs no login."""

    @cached_property
    def _document(self) -> OpenAPISchema:
        return with_examples(super().get_openapi_schema())

    def get_openapi_schema(self, **_: Any) -> OpenAPISchema:
        return self._document


api = Api(
    title="Mayfly",
    auth=BoxToken(),
    version=__version__,
    description="Uploads that disappear. Send the box as `Authorization: Bearer TOKEN` or in the cookie `box`. "
    "A first `POST /api/uploads` without either makes one and returns its token as `box`.",
    docs=Page(),
    docs_url="/docs",
    docs_decorator=csp_update({"img-src": ["data:"]}),  # Swagger's style sheet has its icons inside
    urls_namespace="api",
    openapi_extra={"tags": [{"name": name, "description": words} for name, words in GROUPS.items()]},
)

api.add_router("/box", tokens)
api.add_router("/webhooks", webhooks)

# An answer about an upload is true until the upload expires, and a cache does not know when that is.
api.add_decorator(never_cache, mode="view")


@api.post(
    "/uploads",
    auth=SendingToken(),
    response={201: BegunOut} | PROBLEMS,
    exclude_none=False,
    summary="Begin an upload",
    tags=["Send"],
)
def begin(
    request: HttpRequest,
    data: BeginIn,
    idempotency_key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            description="16 to 200 visible characters of your choice, as a UUID has. The same key with the same body"
            " gives the same upload again, so a call whose answer was lost may be repeated.",
        ),
    ] = "",
) -> Status[dict[str, Any]]:
    """The upload stays pending until its parts have arrived and it is completed.

    `first` has the signed URLs of its first parts, so a small file needs no other call before its bytes.
    """
    token = caller_of(request).token
    known = box_of(request)
    address = address_of(request)
    take(Rate.UPLOADS, address=address, box=known)
    check_sender(request)
    sender = token.sender if token else ""
    client = f"box {known} {sender}" if known else f"address {address}"
    # Without the password itself: a quick hash of it is not to be kept.
    body = json.dumps(data.model_dump() | {"password": bool(data.password)}, sort_keys=True)
    ask = Ask.of(client, idempotency_key, body) if idempotency_key else None
    upload = ask and lifecycle.begun_before(ask, storage=uploads_storage)
    upload = upload or lifecycle.begin(
        box=known or boxes.new(),
        address=address,
        sender=sender,
        kind=data.kind,
        name=data.name,
        size=data.size,
        title=data.title,
        lifetime=None if data.lifetime is None else timedelta(seconds=data.lifetime),
        protection=Protection.chosen(password=data.password, downloads=data.downloads),
        ask=ask,
        keep_metadata=data.metadata == "keep",
        bundle=data.bundle,
        storage=uploads_storage,
    )
    is_pending = upload.state == State.PENDING  # the repeated call may be about one that is ready since
    first = lifecycle.sign_first(upload, storage=uploads_storage) if is_pending else []
    transfer = {
        "part_size": upload.part_size,
        "parts": upload.plan.count,
        "first": [_signed(request, part) for part in first],
    }
    return Status(201, shown(request, upload) | {"transfer": transfer, "box": token_for(request, upload.box)})


@api.post(
    "/uploads/{upload:upload_id}/parts",
    auth=SendingToken(),
    response={200: SignedPartsOut} | PROBLEMS,
    summary="Sign part URLs",
    tags=["Send"],
)
def sign_parts(request: HttpRequest, upload_id: str, data: NumbersIn) -> dict[str, Any]:
    """For each number, a URL that accepts a PUT of exactly `size` bytes with `headers`. Ask again if it expires."""
    parts = lifecycle.sign_parts(owned(request, upload_id), data.numbers, storage=uploads_storage)
    return {"parts": [_signed(request, part) for part in parts]}


@api.get(
    "/uploads/{upload:upload_id}/parts",
    auth=SendingToken(),
    response={200: PartsOut} | PROBLEMS,
    summary="List the arrived parts",
    tags=["Send"],
)
def list_parts(request: HttpRequest, upload_id: str) -> dict[str, Any]:
    """The parts that storage already has, so that a client can resume."""
    parts = lifecycle.arrived(owned(request, upload_id), storage=uploads_storage)
    return {"parts": [{"number": part.number, "size": part.size} for part in parts]}


@api.post(
    "/uploads/{upload:upload_id}/complete",
    auth=SendingToken(),
    response={200: UploadOut} | PROBLEMS,
    summary="Complete an upload",
    tags=["Send"],
)
def complete(request: HttpRequest, upload_id: str, data: CompleteIn = NOTHING) -> dict[str, Any]:
    """Turn it ready if every part has arrived as declared. 409 lists the missing parts; 422 says why it was refused."""
    upload = owned(request, upload_id)
    sent = [Part(1, upload.size, data.etag)] if data.etag else []
    return shown(request, lifecycle.complete(upload, sent=sent, storage=uploads_storage))


@api.get("/uploads", response={200: UploadsOut} | PROBLEMS, summary="List the box's live uploads", tags=["Look"])
def list_uploads(
    request: HttpRequest,
    kind: Annotated[Kind | None, Query(description="Only these.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE, description="How many a page has, at most.")] = PAGE,
    cursor: Annotated[str, Query(description="The `next` of the page before.")] = "",
) -> dict[str, Any]:
    """Newest first, a page at a time. `next` of a page is the `cursor` of the one after it."""
    box = box_of(request)
    if box is None:
        return {"uploads": [], "next": None}
    own = Upload.objects.of(box)
    if kind is not None:
        own = own.filter(kind=kind)
    page = page_after(own, cursor, limit=limit)
    know_guards(page.uploads)
    return {"uploads": [shown(request, upload) for upload in page.uploads], "next": page.older}


@api.get(
    "/uploads/{upload:upload_id}",
    auth=SendingToken(),
    response={200: UploadOut} | PROBLEMS,
    summary="One upload",
    tags=["Look"],
)
def get_upload(request: HttpRequest, upload_id: str) -> dict[str, Any]:
    """A pending or live upload; 410 once it is gone, 422 if it was refused because it cannot be shown."""
    upload = owned(request, upload_id)
    if upload.refusal:
        raise Refused(upload.why_refused)
    if not (upload.is_pending or upload.is_live):
        raise Gone
    return shown(request, upload)


@api.patch(
    "/uploads/{upload:upload_id}", response={200: UploadOut} | PROBLEMS, summary="Change one upload", tags=["Change"]
)
def change(request: HttpRequest, upload_id: str, data: ChangeIn) -> dict[str, Any]:
    """Change the title of a pending or live upload, how long it is kept, or its protection; 410 once it is gone.

    A live one expires `lifetime` seconds after it was completed, at most the longest lifetime that this site allows.
    """
    take(Rate.CHANGES, address=address_of(request))
    upload = owned(request, upload_id)
    lifetime = None if data.lifetime is None else timedelta(seconds=data.lifetime)
    changed = lifecycle.change(
        upload, title=data.title, lifetime=lifetime, password=data.password, downloads=data.downloads
    )
    return shown(request, changed)


@api.delete(
    "/uploads/{upload:upload_id}", response={204: None} | PROBLEMS, summary="Remove one upload", tags=["Delete"]
)
def delete(request: HttpRequest, response: HttpResponse, upload_id: str) -> Status[None]:
    """Remove it at once, whatever its state. Repeating the call is no error while its receipt is kept.

    If storage does not let go of its bytes within some seconds, they are removed later, and the answer says so:
    `X-Being-Deleted: 1`. Nothing offers them meanwhile.
    """
    upload = owned(request, upload_id)
    lifecycle.remove(upload, storage=uploads_storage)
    return removed(response, left=Upload.objects.removing().filter(pk=upload.pk).count())


@api.delete("/uploads", response={204: None} | PROBLEMS, summary="Clear the box", tags=["Delete"])
def clear(request: HttpRequest, response: HttpResponse, kind: Kind | None = None) -> Status[None]:
    """Remove all of the box's uploads, or all of one kind, including transfers in progress.

    All are out of sight at once. If there are more than storage removes in some seconds, the rest is removed later,
    and `X-Being-Deleted` says how many these are.
    """
    box = box_of(request)
    left = lifecycle.clear(box=box, kind=kind, storage=uploads_storage).left if box else 0
    return removed(response, left=left)


def shown(request: HttpRequest, upload: Upload) -> dict[str, Any]:
    """The fields of UploadOut for this upload."""
    guard = upload.guard
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
        "fetched": {"count": upload.fetched_count, "last_at": upload.fetched_at},
        "password": bool(guard.password),
        "downloads": (
            None if guard.downloads_most is None else {"most": guard.downloads_most, "taken": guard.downloads_taken}
        ),
        "metadata": upload.metadata,
        "code": upload.code,
        "bundle": upload.bundle,
    }


def _signed(request: HttpRequest, part: SignedPart) -> dict[str, Any]:
    """The fields of SignedPartOut for this part."""
    return {"number": part.number, "size": part.size, "url": absolute(request, part.url), "headers": part.headers}


def removed(response: HttpResponse, *, left: int) -> Status[None]:
    """204, with the number of uploads whose bytes are removed later, if there are any."""
    if left:
        response["X-Being-Deleted"] = str(left)
    return Status(204, None)


@api.exception_handler(Unanswerable)
@api.exception_handler(TooMany)
@api.exception_handler(UploadError)
@api.exception_handler(StorageError)
@api.exception_handler(Http404)
@api.exception_handler(UnreadablePostError)
@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def on_problem(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer every error of the domain, of storage, of the database and of this edge from the one table."""
    return problem_of(error).as_json()


@api.exception_handler(Upload.DoesNotExist)
def on_purged(request: HttpRequest, error: Upload.DoesNotExist) -> HttpResponse:
    """The row was purged while a request was using it."""
    return problem_of(Http404()).as_json()


@api.exception_handler(ValidationError)
def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0]
    field = ".".join(str(place) for place in first["loc"] if place not in ("body", "data", "query", "path"))
    return Problem(400, "invalid", first["msg"], field=field or None).as_json()


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return Problem(error.status_code, "invalid", str(error)).as_json()
