"""Where there is no S3, the app itself takes parts and gives downloads, by the tokens of `LocalUploadStorage`."""

import os
import re
from collections.abc import Callable, Iterator
from functools import wraps
from typing import BinaryIO

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from .local import tag
from .protocol import StorageError, TransferNotFound
from .signing import PREVIEW_TYPE, ObjectGrant, PartGrant, PreviewGrant, TokenRefused, attachment, grant_in

# What of a body is in memory at a time.
CHUNK = 64 * 1024
View = Callable[[HttpRequest, str], HttpResponseBase]


class Failure(Exception):
    """An answer that is an error: its status, its code for programs, and `str()` for people."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers


def answers(*methods: str) -> Callable[[View], View]:
    """The view takes these methods, and whatever it raises becomes an error as the API's are."""

    def decorate(view: View) -> View:
        @csrf_exempt  # the token in the address is what a forger would have to know
        @wraps(view)
        def decorated(request: HttpRequest, token: str) -> HttpResponseBase:
            try:
                if request.method not in methods:
                    allowed = ", ".join(methods)
                    raise Failure(405, "method_not_allowed", f"This address takes {allowed}.", {"Allow": allowed})
                return view(request, token)
            except TokenRefused as refused:
                failure = Failure(403, "link_refused", f"{refused} Ask for a new one.")
            except (StorageError, OSError):
                failure = Failure(503, "storage_unavailable", "Storage does not answer. Try again in a minute.")
            except Failure as raised:
                failure = raised
            error = {"code": failure.code, "message": str(failure)}
            return JsonResponse({"error": error}, status=failure.status, headers=failure.headers)

        return decorated

    return decorate


@answers("PUT")
def part(request: HttpRequest, token: str) -> HttpResponseBase:
    """Take the part that the token allows, of exactly the size that it names."""
    grant = grant_in(token, PartGrant)
    _check_length(request.META.get("CONTENT_LENGTH", ""), grant.size)
    try:
        stored = default_storage.receive_part(grant.key, grant.transfer_id, grant.number, _body(request, grant.size))
    except TransferNotFound as error:
        raise Failure(404, "transfer_ended", "This transfer has ended. Begin again.") from error
    return HttpResponse(content_type="text/plain", headers={"ETag": f'"{stored.etag}"'})


@answers("GET", "HEAD")
def download(request: HttpRequest, token: str) -> HttpResponseBase:
    """Give the object that the token allows: saved, never shown, and kept by no cache."""
    grant = grant_in(token, ObjectGrant)
    return _object(request, grant.key, disposition=attachment(grant.name), content_type=grant.content_type)


@answers("GET", "HEAD")
def preview(request: HttpRequest, token: str) -> HttpResponseBase:
    """Give the preview that the token allows, to be shown: we have encoded it ourselves."""
    return _object(request, grant_in(token, PreviewGrant).key, disposition="inline", content_type=PREVIEW_TYPE)


urlpatterns = [
    path("storage/parts/<str:token>", part),
    path("storage/objects/<str:token>", download),
    path("storage/previews/<str:token>", preview),
]


def _object(request: HttpRequest, key: str, *, disposition: str, content_type: str) -> HttpResponseBase:
    """The object, or the range of it that is asked for."""
    try:
        file = default_storage.open(key).file
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Failure(404, "gone", "This upload is gone.") from error
    stat = os.fstat(file.fileno())
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store",
        "Content-Disposition": disposition,
        "Content-Security-Policy": "sandbox",
        "Content-Type": content_type,
        "ETag": f'"{tag(stat)}"',
        "X-Content-Type-Options": "nosniff",
    }
    try:
        status, wanted = _wanted(request, stat.st_size, headers["ETag"])
    except Failure:
        file.close()
        raise
    headers["Content-Length"] = str(len(wanted))
    if status == 206:
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{stat.st_size}"
    if request.method == "HEAD":
        file.close()
        return HttpResponse(status=status, headers=headers)
    return StreamingHttpResponse(_Slice(file, wanted), status=status, headers=headers)


def _check_length(declared: str, size: int) -> None:
    if not declared:
        raise Failure(411, "length_required", f"Send Content-Length: {size}.")
    if not re.fullmatch("[0-9]{1,19}", declared):
        raise Failure(400, "length_malformed", "Content-Length is not a number.")
    if int(declared) != size:
        raise Failure(403, "length_differs", f"This part has {size} bytes, not {int(declared)}.")


def _body(request: HttpRequest, size: int) -> Iterator[bytes]:
    left = size
    try:
        while left and (chunk := request.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
    except UnreadablePostError as error:
        raise Failure(400, "cut_off", "The part was cut off. Send it again.") from error
    if left:
        raise Failure(400, "cut_off", f"The part was cut off, {left} bytes before its end. Send it again.")


def _wanted(request: HttpRequest, size: int, etag: str) -> tuple[int, range]:
    """The status and the bytes to send: one range where one is asked for (RFC 9110, 14.2), or all."""
    everything = 200, range(size)
    asked = re.fullmatch("bytes=([0-9]{0,18})-([0-9]{0,18})", request.headers.get("Range", ""))
    # A HEAD has no ranges, several at once need not be given, and If-Range asks for all where the object is another.
    if request.method != "GET" or not asked or request.headers.get("If-Range", etag) != etag:
        return everything
    first, last = asked.groups()
    if first:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return everything
    elif last:
        start, stop = max(0, size - int(last)), size
    else:
        return everything
    if start >= size:
        raise Failure(416, "no_such_range", f"This has {size} bytes.", {"Content-Range": f"bytes */{size}"})
    return 206, range(start, stop)


class _Slice:
    """Some of a file's bytes, a chunk at a time; Django closes the file through it, read to the end or not."""

    def __init__(self, file: BinaryIO, wanted: range):
        self._file, self._wanted = file, wanted

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._wanted.start)
        left = len(self._wanted)
        while left and (chunk := self._file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._file.close()
