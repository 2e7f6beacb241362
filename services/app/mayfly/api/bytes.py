"""The folder storage's own URLs: the app itself receives parts and sends objects, by the tokens of `folder.tokens`."""

import os
import re
from collections.abc import Callable, Iterator
from functools import wraps
from typing import cast

from django.core.files import File
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from ..problems import Unanswerable, problem_of
from ..storage.folder.files import tag
from ..storage.folder.storage import FolderUploadStorage
from ..storage.folder.tokens import ObjectGrant, PartGrant, PreviewGrant, TokenRefused, grant_in
from ..storage.headers import PREVIEW_TYPE, attachment
from ..storage.protocol import StorageError, TransferNotFound

# How much of a body is in memory at a time, in bytes.
CHUNK = 64 * 1024
# The addresses below exist only if the folder storage is in use.
_storage = cast(FolderUploadStorage, default_storage)
View = Callable[[HttpRequest, str], HttpResponseBase]


def answers(*methods: str) -> Callable[[View], View]:
    """Let the view accept these methods only, and turn its errors into JSON like the API's."""

    def decorate(view: View) -> View:
        @csrf_exempt  # a forger would have to know the token in the address
        @wraps(view)
        def decorated(request: HttpRequest, token: str) -> HttpResponseBase:
            try:
                if request.method not in methods:
                    allowed = ", ".join(methods)
                    raise Unanswerable("method", headers={"Allow": allowed}, allowed=allowed)
                return view(request, token)
            except (Unanswerable, TokenRefused, TransferNotFound, StorageError, OSError) as error:
                return problem_of(error).as_json()

        return decorated

    return decorate


@answers("PUT")
def part(request: HttpRequest, token: str) -> HttpResponseBase:
    """Store the part that the token allows, of exactly the size that it names."""
    grant = grant_in(token, PartGrant)
    _check_length(request.META.get("CONTENT_LENGTH", ""), grant.size)
    stored = _storage.receive_part(grant.key, grant.transfer_id, grant.number, _body(request, grant.size))
    return HttpResponse(content_type="text/plain", headers={"ETag": f'"{stored.etag}"'})


@answers("GET", "HEAD")
def download(request: HttpRequest, token: str) -> HttpResponseBase:
    """Send the object that the token allows, as an attachment that is not cached."""
    grant = grant_in(token, ObjectGrant)
    return _object(request, grant.key, disposition=attachment(grant.name), content_type=grant.content_type)


@answers("GET", "HEAD")
def preview(request: HttpRequest, token: str) -> HttpResponseBase:
    """Send the preview that the token allows, to be shown in a page: we encoded it ourselves."""
    return _object(request, grant_in(token, PreviewGrant).key, disposition="inline", content_type=PREVIEW_TYPE)


urlpatterns = [
    path("storage/parts/<str:token>", part),
    path("storage/objects/<str:token>", download),
    path("storage/previews/<str:token>", preview),
]


def _object(request: HttpRequest, key: str, *, disposition: str, content_type: str) -> HttpResponseBase:
    """The object, or the requested range of it."""
    try:
        file = _storage.open(key)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Unanswerable("object_gone") from error
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
    except Unanswerable:
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
        raise Unanswerable("length_missing")
    if not re.fullmatch("[0-9]{1,19}", declared):
        raise Unanswerable("length_malformed")
    if int(declared) != size:
        raise Unanswerable("length_differs", size=size, declared=int(declared))


def _body(request: HttpRequest, size: int) -> Iterator[bytes]:
    left = size
    try:
        while left and (chunk := request.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
    except UnreadablePostError as error:  # an OSError, which the storage would mistake for one of the disk
        raise Unanswerable("cut_off") from error
    if left:
        raise Unanswerable("cut_off")


def _wanted(request: HttpRequest, size: int, etag: str) -> tuple[int, range]:
    """The status and the bytes to send: the one requested range (RFC 9110, 14.2), or all."""
    everything = 200, range(size)
    asked = re.fullmatch("bytes=([0-9]{0,18})-([0-9]{0,18})", request.headers.get("Range", ""))
    # A HEAD has no ranges, a server need not send several at once, and If-Range asks for all if the object has changed.
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
        raise Unanswerable("no_such_range", headers={"Content-Range": f"bytes */{size}"}, size=size)
    return 206, range(start, stop)


class _Slice:
    """A range of a file's bytes, chunk by chunk. Django closes the file through it, even before its end."""

    def __init__(self, file: "File[bytes]", wanted: range):
        self._file, self._wanted = file, wanted

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._wanted.start)
        left = len(self._wanted)
        while left and (chunk := self._file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._file.close()
