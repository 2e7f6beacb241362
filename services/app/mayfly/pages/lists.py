"""My Images and My Files: the form, what the box holds, and clear."""

from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from ..bundles.reading import Together, gathered
from ..problems import problem, problem_of
from ..storage.default import uploads_storage
from ..uploads import lifecycle
from ..uploads.choices import Kind
from ..uploads.errors import Hashing
from ..uploads.formats import format_size
from ..uploads.ids import is_id
from ..uploads.limits import limits
from ..uploads.listing import Listed
from ..uploads.models import Upload
from ..uploads.paging import overview
from ..visitors import boxes
from ..visitors.own_lists import listed_for
from .caching import never_stored
from .errors import answer
from .formats import shortened
from .forms import IntoStorage, UploadForm, body_length
from .installed import FAVICON, favicon
from .redirects import see, see_list

# The orders of a list that has one page, beside the newest first.
ORDERS: dict[str, Callable[[Upload | Listed | Together], Any]] = {
    "name": lambda upload: (upload.title or upload.name).casefold(),
    "size": attrgetter("size"),
    "left": attrgetter("time_left"),
}
NAMED = 5  # so many names at most are in a message, since it travels in a cookie
PAGES = {Kind.IMAGE: "images", Kind.FILE: "files"}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return redirect("images")


@never_stored
@csrf_exempt  # `_receive` checks it once the handler that streams is attached, because the check reads the body
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, kind: Kind) -> HttpResponse:
    """My Images or My Files: the form, and what the box holds."""
    token = boxes.cookie_of(request)
    if request.method == "POST":
        box = boxes.box_of(token) or boxes.new()
        return boxes.remember(request, _upload(request, box=box, kind=kind), box, token)
    found = listed_for(token, kind) if token else None
    box = boxes.new() if token is None or found is None else token.box
    return boxes.remember(request, _list(request, box=box, kind=kind, found=found), box, token)


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
def clear(request: HttpRequest, kind: Kind) -> HttpResponse:
    """Remove all of the box's uploads of this kind. A GET, as from the history of a browser, leads to their page."""
    if request.method != "POST":
        return redirect(PAGES[kind])
    box = boxes.from_cookie(request)
    cleared = lifecycle.clear(box=box, kind=kind, storage=uploads_storage) if box else lifecycle.Cleared(0, 0)
    removed = cleared.removed - cleared.left
    if removed or not cleared.left:
        say_what_was_deleted(request, removed)
    say_what_is_left(request, cleared.left)
    return see(PAGES[kind])


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
def delete_several(request: HttpRequest, kind: Kind) -> HttpResponse:
    """Remove the uploads of this kind that the visitor has selected, and the bundles that they stand for."""
    if request.method != "POST":
        return redirect(PAGES[kind])
    box = boxes.from_cookie(request)
    ids = [pk for pk in request.POST.getlist("id") if is_id(pk)]
    selected = Upload.objects.of(box or "").filter(kind=kind, pk__in=ids)
    removed = lifecycle.remove_whole_bundles(box, selected, storage=uploads_storage) if box else []
    left = Upload.objects.removing().filter(pk__in=removed).count()
    say_what_was_deleted(request, len(removed) - left)
    say_what_is_left(request, left)
    return see_list(PAGES[kind], request.POST.get("list", ""))


def names_of_images(incoming: IntoStorage) -> dict[str, str]:
    """By id, the names of the images that are there and of those that the form brings; empty if all of them stay."""
    if incoming.kind != Kind.IMAGE or not limits.images_kept:
        return {}
    present = Upload.objects.of(incoming.box).live().filter(kind=Kind.IMAGE)
    return dict(present.values_list("pk", "name")) | {f.receiver.upload.pk: f.name for f in incoming.incoming}


def say_what_is_here(
    request: HttpRequest, kind: Kind, arrived: int, before: Mapping[str, str], *, together: bool = False
) -> None:
    """Tell the visitor how many of the form's uploads are there, and which images went to make room for them.

    Those that are `together` count as one. `before` has the names of all images that could go, because a removed row
    has none.
    """
    removed = Upload.objects.filter(pk__in=before, completed_at__isnull=False, removing_since__lt=F("expires_at"))
    gone = [before[pk] for pk in removed.order_by("completed_at", "pk").values_list("pk", flat=True)]
    if kind == Kind.IMAGE:
        here = arrived if together else min(arrived, limits.images_kept or arrived)
        messages.success(request, ngettext("%d image is here.", "%d images are here.", here) % here)
    else:
        messages.success(request, ngettext("%d file is here.", "%d files are here.", arrived) % arrived)
    if gone:
        names = ", ".join([shortened(name) for name in gone[:NAMED]] + ["…"] * (len(gone) > NAMED))
        messages.info(request, _("Deleted to make room: %(names)s") % {"names": names})


def say_what_was_deleted(request: HttpRequest, removed: int) -> None:
    messages.success(request, ngettext("%d upload deleted.", "%d uploads deleted.", removed) % removed)


def say_what_is_left(request: HttpRequest, left: int) -> None:
    """Tell the visitor how many uploads are hidden, and still being deleted from storage."""
    if left:
        text = ngettext("%d upload is being deleted.", "%d uploads are being deleted.", left)
        messages.info(request, text % left)


def page_called(request: HttpRequest, name: str) -> HttpResponse:
    """Redirect to a page whose address was typed without its slash, or to the icon; other names are for PUT alone."""
    if name in (*PAGES.values(), "code"):
        return redirect(name)
    if name == FAVICON:
        return favicon(request)
    raise Http404


def _upload(request: HttpRequest, *, box: str, kind: Kind) -> HttpResponse:
    """Stream the form's files into storage while the body is read; they turn ready once the whole form is in order."""
    length = body_length(request)
    if length is None:
        return answer(request, problem("form_unreadable"))
    if length > limits.form_size:
        return answer(request, problem("form_too_large", limit=format_size(limits.form_size)))
    incoming = IntoStorage(request, box=box, kind=kind, storage=uploads_storage)
    incoming.attach()
    try:
        return csrf_protect(partial(_receive, incoming=incoming))(request)
    except Hashing as error:
        return answer(request, problem_of(error))
    finally:
        incoming.cancel()


def _receive(request: HttpRequest, *, incoming: IntoStorage) -> HttpResponse:
    form = UploadForm(request.POST)
    before = names_of_images(incoming)
    arrived = incoming.finish(**form.cleaned_data) if form.is_valid() else 0
    if arrived:
        say_what_is_here(request, incoming.kind, arrived, before, together=incoming.bundle is not None)
    for name, why in incoming.refusals:
        messages.error(request, f"{name}: {why}")
    if incoming.first_beyond:
        messages.error(request, incoming.left_out)
    is_whole = not incoming.refusals and not incoming.first_beyond
    if arrived and is_whole:
        return see(PAGES[incoming.kind])
    if form.is_valid() and is_whole:
        form.add_error(None, _("Choose a file first."))
    response = _list(request, box=incoming.box, kind=incoming.kind, form=form, status=incoming.status)
    for name, value in incoming.headers.items():
        response[name] = value
    return response


def _list(
    request: HttpRequest,
    *,
    box: str,
    kind: Kind,
    found: list[Listed] | None = None,
    form: UploadForm | None = None,
    status: int = 200,
) -> HttpResponse:
    cursors = {name: request.GET.get(name, "") for name in ("after", "before")}
    shown = overview(box, kind, **cursors, found=found)
    entries = gathered(shown.uploads)
    if not shown.newer and not shown.older:
        shown.count = sum(one.of_kind(kind) if isinstance(one, Together) else 1 for one in entries)
    asked = request.GET.get("sort", "")
    order = asked if asked in ORDERS and not shown.newer and not shown.older else ""
    full = kind == Kind.IMAGE and shown.total == limits.images_kept and not shown.older
    context = {
        "kind": kind,
        "page": PAGES[kind],
        "form": form,
        "shown": shown,
        "uploads": sorted(entries, key=ORDERS[order]) if order else entries,
        "order": order,
        "most": format_size(min(limits.size(kind), limits.form_size)),
        "next_out": entries[-1] if full else None,
    }
    return render(request, f"pages/{PAGES[kind]}.html", context, status=status)
