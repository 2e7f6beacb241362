"""Several uploads as one ZIP, made while it is sent: read from storage a little ahead, and stored nowhere.

Nothing is compressed, so the length is known before the first byte. It uses ZIP64 where sizes ask for it.
"""

import re
import unicodedata
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from time import monotonic

from zipstream import ZipStream

from ..storage.protocol import UploadStorage
from ..uploads.errors import Gone
from ..uploads.models import Upload
from .ahead import Read, in_order

# How much is read from storage at a time, in bytes.
PIECE = 2 * 1024 * 1024
# How much is in memory for each ZIP that is being sent: a piece on its way out, and the next one on its way in.
MEMORY = 2 * PIECE
# How much is passed on at a time.
CHUNK = 64 * 1024
# A slash or a backslash would make folders, and two dots would lead out of the one that a person unpacks into.
_SEPARATORS = re.compile(r"[/\\:\x00]")
_ENDING = re.compile(r"(?<=.)(\.[^.]{1,16})?$")


class Archive:
    """A ZIP of these uploads, for `seconds` from now: nothing is read after their deadline.

    `length` is its size in bytes.
    """

    def __init__(self, uploads: Sequence[Upload], *, seconds: float, storage: UploadStorage):
        self._until, self._storage = monotonic() + seconds, storage
        self._content = in_order(_reads(uploads), read=self._bytes_at, memory=MEMORY)
        self._zip = ZipStream(sized=True)
        for upload, name in zip(uploads, unique([upload.name for upload in uploads]), strict=True):
            self._zip.add(self._bytes_of(upload), name, size=upload.size)
        self.length = len(self._zip)

    def pieces(self) -> Generator[bytes]:
        """The bytes of the ZIP, once.

        An upload that is missing or shorter than declared ends it with an error, so that no client takes the rest for
        the whole.

        Raises:
            Gone: the deadline has passed meanwhile.
            StorageError: storage does not have all bytes of an upload any more, or does not answer.
        """
        with closing(self._content):
            yield from self._zip

    def _bytes_of(self, upload: Upload) -> Generator[bytes]:
        """The bytes of the upload whose turn it is."""
        for _ in _starts(upload):
            self._check_time()
            piece = next(self._content)
            for place in range(0, len(piece), CHUNK):
                self._check_time()
                yield piece[place : place + CHUNK]

    def _check_time(self) -> None:
        if monotonic() >= self._until:
            raise Gone

    def _bytes_at(self, read: Read) -> bytes:
        return self._storage.bytes_at(read.key, read.start, read.count)


def _reads(uploads: Iterable[Upload]) -> Generator[Read]:
    """All pieces of all uploads."""
    for upload in uploads:
        for start in _starts(upload):
            yield Read(upload.key, start, min(PIECE, upload.size - start))


def _starts(upload: Upload) -> range:
    return range(0, upload.size, PIECE)


def unique(names: Iterable[str]) -> list[str]:
    """Names for the files of one folder: each as it is, or with a number if another file would take its place.

    Systems that ignore capitals, or the way in which an accent is written, find no two alike.
    """
    taken: set[str] = set()
    return [_new(_plain(name), taken) for name in names]


def _new(name: str, taken: set[str]) -> str:
    ending = _ENDING.search(name)
    place = ending.start() if ending else len(name)
    candidate, number = name, 1
    while _folded(candidate) in taken:
        number += 1
        candidate = f"{name[:place]} ({number}){name[place:]}"
    taken.add(_folded(candidate))
    return candidate


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _plain(name: str) -> str:
    """The name as one of a file in a folder, wherever it is unpacked."""
    name = _SEPARATORS.sub("_", name).rstrip(". ")
    return name or "_"
