"""The ZIP of a bundle: what is in it, what it costs, and how it ends if it cannot go on."""

import io
import shutil
import subprocess
import tracemalloc
from datetime import timedelta
from zipfile import ZIP_STORED, ZipFile

import pytest
from django.core.files.storage import default_storage as storage

from mayfly.bundles.archive import MEMORY, PIECE, Archive, unique
from mayfly.storage.protocol import StorageError
from mayfly.uploads.errors import Gone
from mayfly.uploads.models import Upload

from ...support.broken import Wrapped
from ...support.making import ready

HOUR = 3600.0


def row(size: int, name: str = "a.bin") -> Upload:
    return Upload(name=name, size=size, lifetime=timedelta(minutes=15))


def zeros(key: str, start: int, count: int) -> bytes:
    return bytes(count)


class Sparse:
    """Where a ZIP is written to a file of its size that takes no room on the disk: chunks of zeros are left out."""

    def __init__(self, file):
        self.file, self.length = file, 0

    def write(self, chunk: bytes) -> None:
        self.length += len(chunk)
        if chunk.count(0) == len(chunk):
            self.file.seek(len(chunk), io.SEEK_CUR)
        else:
            self.file.write(chunk)


@pytest.mark.django_db(transaction=True)
def test_a_zip_holds_every_upload_as_it_is(tmp_path):
    contents = {"a.txt": b"hello", "Größe 大.bin": bytes(range(256)) * 20_000}
    uploads = [ready(content) for content in contents.values()]
    for upload, name in zip(uploads, contents, strict=True):
        upload.name = name
    archive = Archive(uploads, seconds=HOUR, storage=storage)
    whole = b"".join(archive.pieces())
    assert len(whole) == archive.length
    with ZipFile(io.BytesIO(whole)) as opened:
        assert opened.testzip() is None
        assert {info.filename: opened.read(info) for info in opened.infolist()} == contents
        assert {info.compress_type for info in opened.infolist()} == {ZIP_STORED}
    if unzip := shutil.which("unzip"):
        (tmp_path / "a.zip").write_bytes(whole)
        subprocess.run([unzip, "-t", tmp_path / "a.zip"], check=True, capture_output=True)


@pytest.mark.slow
def test_a_zip_of_more_than_4_gb_takes_flat_memory(tmp_path):
    """Case 99."""
    sizes = [2**32 + 5, 7, 2**20]
    uploads = [row(size, name=f"{number}.bin") for number, size in enumerate(sizes)]
    archive = Archive(uploads, seconds=HOUR, storage=Wrapped(bytes_at=zeros))
    with open(tmp_path / "big.zip", "wb") as file:
        sparse = Sparse(file)
        tracemalloc.start()
        try:
            for chunk in archive.pieces():
                sparse.write(chunk)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert sparse.length == archive.length > 2**32
    assert peak < 4 * PIECE
    with ZipFile(tmp_path / "big.zip") as opened:
        assert [info.file_size for info in opened.infolist()] == sizes
        assert opened.read("1.bin") == bytes(7)
        assert opened.read("2.bin") == bytes(2**20)


def test_no_more_than_the_memory_of_a_zip_is_read_before_it_is_wanted():
    """Case 99."""
    asked = []

    def bytes_at(key: str, start: int, count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    pieces = Archive([row(10 * PIECE)], seconds=HOUR, storage=Wrapped(bytes_at=bytes_at)).pieces()
    given = 0
    while given < 3 * PIECE:
        given += len(next(pieces))
        # A piece that was given whole is not held any more.
        assert sum(asked) <= MEMORY + given // PIECE * PIECE
    pieces.close()


def test_an_upload_that_goes_away_breaks_the_zip_off():
    """Case 100."""

    def bytes_at(key: str, start: int, count: int) -> bytes:
        if start:
            raise StorageError("NoSuchKey")
        return bytes(count)

    archive = Archive([row(3 * PIECE), row(5)], seconds=HOUR, storage=Wrapped(bytes_at=bytes_at))
    given: list[bytes] = []
    with pytest.raises(StorageError):
        given.extend(archive.pieces())
    assert PIECE <= len(b"".join(given)) < archive.length


def test_nothing_is_read_after_the_deadline():
    """Case 100."""
    archive = Archive([row(5)], seconds=0, storage=Wrapped(bytes_at=zeros))
    with pytest.raises(Gone):
        list(archive.pieces())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.txt", "b.txt"], ["a.txt", "b.txt"]),
        (["a.txt", "a.txt", "A.TXT"], ["a.txt", "a (2).txt", "A (3).TXT"]),
        (["a (2).txt", "a.txt", "a.txt"], ["a (2).txt", "a.txt", "a (3).txt"]),
        (["é.txt", "e\u0301.txt"], ["é.txt", "e\u0301 (2).txt"]),
        (["README", "README"], ["README", "README (2)"]),
        ([".env", ".env"], [".env", ".env (2)"]),
        (["x.tar.gz", "x.tar.gz"], ["x.tar.gz", "x.tar (2).gz"]),
        (
            ["../../etc/passwd", "/etc/passwd", "..\\evil.exe", "C:\\a"],
            [".._.._etc_passwd", "_etc_passwd", ".._evil.exe", "C__a"],
        ),
        (["..", ".", "a. ", "a"], ["_", "_ (2)", "a", "a (2)"]),
    ],
)
def test_names_in_a_zip_are_unique_and_stay_in_their_folder(names, expected):
    """Case 100."""
    assert unique(names) == expected
