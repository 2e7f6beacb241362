"""Several uploads by one link: their page, and their end."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from .. import links
from ..bundles import lifecycle, opening
from ..bundles.reading import Content
from ..problems import problem, problem_of
from ..storage.default import uploads_storage
from ..uploads.choices import Kind
from ..uploads.errors import Gone, Locked, Unconfirmed, Unknown
from ..uploads.models import Upload
from ..visitors.passes import visitor_of
from ..visitors.rates import Rate
from . import gate
from .bundle_contents import contents, wants_contents
from .caching import never_stored
from .formats import together
from .limited import limited
from .lists import PAGES, say_what_is_left
from .qr_code import qr_code
from .redirects import see, see_list


@never_stored
@require_safe
def bundle(request: HttpRequest, bundle_id: str) -> HttpResponse:
    """The page for a visitor with the link: what is in the bundle, or its receipt."""
    visitor = visitor_of(request)
    try:
        content = opening.open_bundle(bundle_id, visitor)
    except Gone:
        return receipt(request, bundle_id)
    except Locked as error:
        return gate.locked(request, error, action=reverse("bundle-open", args=[bundle_id]))
    if wants_contents(request):
        return contents(request, content)
    mine = visitor.box == content.bundle.box
    context = {
        "content": content,
        "bundle": content.bundle,
        "name": name_of(content),
        "mine": mine,
        "page": _page_of(content) if mine else "",
        "asks": content.bundle.asks_first and not mine,
        "shows": mine or content.bundle.downloads_most is None,
    }
    return render(request, "pages/bundle.html", context)


@never_stored
@require_safe
@limited(Rate.QR_CODES, "GET", "HEAD")
def qr(request: HttpRequest, bundle_id: str) -> HttpResponse:
    """The link as a QR code, for a phone to read off the screen."""
    try:
        opening.open_bundle(bundle_id, visitor_of(request))
    except gate.CLOSED as error:
        return closed(request, bundle_id, error)
    return qr_code(request, "bundle", bundle_id)


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, bundle_id: str) -> HttpResponse:
    """The owner removes a bundle with all its uploads. A stranger's id and an unknown one get the same 404."""
    if request.method != "POST":
        return redirect("bundle", bundle_id)
    try:
        content = _own(request, bundle_id)
    except Gone:
        return receipt(request, bundle_id)
    ids = lifecycle.remove(content.bundle, storage=uploads_storage)
    left = Upload.objects.removing().filter(pk__in=ids).count()
    if not left:
        messages.success(request, _("%s deleted.") % name_of(content))
    say_what_is_left(request, left)
    return see_list(_page_after(request, content), request.POST.get("list", ""))


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
@limited(Rate.CHANGES, "POST")
def keep(request: HttpRequest, bundle_id: str) -> HttpResponse:
    """The owner keeps all of it longer. It leads back to where its form was, the list or the page of the bundle."""
    if request.method != "POST":
        return redirect("bundle", bundle_id)
    try:
        content = _own(request, bundle_id)
    except Gone:
        return receipt(request, bundle_id)
    lifecycle.keep(content.bundle)
    if "list" in request.POST:
        return see_list(_page_after(request, content), request.POST["list"])
    return see("bundle", bundle_id)


def name_of(content: Content) -> str:
    """How a bundle is called: by its title, or by what is in it."""
    return content.bundle.title or together(content.count, content.images)


def closed(request: HttpRequest, bundle_id: str, error: Exception) -> HttpResponse:
    """The answer to a visitor whom one of `gate.CLOSED` keeps from a bundle: a page, or an error for a program."""
    if isinstance(error, Gone):
        return receipt(request, bundle_id)
    if isinstance(error, Locked) and request.method == "POST" and gate.wants_page(request):
        return gate.locked(request, error, action=reverse("bundle-open", args=[bundle_id]), status=403)
    if isinstance(error, Locked | Unconfirmed) and gate.wants_page(request):
        return see("bundle", bundle_id)
    if isinstance(error, Unconfirmed):
        address = links.absolute(request, reverse("bundle-zip", args=[bundle_id]))
        return gate.told(request, problem("unconfirmed", address=address, headers={"Allow": "POST"}))
    return gate.told(request, problem_of(error))


def receipt(request: HttpRequest, bundle_id: str) -> HttpResponse:
    """410 and the one receipt of a bundle, or the error for a program; 404 if nothing ever was in it."""
    try:
        left = opening.receipt(bundle_id)
    except Unknown:
        raise Http404 from None
    if gate.wants_json(request):
        return problem_of(Gone()).as_json()
    context = {"upload": left, "gone": left.removed_at is not None, "is_early": left.is_early}
    return render(request, "pages/bundle_gone.html", context, status=410)


def _own(request: HttpRequest, bundle_id: str) -> Content:
    """The visitor's own bundle. Raises Http404: it is a stranger's, or there never was one. Raises Gone."""
    visitor = visitor_of(request)
    try:
        content = opening.open_bundle(bundle_id, visitor)
    except (Unknown, Locked):
        raise Http404 from None
    if content.bundle.box != visitor.box:
        raise Http404
    return content


def _page_of(content: Content) -> str:
    """The page of its owner that has its card: that of images if any is one."""
    return PAGES[Kind.IMAGE if content.images else Kind.FILE]


def _page_after(request: HttpRequest, content: Content) -> str:
    """Where a form leads back to: the page with the list that it was on."""
    page = request.POST.get("page", "")
    return page if page in PAGES.values() else _page_of(content)
