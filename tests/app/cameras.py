"""Images as cameras and editors write them, with all that their owners may not know to be in them.

PYTEST_DONT_REWRITE: this holds no assertions.
"""

import struct
import zlib

import pyvips

from .pictures import app1, box, chunk, exif, gradient, jpeg, png, riff, segment, with_chunks, with_segments, xmp

WIDTH, HEIGHT = 96, 64
THUMBNAIL = jpeg(gradient(32, 20), keep="none")
PLACE = struct.pack(">6I", 52, 1, 31, 1, 12_3456, 10_000)
# None of these may be in one of them once it is cleaned.
SECRETS = {
    "the camera": b"Camera of Ada",
    "the time": b"2026:11:26 12:34:56",
    "the place": PLACE,
    "the maker's note": b"serial number 4711",
    "the thumbnail": THUMBNAIL[-100:],
    "the author in XMP": b"Ada in XMP",
    "the caption in IPTC": b"Ada in IPTC",
    "a comment": b"Ada in a comment",
    "a second picture": b"Ada in a second picture",
    "a film": b"Ada in a film",
}


def camera_exif(orientation: int) -> bytes:
    """EXIF with make and time, a directory of its own for the camera and for the place, a maker's note, a thumbnail."""
    words = [SECRETS["the camera"] + b"\0", SECRETS["the time"] + b"\0", SECRETS["the maker's note"] * 40]
    places: list[int] = []
    first = 8
    camera = first + 2 + 5 * 12 + 4
    gps = camera + 2 + 12 + 4
    second = gps + 2 + 2 * 12 + 4
    at = second + 2 + 2 * 12 + 4
    for content in [*words, PLACE, THUMBNAIL]:
        places.append(at)
        at += len(content)
    make, time, note, place, thumbnail = places

    def entry(tag: int, kind: int, count: int, value: int) -> bytes:
        packed = struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value)
        return struct.pack(">HHI", tag, kind, count) + packed

    def directory(*entries: bytes, then: int = 0) -> bytes:
        return struct.pack(">H", len(entries)) + b"".join(entries) + struct.pack(">I", then)

    return b"".join(
        [
            b"MM\0*" + struct.pack(">I", first),
            directory(
                entry(0x010F, 2, len(words[0]), make),
                entry(0x0112, 3, 1, orientation),
                entry(0x0132, 2, len(words[1]), time),
                entry(0x8769, 4, 1, camera),
                entry(0x8825, 4, 1, gps),
                then=second,
            ),
            directory(entry(0x927C, 7, len(words[2]), note)),
            directory(entry(0x0001, 2, 2, int.from_bytes(b"N\0\0\0")), entry(0x0002, 5, 3, place)),
            directory(entry(0x0201, 4, 1, thumbnail), entry(0x0202, 4, 1, len(THUMBNAIL))),
            *words,
            PLACE,
            THUMBNAIL,
        ]
    )


def packet() -> bytes:
    """An XMP packet."""
    return b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>%s</x:xmpmeta>" % SECRETS["the author in XMP"]


def picture() -> pyvips.Image:
    """The picture in all of them, in a colour space with a profile."""
    return gradient(WIDTH, HEIGHT).icc_transform("p3", input_profile="srgb")


def camera_jpeg(orientation: int) -> bytes:
    """EXIF, XMP in four segments, IPTC, a comment, an index of pictures, and then another picture and a film."""
    extended = [
        segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + SECRETS["the author in XMP"] * 2000)
        for _ in range(3)
    ]
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", 16) + b"\x1c\x02\x50\0\x0b" + b"Ada in IPTC"
    index = segment(0xE2, b"MPF\0MM\0*" + bytes(4) + SECRETS["a second picture"])
    small = segment(0xE0, b"JFXX\0\x10" + THUMBNAIL)
    whole = with_segments(
        jpeg(picture()),
        segment(0xE0, b"JFIF\0\1\2\1\0\x48\0\x48\4\4" + SECRETS["the camera"].ljust(48)),  # a thumbnail of 4 by 4
        app1(camera_exif(orientation)),
        small,
        xmp(SECRETS["the author in XMP"].decode()),
        *extended,
        segment(0xED, iptc),
        index,
        segment(0xFE, SECRETS["a comment"]),
    )
    second = with_segments(jpeg(gradient(32, 20)), segment(0xFE, SECRETS["a second picture"]))
    return whole + second + box(b"ftyp", b"mp42") + box(b"mdat", SECRETS["a film"])


def camera_png(orientation: int) -> bytes:
    """Texts, plain and deflated, before the picture; EXIF, a time and a private chunk after it; bytes after the end."""
    whole = with_chunks(
        png(picture()),
        chunk(b"tEXt", b"Author\0" + SECRETS["the author in XMP"]),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(SECRETS["a comment"])),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet()),
    )
    late = [chunk(b"eXIf", camera_exif(orientation)), chunk(b"tIME", b"\7\xea\x0b\x1a\x0c\x22\x38")]
    private = chunk(b"prVt", SECRETS["the maker's note"])
    return whole[:-12] + b"".join(late) + private + whole[-12:] + SECRETS["a film"]


def camera_webp(orientation: int) -> bytes:
    """EXIF, XMP, a chunk that nobody knows, and bytes after the end."""
    plain = picture().webpsave_buffer(keep="none")
    profile = picture().get("icc-profile-data")
    features = bytes([0x2C, 0, 0, 0]) + (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")
    told = [(b"EXIF", camera_exif(orientation)), (b"XMP ", packet()), (b"note", SECRETS["the maker's note"])]
    return riff((b"VP8X", features), (b"ICCP", profile), (b"VP8 ", plain[20:]), *told) + SECRETS["a film"]


def camera_avif(orientation: int = 1) -> bytes:
    """EXIF and XMP among the items, and a box of a vendor's after them. Its orientation is a property of its own."""
    image = picture().copy()
    image.set_type(pyvips.GValue.blob_type, "exif-data", b"Exif\0\0" + camera_exif(1))
    image.set_type(pyvips.GValue.blob_type, "xmp-data", packet())
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    vendor = box(b"uuid", bytes(16) + SECRETS["the maker's note"]) + box(b"mpvd", SECRETS["a film"])
    return image.heifsave_buffer(compression="av1", effort=0) + vendor


def camera_gif() -> bytes:
    """An animation that repeats, with a comment before its frames, and XMP after them."""
    frames = [(pyvips.Image.black(40, 30, bands=3) + colour).cast("uchar") for colour in ([255, 0, 0], [0, 0, 255])]
    film = pyvips.Image.arrayjoin(frames, across=1).copy(interpretation="srgb").copy()
    film.set_type(pyvips.GValue.gint_type, "page-height", 30)
    film.set_type(pyvips.GValue.gint_type, "loop", 0)
    whole = film.gifsave_buffer()
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    told = b"!\xff\x0bXMP DataXMP" + packet() + trailer
    words = SECRETS["a comment"]
    start = whole.index(b"!\xff\x0bNETSCAPE2.0")
    comment = b"!\xfe" + bytes([len(words)]) + words + b"\0"
    return whole[:start] + comment + whole[start:-1] + told + b";" + SECRETS["a film"]


def secrets_in(content: bytes) -> set[str]:
    """The names of the secrets that these bytes have, as they are or deflated."""
    texts = [content]
    at = content.find(b"zTXt")
    if at >= 0:
        texts.append(zlib.decompressobj().decompress(content[at + 13 :]))
    return {name for name, secret in SECRETS.items() if any(secret in text for text in texts)}


def plain_exif(orientation: int) -> bytes:
    """EXIF with an orientation alone, as a cleaned image has it."""
    return exif(orientation)
