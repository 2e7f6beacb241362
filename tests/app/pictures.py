"""The pictures that cameras, phones and editors make: a small one of each sort, made here, and what comes out of it.

`python -m tests.app.pictures` writes the first bytes of each to tests/assets/pictures.txt, for the browser's check.
PYTEST_DONT_REWRITE: this holds no assertions.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyvips

from ..support.pictures import animation, gradient, jpeg, png

HEADS = Path(__file__).parents[1] / "assets" / "pictures.txt"
WIDTH, HEIGHT = 96, 64
HEIC = "HEIC pictures cannot be shown here"
NO_IMAGE = "This is not an image we can show"
DAMAGED = "it is damaged, or its end is missing"


@dataclass(frozen=True, slots=True)
class Picture:
    """A file, the type that its first bytes prove, and the size of its preview. Without a type it is refused."""

    name: str
    content: bytes
    content_type: str = ""
    size: tuple[int, int] = (WIDTH, HEIGHT)
    # The beginning of a sentence that people read: of the first look if there is no type, of the preview otherwise.
    refusal: str = ""
    # Whether the preview has the colours of `gradient`.
    alike: bool = True


def every_picture() -> dict[str, Picture]:
    """All of them, by their names."""
    makers = (phones, jpegs, pngs, handmade_pngs, gifs, webps, avifs, damaged, foreign_formats)
    return {picture.name: picture for maker in makers for picture in maker()}


def base() -> pyvips.Image:
    return gradient(WIDTH, HEIGHT)


# Parts of files


def segment(marker: int, payload: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(content: bytes, *segments: bytes) -> bytes:
    """A JPEG with these segments directly after its start."""
    return content[:2] + b"".join(segments) + content[2:]


def chunk(kind: bytes, payload: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def with_chunks(content: bytes, *chunks: bytes) -> bytes:
    """A PNG with these chunks after its header."""
    return content[:33] + b"".join(chunks) + content[33:]


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP of these chunks."""
    body = b"".join(
        kind + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2) for kind, payload in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def box(kind: bytes, payload: bytes) -> bytes:
    """A box of an ISO media file."""
    return struct.pack(">I", len(payload) + 8) + kind + payload


def exif(orientation: int, *, order: str = ">", thumbnail: bytes = b"") -> bytes:
    """EXIF data with an orientation and, if given, a thumbnail in its second directory."""
    head = {">": b"MM\0*", "<": b"II*\0"}[order] + struct.pack(f"{order}I", 8)
    first = struct.pack(f"{order}HHHIHH", 1, 0x0112, 3, 1, orientation, 0)
    if not thumbnail:
        return head + first + bytes(4)
    at = len(head) + len(first) + 4
    second = struct.pack(f"{order}HHHIIHHIII", 2, 0x0201, 4, 1, at + 30, 0x0202, 4, 1, len(thumbnail), 0)
    return head + first + struct.pack(f"{order}I", at) + second + thumbnail


def app1(data: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + data)


def xmp(words: str) -> bytes:
    return segment(
        0xE1, b"http://ns.adobe.com/xap/1.0/\0" + f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{words}</x:xmpmeta>".encode()
    )


def profiled(name: str) -> pyvips.Image:
    """The picture in another colour space, with its profile."""
    return base().icc_transform(name, input_profile="srgb")


# Phones


def phones() -> Iterator[Picture]:
    whole, small = jpeg(base()), jpeg(gradient(32, 20))
    film = box(b"ftyp", b"mp42\0\0\0\0isommp42") + box(b"mdat", bytes(4000))
    for orientation in range(1, 9):
        size = (WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH)
        turned = with_segments(whole, app1(exif(orientation)))
        yield Picture(f"phone, orientation {orientation}", turned, "image/jpeg", size, alike=orientation == 1)
    little = with_segments(whole, app1(exif(6, order="<")))
    yield Picture("phone, orientation in little endian", little, "image/jpeg", (HEIGHT, WIDTH), alike=False)
    yield Picture("phone, orientation 0", with_segments(whole, app1(exif(0))), "image/jpeg")
    yield Picture("phone, orientation 9", with_segments(whole, app1(exif(9))), "image/jpeg")
    thumbnail = with_segments(whole, app1(exif(1, thumbnail=small)))
    yield Picture("phone, thumbnail in EXIF", thumbnail, "image/jpeg")
    yield Picture("motion photo", with_segments(whole, xmp("GCamera:MotionPhoto='1'")) + film, "image/jpeg")
    yield Picture("Samsung motion photo", whole + b"MotionPhoto_Data" + film + b"SEFH\0\0SEFT", "image/jpeg")
    yield Picture("Samsung panorama without end marker", whole[:-2], "image/jpeg")
    yield Picture("Samsung panorama, trailer for end marker", whole[:-2] + samsung_trailer(), "image/jpeg")
    multi = segment(
        0xE2, b"MPF\0MM\0*" + struct.pack(">I", 8) + struct.pack(">HHHI4s", 1, 0xB000, 7, 4, b"0100") + bytes(4)
    )
    yield Picture("MPO of two pictures", with_segments(whole, multi) + small, "image/jpeg")
    yield Picture("portrait with a depth map", whole + jpeg(base()[0]), "image/jpeg")
    bright = (base().cast("float") / 128).copy(interpretation="scrgb")
    yield Picture("HDR with a gain map", bright.uhdrsave_buffer(), "image/jpeg", alike=False)
    yield Picture("iPhone photo in Display P3", jpeg(profiled("p3")), "image/jpeg")
    deep = (profiled("p3").cast("ushort") * 257).copy(interpretation="rgb16")
    yield Picture("iPhone screenshot, 16 bit Display P3", png(deep, bitdepth=16), "image/png")
    yield Picture("Android screenshot", png(base()), "image/png")
    # Apple's own optimiser for apps makes these; no browser but Safari shows them.
    crushed = with_chunks(png(base()), b"")[:8] + chunk(b"CgBI", b"\x50\0\x20\x02") + png(base())[8:]
    yield Picture("PNG of an iPhone app (CgBI)", crushed, "image/png", refusal=DAMAGED)
    yield Picture("panorama", jpeg(gradient(4000, 200)), "image/jpeg", (640, 32))
    sphere = with_segments(jpeg(gradient(1024, 512)), xmp("GPano:ProjectionType='equirectangular'"))
    yield Picture("photo sphere", sphere, "image/jpeg", (640, 320))
    yield Picture("WhatsApp, stripped to the picture", jpeg(base(), keep="none"), "image/jpeg")


def samsung_trailer() -> bytes:
    """Data of Samsung's cameras after the picture."""
    note = b"\0\0\1\x0a\x0e\0\0\0Image_UTC_Data1600000000000"
    entry = struct.pack("<HHII", 0, 0x0A01, len(note), len(note))
    head = b"SEFH" + struct.pack("<II", 106, 1) + entry
    return note + head + struct.pack("<I", len(head)) + b"SEFT"


# Editors


def jpegs() -> Iterator[Picture]:
    whole = jpeg(base())
    cmyk = profiled("cmyk")
    resources = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\0" + b"8BIM\x03\xed\0\0\0\0\0\x10" + bytes(16)
    adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01")
    yield Picture("baseline", whole, "image/jpeg")
    yield Picture("progressive", jpeg(base(), interlace=True), "image/jpeg")
    yield Picture("without subsampling", jpeg(base(), subsample_mode="off"), "image/jpeg")
    yield Picture("optimised tables", jpeg(base(), optimize_coding=True), "image/jpeg")
    yield Picture("trellis and deringing", jpeg(base(), trellis_quant=True, overshoot_deringing=True), "image/jpeg")
    yield Picture("restart markers", jpeg(base(), restart_interval=2), "image/jpeg")
    yield Picture("progressive with restart markers", jpeg(base(), interlace=True, restart_interval=2), "image/jpeg")
    yield Picture("quality 1", jpeg(base(), Q=1), "image/jpeg", alike=False)
    yield Picture("quality 100", jpeg(base(), Q=100), "image/jpeg")
    yield Picture("grey", jpeg(base()[0]), "image/jpeg", alike=False)
    yield Picture("Photoshop CMYK", jpeg(cmyk), "image/jpeg")
    yield Picture("CMYK without a profile", jpeg(cmyk, keep="none"), "image/jpeg", alike=False)
    yield Picture("progressive CMYK", jpeg(cmyk, interlace=True), "image/jpeg")
    yield Picture("Photoshop resources", with_segments(whole, segment(0xED, resources)), "image/jpeg")
    yield Picture("Adobe marker", with_segments(whole, adobe), "image/jpeg")
    yield Picture("XMP of 60 KB", with_segments(whole, xmp("x" * 60_000)), "image/jpeg")
    many = [segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(65_000)) for _ in range(20)]
    yield Picture("extended XMP of a megabyte", with_segments(whole, *many), "image/jpeg")
    yield Picture("comment", with_segments(whole, segment(0xFE, b"CREATOR: gd-jpeg v1.0")), "image/jpeg")
    yield Picture("Flashpix marker", with_segments(whole, segment(0xE2, b"FPXR\0" + bytes(40))), "image/jpeg")
    yield Picture("Ducky marker", with_segments(whole, segment(0xEC, b"Ducky\0\1\0\4\0\0\0\x3c\0\0")), "image/jpeg")
    yield Picture("JFIF marker", with_segments(whole, segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")), "image/jpeg")
    yield Picture("broken EXIF", with_segments(whole, app1(b"MM\0*\xff\xff\xff\xff")), "image/jpeg")
    yield Picture("empty EXIF", with_segments(whole, app1(b"")), "image/jpeg")
    broken = segment(0xE2, b"ICC_PROFILE\0\1\1" + b"no profile" * 20)
    yield Picture("broken profile", with_segments(jpeg(base(), keep="none"), broken), "image/jpeg")
    half = segment(0xE2, b"ICC_PROFILE\0\1\2" + bytes(300))
    yield Picture("first half of a profile", with_segments(jpeg(base(), keep="none"), half), "image/jpeg")
    wrong = segment(0xE2, b"ICC_PROFILE\0\1\1" + cmyk.get("icc-profile-data")[:60_000])
    yield Picture("profile of CMYK on RGB", with_segments(jpeg(base(), keep="none"), wrong), "image/jpeg")
    yield Picture("fill bytes before markers", whole[:2] + b"\xff\xff\xff" + whole[2:], "image/jpeg")
    yield Picture("zeros after the end", whole + bytes(4096), "image/jpeg")
    yield Picture("line feed after the end", whole + b"\r\n", "image/jpeg")
    yield Picture("archive after the end", whole + b"PK\x03\x04" + bytes(500), "image/jpeg")
    yield Picture("one pixel", jpeg(gradient(1, 1)), "image/jpeg", (1, 1), alike=False)
    yield Picture("one row", jpeg(gradient(500, 1)), "image/jpeg", (500, 1), alike=False)


def pngs() -> Iterator[Picture]:
    whole = png(base())
    alpha = base().bandjoin((base()[0] * 0 + 255).cast("uchar")).copy(interpretation="srgb")
    deep = (base().cast("ushort") * 257).copy(interpretation="rgb16")
    gimp = [
        chunk(b"bKGD", bytes(6)),
        chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)),
        chunk(b"tIME", bytes([7, 234, 11, 26, 1, 2, 3])),
    ]
    text = chunk(b"tEXt", b"Comment\0Created with GIMP")
    yield Picture("PNG of GIMP", with_chunks(whole, *gimp, text), "image/png")
    yield Picture("PNG with alpha", png(alpha), "image/png")
    yield Picture("PNG, 16 bit", png(deep, bitdepth=16), "image/png")
    yield Picture("PNG with a profile", png(profiled("p3")), "image/png")
    yield Picture(
        "PNG with a broken profile",
        with_chunks(png(base(), keep="none"), chunk(b"iCCP", b"ICC\0\0not deflated")),
        "image/png",
    )
    yield Picture(
        "PNG with gamma and chromaticities",
        with_chunks(
            png(base(), keep="none"),
            chunk(b"gAMA", struct.pack(">I", 45455)),
            chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        ),
        "image/png",
    )
    yield Picture(
        "PNG with cICP of HDR",
        with_chunks(png(base(), keep="none"), chunk(b"cICP", bytes([9, 16, 0, 1]))),
        "image/png",
        alike=False,
    )
    yield Picture("PNG with EXIF", with_chunks(whole, chunk(b"eXIf", exif(1))), "image/png")
    yield Picture("PNG with 1,500 texts", with_chunks(whole, *[text] * 1500), "image/png")
    yield Picture(
        "PNG with compressed XMP",
        with_chunks(whole, chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"x" * 100_000))),
        "image/png",
    )
    yield Picture(
        "PNG with private chunks of Fireworks",
        with_chunks(whole, chunk(b"prVW", bytes(2000)), chunk(b"mkBF", bytes(72))),
        "image/png",
    )
    wrong = chunk(b"tEXt", b"Comment\0a")
    yield Picture("PNG with a wrong checksum in a text", with_chunks(whole, wrong[:-1] + b"\0"), "image/png")
    yield Picture("PNG without its end", whole[:-12], "image/png")
    many = chunk(b"IDAT", zlib.compress(bytes(HEIGHT * (1 + 3 * WIDTH) + 500)))
    much = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)) + many
    yield Picture("PNG with more data than pixels", much + whole[-12:], "image/png", alike=False)
    yield Picture("PNG with bytes after its end", whole + b"trailing", "image/png")
    at = whole.index(b"IDAT") - 4
    length = int.from_bytes(whole[at : at + 4])
    data = whole[at + 8 : at + 8 + length]
    split = (
        whole[:at]
        + b"".join(chunk(b"IDAT", data[i : i + 50]) for i in range(0, length, 50))
        + whole[at + 12 + length :]
    )
    yield Picture("PNG in pieces of 50 bytes", split, "image/png")
    frames = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(
        b"fcTL", struct.pack(">IIIIIHHBB", 0, WIDTH, HEIGHT, 0, 0, 1, 10, 0, 0)
    )
    second = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1, WIDTH, HEIGHT, 0, 0, 1, 10, 0, 0)) + chunk(
        b"fdAT", struct.pack(">I", 2) + data
    )
    yield Picture("animated PNG", whole[:at] + frames + whole[at:-12] + second + whole[-12:], "image/png")


def handmade_pngs() -> Iterator[Picture]:
    """Every colour type and depth, whole and interlaced, with and without transparency."""
    for colour, name, samples, depths in (
        (0, "grey", 1, (1, 2, 4, 8, 16)),
        (2, "RGB", 3, (8, 16)),
        (3, "palette", 1, (1, 2, 4, 8)),
        (4, "grey and alpha", 2, (8, 16)),
        (6, "RGB and alpha", 4, (8, 16)),
    ):
        for depth in depths:
            for interlaced in (False, True):
                row = "interlaced " if interlaced else ""
                content = handmade(colour, depth, samples, interlaced=interlaced)
                yield Picture(f"{row}PNG of {name}, {depth} bit", content, "image/png", alike=False)
    for colour, clear in ((0, b"\0\0"), (2, bytes(6)), (3, bytes([0, 128]))):
        content = handmade(colour, 8, 3 if colour == 2 else 1, clear=clear)
        yield Picture(f"PNG of colour type {colour} with tRNS", content, "image/png", alike=False)


def handmade(colour: int, depth: int, samples: int, *, interlaced: bool = False, clear: bytes = b"") -> bytes:
    passes = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
    rows = b""
    for left, across, top, down in passes if interlaced else ((0, 1, 0, 1),):
        width, height = len(range(left, WIDTH, across)), len(range(top, HEIGHT, down))
        rows += (b"\0" + b"\x5a" * -(-width * samples * depth // 8)) * height
    palette = (
        chunk(b"PLTE", bytes(range(3 * 2**depth % 256 or 255)) if depth < 8 else bytes(768)) if colour == 3 else b""
    )
    if colour == 3 and depth < 8:
        palette = chunk(b"PLTE", bytes(3 * 2**depth)) if colour == 3 else b""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, interlaced)
    transparency = chunk(b"tRNS", clear) if clear else b""
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + transparency + data + chunk(b"IEND", b"")


# Web formats


def gifs() -> Iterator[Picture]:
    whole = base().gifsave_buffer()
    film = animation([255, 0, 0], [0, 255, 0], [0, 0, 255], save="gifsave")
    yield Picture("GIF", whole, "image/gif")
    yield Picture("GIF of 1987", b"GIF87a" + base().gifsave_buffer()[6:], "image/gif")
    yield Picture("interlaced GIF", base().gifsave_buffer(interlace=True), "image/gif")
    yield Picture("GIF of two colours", base().gifsave_buffer(bitdepth=1), "image/gif", alike=False)
    yield Picture("animated GIF", film, "image/gif", (100, 50), alike=False)
    yield Picture("animated GIF without its end", film[:-1], "image/gif", (100, 50), alike=False)
    yield Picture("animated GIF cut in its last frame", film[:-20], "image/gif", (100, 50), alike=False)
    yield Picture("GIF with a comment", whole[:-1] + b"!\xfe\x05hello\0;", "image/gif")
    yield Picture("GIF with bytes after its end", whole + bytes(100), "image/gif")


def webps() -> Iterator[Picture]:
    fade = base().bandjoin(base()[0]).copy(interpretation="srgb")
    lossy, lossless = base().webpsave_buffer(keep="none"), base().webpsave_buffer(lossless=True, keep="none")
    film = animation([255, 0, 0], [0, 255, 0], save="webpsave")
    canvas = struct.pack("<I", 0x08)[:4] + (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")
    yield Picture("lossy WebP", lossy, "image/webp")
    yield Picture("lossless WebP", lossless, "image/webp")
    yield Picture("near-lossless WebP", base().webpsave_buffer(near_lossless=True, Q=60), "image/webp")
    yield Picture("lossy WebP with alpha", fade.webpsave_buffer(), "image/webp", alike=False)
    yield Picture("lossless WebP with alpha", fade.webpsave_buffer(lossless=True), "image/webp", alike=False)
    yield Picture("WebP with EXIF", riff((b"VP8X", canvas), (b"VP8 ", lossy[20:]), (b"EXIF", exif(1))), "image/webp")
    yield Picture("WebP with a profile", profiled("p3").webpsave_buffer(), "image/webp")
    yield Picture("animated WebP", film, "image/webp", (100, 50), alike=False)
    unknown = riff((b"VP8X", canvas[:1].replace(b"\x08", b"\0") + canvas[1:]), (b"VP8 ", lossy[20:]), (b"ABCD", b"odd"))
    yield Picture("WebP with an unknown chunk", unknown, "image/webp")
    yield Picture("WebP with bytes after its end", lossy + bytes(10), "image/webp")
    small = lossy[:4] + struct.pack("<I", len(lossy) - 10) + lossy[8:]
    yield Picture("WebP that says it is shorter", small, "image/webp", refusal=DAMAGED)
    yield Picture("WebP of 1 by 1", gradient(1, 1).webpsave_buffer(lossless=True), "image/webp", (1, 1), alike=False)


def avifs() -> Iterator[Picture]:
    def avif(picture: pyvips.Image, **options: object) -> bytes:
        return picture.heifsave_buffer(**{"compression": "av1", "effort": 0} | options)

    whole = avif(base())
    fade = base().bandjoin(base()[0]).copy(interpretation="srgb")
    deep = (base().cast("ushort") * 257).copy(interpretation="rgb16")
    yield Picture("AVIF", whole, "image/avif")
    yield Picture("AVIF of a general brand", branded(whole, b"mif1", b"mif1", b"avif", b"miaf"), "image/avif")
    yield Picture("AVIF of a phone", branded(whole, b"avif", b"avif", b"mif1", b"miaf", b"MA1B"), "image/avif")
    yield Picture("AVIF of Apple", branded(whole, b"avif", b"mif1", b"miaf", b"MA1B", b"avif"), "image/avif")
    yield Picture("AVIF of another main brand", branded(whole, b"miaf", b"mif1", b"avif"), "image/avif")
    yield Picture("animated AVIF", sequence(whole, b"avis", b"avif", b"avis", b"msf1", b"mif1", b"miaf"), "image/avif")
    yield Picture("live AVIF", sequence(whole, b"avif", b"avif", b"mif1", b"miaf", b"avis", b"msf1"), "image/avif")
    last = [b"mif1", b"miaf", b"MA1B", b"iso8", b"iso9", b"mif2", b"MA1A", b"unif", b"MiPr", b"miHB", b"avif"]
    yield Picture("AVIF that names itself last of eleven", branded(whole, b"mif1", *last), "image/avif")
    yield Picture("AVIF, 10 bit", avif(deep, bitdepth=10), "image/avif")
    yield Picture("AVIF, 12 bit", avif(deep, bitdepth=12), "image/avif")
    yield Picture("lossless AVIF", avif(base(), lossless=True), "image/avif")
    yield Picture("AVIF without subsampling", avif(base(), subsample_mode="off"), "image/avif")
    yield Picture("AVIF with alpha", avif(fade), "image/avif", alike=False)
    yield Picture("grey AVIF", avif(base()[0].copy(interpretation="b-w")), "image/avif", alike=False)
    yield Picture("AVIF with a profile", avif(profiled("p3")), "image/avif")
    yield Picture("AVIF of odd size", avif(gradient(97, 63)), "image/avif", (97, 63), alike=False)


def branded(avif: bytes, *brands: bytes) -> bytes:
    """An AVIF with these brands, the major one first; what is told by its place in the file is moved on."""
    old = int.from_bytes(avif[:4])
    ftyp = box(b"ftyp", brands[0] + bytes(4) + b"".join(brands[1:]))
    return moved(ftyp + avif[old:], len(ftyp) - old)


def moved(avif: bytes, distance: int) -> bytes:
    """The file, if its data begins so many bytes later than its table of places (iloc, version 0) says."""
    table = avif.index(b"iloc") + 8
    _sizes, count = struct.unpack_from(">HH", avif, table)
    changed = bytearray(avif)
    for entry in range(count):
        place = table + 4 + entry * 18 + 4  # an entry of one extent has 18 bytes, and its base offset comes fifth
        struct.pack_into(">I", changed, place, struct.unpack_from(">I", avif, place)[0] + distance)
    return bytes(changed)


def sequence(avif: bytes, *brands: bytes) -> bytes:
    """The AVIF as a film of two frames, both of them this picture, which is also its still (ISO 14496-12, 23000-12)."""
    place = avif.index(b"av1C") - 4
    configuration = avif[place : place + int.from_bytes(avif[place : place + 4])]
    at = avif.index(b"mdat") + 4
    table = avif.index(b"iloc") + 12
    length = struct.unpack_from(">I", avif, table + 14)[0]
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    entry = bytes(6) + struct.pack(">H16xHHIIIH32sHh", 1, WIDTH, HEIGHT, 0x480000, 0x480000, 0, 1, b"", 24, -1)
    head = struct.pack(">IIIII", 0, 0, 0, 1000, 200)

    def film(first: int) -> bytes:
        samples = b"".join(
            [
                box(b"stsd", struct.pack(">II", 0, 1) + box(b"av01", entry + configuration)),
                box(b"stts", struct.pack(">IIII", 0, 1, 2, 100)),
                box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1)),
                box(b"stsz", struct.pack(">III", 0, length, 2)),
                box(b"stco", struct.pack(">IIII", 0, 2, first, first)),
                box(b"stss", struct.pack(">IIII", 0, 2, 1, 2)),
            ]
        )
        places = box(b"dinf", box(b"dref", struct.pack(">II", 0, 1) + box(b"url ", struct.pack(">I", 1))))
        kind = box(b"hdlr", struct.pack(">II4s12x", 0, 0, b"pict") + b"\0")
        media = (
            box(b"mdhd", head + bytes(4))
            + kind
            + box(b"minf", box(b"vmhd", bytes(12)) + places + box(b"stbl", samples))
        )
        shown = struct.pack(">IIIIII16x", 3, 0, 0, 1, 0, 200) + matrix + struct.pack(">II", WIDTH << 16, HEIGHT << 16)
        movie = box(b"mvhd", head + struct.pack(">IH10x", 0x10000, 0x100) + matrix + bytes(24) + struct.pack(">I", 2))
        return box(b"moov", movie + box(b"trak", box(b"tkhd", shown) + box(b"mdia", media)))

    still = branded(avif, *brands)
    more, data = len(film(0)), still.index(b"mdat") - 4
    whole = moved(still, more)
    return whole[:data] + film(at + len(still) - len(avif) + more) + whole[data:]


# Refused


def damaged() -> Iterator[Picture]:
    yield Picture(
        "JPEG that lacks its lower half",
        jpeg(gradient(400, 300))[: len(jpeg(gradient(400, 300))) // 2],
        "image/jpeg",
        refusal=DAMAGED,
    )
    whole = png(gradient(400, 300))
    yield Picture("PNG that lacks its lower half", whole[: len(whole) // 2], "image/png", refusal=DAMAGED)
    webp = gradient(400, 300).webpsave_buffer()
    yield Picture("WebP that lacks its lower half", webp[: len(webp) // 2], "image/webp", refusal=DAMAGED)


def foreign_formats() -> Iterator[Picture]:
    hevc = box(b"ftyp", b"heic\0\0\0\0mif1heic") + bytes(200)
    yield Picture("HEIC of an iPhone", hevc, refusal=HEIC)
    yield Picture("HEIC of a general brand", box(b"ftyp", b"mif1\0\0\0\0mif1heic") + bytes(200), refusal=HEIC)
    yield Picture("HEIC, 10 bit", box(b"ftyp", b"heix\0\0\0\0mif1heix") + bytes(200), refusal=HEIC)
    yield Picture("HEIC of a burst", box(b"ftyp", b"hevc\0\0\0\0msf1hevcheic") + bytes(200), refusal=HEIC)
    yield Picture("HEIC of a live photo's film", box(b"ftyp", b"qt  \0\0\0\0qt  ") + bytes(200), refusal=NO_IMAGE)
    yield Picture("TIFF", base().tiffsave_buffer(), refusal=NO_IMAGE)
    yield Picture("raw photo (DNG)", b"II*\0\x08\0\0\0" + bytes(300), refusal=NO_IMAGE)
    yield Picture("raw photo (CR3)", box(b"ftyp", b"crx \0\0\0\1crx isom") + bytes(300), refusal=NO_IMAGE)
    yield Picture(
        "BMP",
        b"BM" + struct.pack("<IIIIiiHHIIIIII", 58, 0, 54, 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0) + bytes(4),
        refusal=NO_IMAGE,
    )
    yield Picture("Photoshop document", b"8BPS\0\1" + bytes(300), refusal=NO_IMAGE)
    yield Picture("GIMP document", b"gimp xcf v011\0" + bytes(300), refusal=NO_IMAGE)
    yield Picture("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>", refusal=NO_IMAGE)
    yield Picture("JPEG XL", b"\xff\x0a" + bytes(300), refusal=NO_IMAGE)
    yield Picture("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(300), refusal=NO_IMAGE)
    yield Picture("icon", b"\0\0\1\0\1\0" + bytes(300), refusal=NO_IMAGE)
    yield Picture("PDF", b"%PDF-1.7\n" + bytes(300), refusal=NO_IMAGE)


def heads() -> str:
    """A line for each picture: its first bytes, the browser's word for its refusal, and its name."""
    faults = {HEIC: "heic", NO_IMAGE: "notImage"}
    return "".join(
        f"{one.content[:64].hex()}\t{'' if one.content_type else faults[one.refusal]}\t{one.name}\n"
        for one in every_picture().values()
    )


if __name__ == "__main__":
    HEADS.write_text(heads())
