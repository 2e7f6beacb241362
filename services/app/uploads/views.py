"""The pages, each whole without JavaScript, and `curl -T`."""

import re
from collections.abc import Iterable
from functools import partial

import segno
from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, UnreadablePostError
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from . import boxes, lifecycle, policy
from .forms import IntoStorage, UploadForm, in_words, parse
from .lifecycle import Gone, Receiver, Refused
from .models import State, Upload
from .policy import Kind, NotAllowed
from .storage.protocol import StorageError

PAGES = {Kind.IMAGE: "images", Kind.FILE: "files"}
# An error's code, as the API has them.
CODES = {400: "invalid", 403: "csrf", 404: "not_found", 413: "too_large", 500: "broken", 503: "storage"}
READ = 64 * 1024  # bytes read at once of a body that passes through


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return redirect("images")


@never_cache
@csrf_exempt  # `_receive` checks it once the handler that streams is in place: the check reads the body
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, kind: Kind) -> HttpResponse:
    """My Images or My Files: the form, and what the box holds."""
    box = boxes.from_cookie(request)
    made = box is None
    box = box or boxes.new()
    if request.method == "POST":
        response = _upload(request, box=box, kind=kind)
    else:
        response = _page(request, box=box, kind=kind, form=UploadForm())
    return boxes.remember(request, response, box) if made else response


@never_cache
@require_POST
def clear(request: HttpRequest, kind: Kind) -> HttpResponse:
    """Remove all of the box's uploads of this kind."""
    box = boxes.from_cookie(request)
    removed = lifecycle.clear(box=box, kind=kind, storage=default_storage) if box else 0
    messages.success(request, ngettext("%d upload is gone.", "%d uploads are gone.", removed) % removed)
    return _see(PAGES[kind])


@never_cache
@require_safe
def share(request: HttpRequest, upload_id: str) -> HttpResponse:
    """What anybody with the link sees: the upload, or that it is gone."""
    upload = Upload.objects.live().with_time_left().filter(pk=upload_id).first()
    if upload is None:
        return _receipt(request, upload_id)
    mine = upload.box == boxes.from_cookie(request)
    return render(request, "uploads/share.html", {"upload": upload, "mine": mine, "page": PAGES[upload.kind]})


@never_cache
@require_safe
def download(request: HttpRequest, upload_id: str) -> HttpResponse:
    """To the bytes, by a URL that storage signed for a minute at most."""
    try:
        return HttpResponseRedirect(lifecycle.download_url(_standing(upload_id), storage=default_storage))
    except (Gone, Http404):
        return _receipt(request, upload_id)
    except StorageError as error:
        return _error(request, 503, _("The file cannot be reached right now"), in_words(error))


@never_cache
@require_safe
def qr(request: HttpRequest, upload_id: str) -> HttpResponse:
    """The link as a QR code, to be read off the screen by a phone."""
    if not Upload.objects.live().filter(pk=upload_id).exists():
        return _receipt(request, upload_id)
    code = segno.make(request.build_absolute_uri(reverse("share", args=[upload_id])), error="m", micro=False)
    response = HttpResponse(content_type="image/svg+xml")
    code.save(response, kind="svg", light="#fff", omitsize=True)
    return response


@never_cache
@require_safe
def preview(request: HttpRequest, upload_id: str) -> HttpResponse:
    """To the preview, which this address shows for as long as the upload is here; 404 while there is none."""
    try:
        url = lifecycle.preview_url(_standing(upload_id), storage=default_storage)
    except (Gone, Http404):
        return _receipt(request, upload_id)
    if url is None:
        raise Http404
    return HttpResponseRedirect(url)


@never_cache
@require_POST
def delete(request: HttpRequest, upload_id: str) -> HttpResponse:
    """The owner removes one upload; a stranger's id is as unknown as none."""
    box = boxes.from_cookie(request)
    if not box or not Upload.objects.of(box).filter(pk=upload_id).exists():
        raise Http404
    upload = Upload.objects.live().filter(pk=upload_id).first()
    if upload is None:
        return _receipt(request, upload_id)
    name = upload.name
    if lifecycle.remove(upload, storage=default_storage):
        messages.success(request, _("%s is gone.") % name)
    return _see(PAGES[upload.kind])


@never_cache
@csrf_exempt  # the box comes in a header, which no other site can send; the cookie is not looked at
def put(request: HttpRequest, name: str) -> HttpResponse:
    """`curl -T name URL`: the body is a file; answers its link. X-Box-Token puts it into a box, and comes back."""
    if request.method != "PUT":
        return _page_called(name)
    try:
        box = boxes.from_headers(request) or boxes.new()
    except boxes.BadToken:
        return _line(_("This token is not one of ours."), status=401)
    size = _length(request)
    if size is None:
        return _line(_("Say how long the file is: Content-Length is missing."), status=411)
    if size > policy.limits.form_size:
        return _line(_too_large(), status=413)
    try:
        upload = lifecycle.begin(
            box=box,
            address=boxes.address_of(request),
            kind=Kind.FILE,
            name=name,
            size=size,
            storage=default_storage,
        )
        receiver = Receiver(upload, storage=default_storage)
        try:
            for chunk in _chunks(request):
                receiver.write(chunk)
            upload = receiver.finish(whole=True)
        finally:
            receiver.cancel()
    except NotAllowed as error:
        return _line(str(error), status=error.status)
    except Refused as error:
        return _line(str(error), status=422)
    except UnreadablePostError:
        return _line(_("The connection broke before the file was whole."), status=400)
    except Gone as error:
        return _line(in_words(error), status=410)
    except StorageError as error:
        return _line(in_words(error), status=503)
    response = _line(request.build_absolute_uri(reverse("share", args=[upload.pk])), status=201)
    response["X-Box-Token"] = boxes.token_of(box)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 400, _("This request cannot be read"), _("Go back, and try once more."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _error(
        request,
        403,
        _("This form has expired"),
        _("Nothing was changed. Load the page again, with cookies allowed, and send the form once more."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 404, _("There is nothing here"), _("Look at the link once more: it may be cut short."))


def server_error(request: HttpRequest) -> HttpResponse:
    return _error(request, 500, _("Something broke on our side"), _("Try again in a minute."))


def _length(request: HttpRequest) -> int | None:
    """How long the body is said to be; None where that is missing, or no number."""
    declared = request.META.get("CONTENT_LENGTH", "")
    return int(declared) if re.fullmatch("[0-9]{1,19}", declared) else None


def _upload(request: HttpRequest, *, box: str, kind: Kind) -> HttpResponse:
    """The form's files go into storage while the body is read; they become ready once all of it is in order."""
    length = _length(request)
    if length is None:
        return _error(request, 400, _("This form cannot be read"), _("It does not say how long it is."))
    if length > policy.limits.form_size:
        return _error(request, 413, _("This is too large for the form"), _too_large())
    incoming = IntoStorage(request, box=box, kind=kind, storage=default_storage)
    request.upload_handlers = [incoming]
    request.parse_file_upload = partial(parse, request)
    try:
        return csrf_protect(_receive)(request, incoming)
    finally:
        incoming.cancel()


def _receive(request: HttpRequest, incoming: IntoStorage) -> HttpResponse:
    form = UploadForm(request.POST)
    arrived = incoming.finish(form.cleaned_data["title"]) if form.is_valid() else 0
    if arrived:
        kept = ngettext("%d upload is here.", "%d uploads are here.", arrived) % arrived
        messages.success(request, kept)
    for name, why in incoming.refusals:
        messages.error(request, f"{name}: {why}")
    if arrived and not incoming.refusals:
        return _see(PAGES[incoming.kind])
    if form.is_valid() and not incoming.refusals:
        form.add_error(None, _("Choose a file first."))
    return _page(request, box=incoming.box, kind=incoming.kind, form=form, status=incoming.status)


def _page(request: HttpRequest, *, box: str, kind: Kind, form: UploadForm, status: int = 200) -> HttpResponse:
    uploads = list(Upload.objects.of(box).live().filter(kind=kind).with_time_left())
    context = {"kind": kind, "page": PAGES[kind], "form": form, "uploads": uploads, "limits": policy.limits}
    most = min(policy.limits.size(kind), policy.limits.form_size)
    context |= {"most": policy.in_words(most), "most_with_script": policy.limits.size(kind)}
    context |= {"oldest": min((u.time_left for u in uploads), default=None)}
    if kind == Kind.IMAGE:
        context["refused"] = Upload.objects.of(box).filter(kind=kind).refused()
        context["next_out"] = uploads[-1] if len(uploads) == policy.limits.images_kept else None
    return render(request, f"uploads/{PAGES[kind]}.html", context, status=status)


def _page_called(name: str) -> HttpResponse:
    """To the page that somebody typed without its slash; every other name is for PUT alone."""
    if name in PAGES.values():
        return redirect(name)
    raise Http404


def _standing(upload_id: str) -> Upload:
    upload = Upload.objects.standing().filter(pk=upload_id).first()
    if upload is None:
        raise Http404
    return upload


def _receipt(request: HttpRequest, upload_id: str) -> HttpResponse:
    """410 for an upload that was there once; one that never became ready was never there for others."""
    upload = Upload.objects.filter(pk=upload_id, completed_at__isnull=False).first()
    if upload is None:
        raise Http404
    gone = upload.state == State.GONE
    return render(request, "uploads/gone.html", {"upload": upload, "gone": gone}, status=410)


def _error(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"error": {"code": CODES[status], "message": f"{title}. {text}"}}, status=status)
    return render(request, "uploads/error.html", {"status": status, "title": title, "text": text}, status=status)


def _line(text: str, *, status: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")


def _see(page: str) -> HttpResponse:
    response = redirect(page)
    response.status_code = 303  # so that every browser follows with GET
    return response


def _too_large() -> str:
    return _("At most %s can be sent this way.") % policy.in_words(policy.limits.form_size)


def _chunks(request: HttpRequest) -> Iterable[bytes]:
    while chunk := request.read(READ):
        yield chunk
