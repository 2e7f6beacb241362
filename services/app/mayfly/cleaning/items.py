"""The items of an AVIF (ISO 14496-12, 8.11): what each is, where its bytes are, and what it is to another."""

from .boxes import FREE, Box, Numbers, boxes_in
from .edits import Edits
from .source import Unreadable

# Items that are no pictures: EXIF, XMP and other texts, and what an address stands for.
TOLD = {b"Exif", b"mime", b"uri "}
# EXIF without an entry, after the distance to its start, so that a reader finds it whole.
NO_EXIF = b"\0\0\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"
IN_FILE, IN_META = 0, 1
HIDDEN = 1


class Items:
    """The items that tell about a picture, in the box `meta` of `content`. Raises Unreadable."""

    def __init__(self, content: bytes, meta: Box):
        self._content = content
        self._boxes = {box.kind: box for box in reversed(list(boxes_in(content, meta.body + 4, meta.end)))}
        self._thumbnails: dict[int, Box] = {}
        self._told: dict[int, bytes] = {}
        self._infos: dict[int, Box] = {}
        self._read_infos()
        self._read_references()

    def blank(self, edits: Edits, *, at: int, size: int) -> None:
        """Let the bytes of these items be empty; a thumbnail is no longer one, and hidden.

        `at` is the place of the content in the image, which has `size` bytes.
        """
        for item, extents in self._places(at):
            if item in self._told or item in self._thumbnails:
                for start, end in extents:
                    end = min(end, size)  # of an image that is cut off
                    empty = NO_EXIF if self._told.get(item) == b"Exif" and start == extents[0][0] else b""
                    edits.blank(start, end, empty if len(empty) <= end - start else b"")
        for item, reference in self._thumbnails.items():
            edits.replace(at + reference.start + 4, at + reference.start + 8, FREE)
            if item in self._infos:
                flags = self._infos[item].body + 3
                edits.replace(at + flags, at + flags + 1, bytes([self._content[flags] | HIDDEN]))

    def _read_infos(self) -> None:
        box = self._boxes.get(b"iinf")
        if box is None:
            return
        numbers = Numbers(self._content, box.body, box.end)
        version = numbers.number(1)
        numbers.bytes(3)
        numbers.number(4 if version else 2)  # how many there are
        for info in boxes_in(self._content, numbers.position, box.end):
            fields = Numbers(self._content, info.body, info.end)
            version = fields.number(1)  # of this one
            if info.kind != b"infe" or version not in (2, 3):
                raise Unreadable("an item of another age")
            fields.bytes(3)
            item = fields.number(2 * version - 2)
            fields.bytes(2)
            kind = fields.bytes(4)
            self._infos[item] = info
            if kind in TOLD:
                self._told[item] = kind

    def _read_references(self) -> None:
        box = self._boxes.get(b"iref")
        if box is None:
            return
        numbers = Numbers(self._content, box.body, box.end)
        length = 4 if numbers.number(1) else 2
        for reference in boxes_in(self._content, box.body + 4, box.end):
            if reference.kind == b"thmb":
                item = Numbers(self._content, reference.body, reference.end).number(length)
                self._thumbnails[item] = reference

    def _places(self, at: int) -> list[tuple[int, list[tuple[int, int]]]]:
        """Each item with the places of its bytes in the image."""
        box = self._boxes.get(b"iloc")
        if box is None:
            return []
        numbers = Numbers(self._content, box.body, box.end)
        version = numbers.number(1)
        numbers.bytes(3)
        offset_length, size_length = divmod(numbers.number(1), 16)
        base_length, index_length = divmod(numbers.number(1), 16)
        if version > 2:
            raise Unreadable("places of another age")
        places = []
        for _ in range(numbers.number(4 if version == 2 else 2)):
            item = numbers.number(4 if version == 2 else 2)
            method = numbers.number(2) % 16 if version else IN_FILE
            numbers.bytes(2)
            base = numbers.number(base_length)
            extents = []
            for _ in range(numbers.number(2)):
                if version:
                    numbers.bytes(index_length)
                start = base + numbers.number(offset_length)
                extents.append((start, start + numbers.number(size_length)))
            if item in self._told or item in self._thumbnails:
                places.append((item, self._in_image(method, extents, at)))
        return places

    def _in_image(self, method: int, extents: list[tuple[int, int]], at: int) -> list[tuple[int, int]]:
        data = self._boxes.get(b"idat")
        if method == IN_META and data is not None:
            start = at + data.body
            extents = [(start + first, start + end) for first, end in extents]
            if any(end > at + data.end for _, end in extents):
                raise Unreadable("an item beyond its box")
        elif method != IN_FILE:
            raise Unreadable("an item made of others")
        if any(first == end for first, end in extents):
            raise Unreadable("an item without a length")  # it means: to the end of the file
        return extents
