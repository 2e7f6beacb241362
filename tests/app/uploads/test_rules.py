"""Rules about sizes, lifetimes, names and types."""

from datetime import timedelta

import pytest

from mayfly.problems import problem_of
from mayfly.uploads.choices import Kind
from mayfly.uploads.content import content_type_of
from mayfly.uploads.errors import NotAllowed
from mayfly.uploads.limits import limits
from mayfly.uploads.parts import MAX_PARTS, PART_SIZE, MiB, Plan, part_size
from mayfly.uploads.rules import check_box_room, check_lifetime, check_size, clean_name, clean_title

from ...support.samples import PNG


@pytest.mark.parametrize(
    ("size", "part_size", "sizes"),
    [
        (1, 8, [1]),
        (8, 8, [8]),
        (9, 8, [8, 1]),
        (24, 8, [8, 8, 8]),
    ],
)
def test_a_plan_cuts_an_upload_into_full_parts_and_a_remainder(size, part_size, sizes):
    plan = Plan(size, part_size)
    assert [plan.size_of(number) for number in range(1, plan.count + 1)] == sizes
    assert sum(sizes) == size


@pytest.mark.parametrize("number", [0, -1, 3, 10**12])
def test_a_number_outside_the_plan_has_no_size(number):
    with pytest.raises(NotAllowed):
        Plan(9, 8).size_of(number)


@pytest.mark.parametrize("size", [1, 80 * 10**9, 84 * 10**9, 5 * 1024**4])
def test_no_upload_needs_more_parts_than_s3_accepts(size):
    size_of_part = part_size(size)
    assert Plan(size, size_of_part).count <= MAX_PARTS
    assert size_of_part % MiB == 0
    assert size_of_part >= PART_SIZE


def test_the_size_limit_is_exact_to_the_byte():
    for kind in Kind:
        check_size(kind, limits.size(kind))
        with pytest.raises(NotAllowed) as refusal:
            check_size(kind, limits.size(kind) + 1)
        assert problem_of(refusal.value).status == 413


@pytest.mark.parametrize("size", [0, -1])
def test_an_empty_upload_is_not_allowed(size):
    with pytest.raises(NotAllowed):
        check_size(Kind.FILE, size)


def test_the_quota_is_exact_to_the_byte(limits):
    limits(box_quota=100)
    check_box_room(1, 60, 40)
    with pytest.raises(NotAllowed):
        check_box_room(1, 60, 41)


@pytest.mark.parametrize("seconds", [1, 60, 900])
def test_a_lifetime_within_the_limits_is_allowed(seconds):
    check_lifetime(timedelta(seconds=seconds))


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1), timedelta(days=2)])
def test_a_lifetime_outside_the_limits_is_not_allowed(lifetime):
    with pytest.raises(NotAllowed):
        check_lifetime(lifetime)


@pytest.mark.parametrize(
    "name",
    [
        'a "quoted"; name.txt',
        "naïve café.txt",
        "nai\u0308ve.txt",
        "🦋.png",
        "写真.jpg",
        "../../etc/passwd",
        "..\\windows",
        "<script>alert(1)</script>.svg",
        "x" * 255,
    ],
)
def test_a_valid_name_is_unchanged(name):
    assert clean_name(name) == name


def test_control_characters_in_a_name_are_replaced():
    assert clean_name("a\r\nSet-Cookie: x\x00\x7f.txt") == "a__Set-Cookie: x__.txt"


@pytest.mark.parametrize("name", ["", "  ", "x" * 256, "\ud800.txt"])
def test_an_invalid_name_is_refused(name):
    with pytest.raises(NotAllowed) as refusal:
        clean_name(name)
    assert refusal.value.field == "name"


def test_a_title_has_eighty_characters_at_most():
    assert clean_title(f" {'x' * 80} ") == "x" * 80
    with pytest.raises(NotAllowed):
        clean_title("x" * 81)


def ftyp(major: str, *others: str) -> bytes:
    """The first box of an ISO media file: its brands."""
    box = b"ftyp" + major.encode() + bytes(4) + "".join(others).encode()
    return (len(box) + 4).to_bytes(4) + box


@pytest.mark.parametrize(
    ("first", "content_type"),
    [
        (PNG[:32], "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "image/jpeg"),
        (b"GIF89a" + bytes(20), "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (ftyp("avif", "mif1", "miaf"), "image/avif"),
        (ftyp("avis", "msf1", "avif"), "image/avif"),
        (ftyp("mif1", "avif", "miaf"), "image/avif"),
        (ftyp("msf1", "mif1", "miaf", "MA1B", "msf1", "iso8", "avis"), "image/avif"),
        (b"\x00\x00\x00\x20ftypavif" + bytes(8), "image/avif"),
    ],
)
def test_the_first_bytes_determine_an_images_type(first, content_type):
    assert content_type_of(Kind.IMAGE, first) == content_type


@pytest.mark.parametrize(
    "first",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<html>",
        b"%PDF-1.7",
        b"RIFF\x00\x00\x00\x00AVI ",
        b"",
        b"\x00\x00\x00\x20ftypmp42",
    ],
)
def test_a_non_image_is_refused_with_a_way_out(first):
    with pytest.raises(NotAllowed, match="as a file instead"):
        content_type_of(Kind.IMAGE, first)


@pytest.mark.parametrize(
    "first",
    [
        ftyp("heic", "mif1"),
        ftyp("mif1", "heic", "mif1"),
        ftyp("msf1", "hevc"),
        ftyp("mif1", "heic") + b"avif",
        b"\x00\x00\x00\x24ftypheic" + bytes(8),
    ],
)
def test_heic_is_refused_by_name(first):
    with pytest.raises(NotAllowed, match="HEIC"):
        content_type_of(Kind.IMAGE, first)


def test_any_file_is_served_as_plain_bytes():
    assert content_type_of(Kind.FILE, b"<html>") == "application/octet-stream"
