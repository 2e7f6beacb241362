"""Bundles in the JSON API: several uploads under one link. It adds its operations to `api`."""

import json
from datetime import timedelta
from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Header, Query, Status

from ..bundles import lifecycle
from ..bundles.reading import Content, content_of, page_after
from ..links import absolute
from ..problems import Unanswerable
from ..storage.default import uploads_storage
from ..uploads.bundle import Bundle
from ..uploads.errors import Gone
from ..uploads.guarded import Protection
from ..uploads.limits import PAGE
from ..uploads.models import Upload
from ..uploads.repeats import Ask
from ..visitors import boxes
from ..visitors.addresses import address_of
from ..visitors.rates import Rate, take
from ..visitors.senders import check_sender
from .auth import box_of, token_for
from .bundle_schemas import BeginBundleIn, BegunBundleOut, BundleOut, BundlesOut
from .routes import api, removed, shown
from .schemas import PROBLEMS, ChangeIn


@api.post("/bundles", response={201: BegunBundleOut} | PROBLEMS, summary="Begin a bundle", tags=["Bundle"])
def begin_bundle(
    request: HttpRequest,
    data: BeginBundleIn,
    idempotency_key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            description="As for an upload: the same key in the same box gives the same bundle again.",
        ),
    ] = "",
) -> Status[dict[str, Any]]:
    """A link for several uploads. Name its id as `bundle` when you begin each of them, then complete the bundle."""
    known = box_of(request)
    address = address_of(request)
    take(Rate.UPLOADS, address=address, box=known)
    check_sender(request)
    box = known or boxes.new()
    ask = Ask.of(f"bundles {box}", idempotency_key, json.dumps(data.model_dump())) if idempotency_key else None
    bundle = lifecycle.begin(
        box=box,
        address=address,
        title=data.title,
        lifetime=None if data.lifetime is None else timedelta(seconds=data.lifetime),
        protection=Protection.chosen(password=data.password, downloads=data.downloads),
        ask=ask,
    )
    return Status(
        201, shown_bundle(request, content_of(bundle) if ask else Content(bundle)) | {"box": token_for(request, box)}
    )


@api.post(
    "/bundles/{upload:bundle_id}/complete",
    response={200: BundleOut} | PROBLEMS,
    summary="Complete a bundle",
    tags=["Bundle"],
)
def complete_bundle(request: HttpRequest, bundle_id: str) -> dict[str, Any]:
    """Close it: all its ready uploads now expire together, its lifetime from now. Those not ready are removed."""
    bundle = lifecycle.complete(_owned(request, bundle_id), storage=uploads_storage)
    return shown_bundle(request, content_of(bundle))


@api.get("/bundles", response={200: BundlesOut} | PROBLEMS, summary="List the box's bundles", tags=["Bundle"])
def list_bundles(
    request: HttpRequest,
    limit: Annotated[int, Query(ge=1, le=PAGE, description="How many a page has, at most.")] = PAGE,
    cursor: Annotated[str, Query(description="The `next` of the page before.")] = "",
) -> dict[str, Any]:
    """Those that are open or have live uploads, newest first, a page at a time."""
    box = box_of(request)
    if box is None:
        return {"bundles": [], "next": None}
    page = page_after(box, cursor, limit=limit)
    return {"bundles": [shown_bundle(request, content) for content in page.contents], "next": page.older}


@api.get("/bundles/{upload:bundle_id}", response={200: BundleOut} | PROBLEMS, summary="One bundle", tags=["Bundle"])
def get_bundle(request: HttpRequest, bundle_id: str) -> dict[str, Any]:
    """A bundle that is open or has live uploads; 410 once it is gone."""
    bundle = _owned(request, bundle_id)
    content = content_of(bundle)
    if not content.ready and not Bundle.objects.open().filter(pk=bundle.pk).exists():
        raise Gone
    return shown_bundle(request, content)


@api.patch(
    "/bundles/{upload:bundle_id}", response={200: BundleOut} | PROBLEMS, summary="Change one bundle", tags=["Bundle"]
)
def change_bundle(request: HttpRequest, bundle_id: str, data: ChangeIn) -> dict[str, Any]:
    """Change the title, how long it is kept with all its uploads, or their protection; 410 once it is gone.

    Once it is complete, it expires `lifetime` seconds after that, at most the longest lifetime that this site allows.
    """
    take(Rate.CHANGES, address=address_of(request))
    lifetime = None if data.lifetime is None else timedelta(seconds=data.lifetime)
    bundle = lifecycle.change(
        _owned(request, bundle_id),
        title=data.title,
        lifetime=lifetime,
        password=data.password,
        downloads=data.downloads,
    )
    return shown_bundle(request, content_of(bundle))


@api.delete(
    "/bundles/{upload:bundle_id}", response={204: None} | PROBLEMS, summary="Remove one bundle", tags=["Bundle"]
)
def delete_bundle(request: HttpRequest, response: HttpResponse, bundle_id: str) -> Status[None]:
    """Remove it at once with all its uploads, open or not. Repeating the call is no error while a receipt is kept.

    If storage does not let go of all bytes within some seconds, the rest is removed later: `X-Being-Deleted` says how
    many uploads that are.
    """
    ids = lifecycle.remove(_owned(request, bundle_id), storage=uploads_storage)
    return removed(response, left=Upload.objects.removing().filter(pk__in=ids).count())


def shown_bundle(request: HttpRequest, content: Content) -> dict[str, Any]:
    """The fields of BundleOut for this bundle."""
    bundle = content.bundle
    return {
        "id": bundle.pk,
        "title": bundle.title,
        "state": "open" if bundle.is_open else "ready",
        "created_at": bundle.created_at,
        "expires_at": content.expires_at,
        "link": absolute(request, reverse("bundle", args=[bundle.pk])),
        "zip": absolute(request, reverse("bundle-zip", args=[bundle.pk])) if content.has_zip else None,
        "size": content.size,
        "uploads": [shown(request, upload) for upload in [*content.ready, *content.pending]],
        "password": bool(bundle.password),
        "downloads": (
            None if bundle.downloads_most is None else {"most": bundle.downloads_most, "taken": bundle.downloads_taken}
        ),
    }


def _owned(request: HttpRequest, bundle_id: str) -> Bundle:
    """The caller's bundle with this id. Raises Http404 alike for a stranger's id and for an unknown one."""
    box = box_of(request)
    if box is None:
        raise Unanswerable("box_needed")
    bundle = Bundle.objects.of(box).filter(pk=bundle_id).first()
    if bundle is None:
        raise Http404
    return bundle


__all__ = ["api"]
