"""What may be sent, how large, and for how long."""

from datetime import timedelta

import pytest

from uploads import policy
from uploads.policy import Kind, NotAllowed, Plan

from .conftest import PNG


@pytest.mark.parametrize(
    ("size", "part_size", "sizes"),
    [
        (1, 8, [1]),
        (8, 8, [8]),
        (9, 8, [8, 1]),
        (24, 8, [8, 8, 8]),
    ],
)
def test_a_plan_cuts_an_upload_into_full_parts_and_a_rest(size, part_size, sizes):
    plan = Plan(size, part_size)
    assert [plan.size_of(number) for number in range(1, plan.count + 1)] == sizes
    assert sum(sizes) == size


@pytest.mark.parametrize("number", [0, -1, 3, 10**12])
def test_a_number_outside_the_plan_has_no_size(number):
    with pytest.raises(NotAllowed):
        Plan(9, 8).size_of(number)


@pytest.mark.parametrize("size", [1, 80 * 10**9, 84 * 10**9, 5 * 1024**4])
def test_no_upload_needs_more_parts_than_s3_takes(size):
    part_size = policy.part_size(size)
    assert Plan(size, part_size).count <= policy.MAX_PARTS
    assert part_size % policy.MiB == 0
    assert part_size >= policy.PART_SIZE


def test_an_upload_of_exactly_the_limit_is_allowed_and_a_byte_more_is_not():
    for kind in Kind:
        policy.check_size(kind, policy.limits.size(kind))
        with pytest.raises(NotAllowed) as refusal:
            policy.check_size(kind, policy.limits.size(kind) + 1)
        assert refusal.value.status == 413


@pytest.mark.parametrize("size", [0, -1])
def test_an_empty_upload_is_not_allowed(size):
    with pytest.raises(NotAllowed):
        policy.check_size(Kind.FILE, size)


def test_the_quota_is_exact_to_the_byte(limits):
    limits(box_quota=100)
    policy.check_box_quota(60, 40)
    with pytest.raises(NotAllowed):
        policy.check_box_quota(60, 41)


@pytest.mark.parametrize("seconds", [1, 60, 900])
def test_a_lifetime_within_the_limits_is_allowed(seconds):
    policy.check_lifetime(timedelta(seconds=seconds))


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1), timedelta(days=2)])
def test_a_lifetime_outside_the_limits_is_not_allowed(lifetime):
    with pytest.raises(NotAllowed):
        policy.check_lifetime(lifetime)


@pytest.mark.parametrize(
    "name",
    [
        'a "quoted"; name.txt',
        "naïve café.txt",
        "nai\u0308ve.txt",
        "\u202egnp.exe",
        "🦋.png",
        "写真.jpg",
        "../../etc/passwd",
        "..\\windows",
        "<script>alert(1)</script>.svg",
        "x" * 255,
    ],
)
def test_a_name_stays_as_it_was_given(name):
    assert policy.clean_name(name) == name


def test_control_characters_cannot_get_into_a_name():
    assert policy.clean_name("a\r\nSet-Cookie: x\x00\x7f.txt") == "a__Set-Cookie: x__.txt"


@pytest.mark.parametrize("name", ["", "  ", "x" * 256, "\ud800.txt"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(NotAllowed) as refusal:
        policy.clean_name(name)
    assert refusal.value.field == "name"


def test_a_title_has_eighty_characters_at_most():
    assert policy.clean_title(f" {'x' * 80} ") == "x" * 80
    with pytest.raises(NotAllowed):
        policy.clean_title("x" * 81)


@pytest.mark.parametrize(
    ("first", "content_type"),
    [
        (PNG[:32], "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "image/jpeg"),
        (b"GIF89a" + bytes(20), "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x20ftypavif" + bytes(8), "image/avif"),
    ],
)
def test_an_image_is_known_by_its_first_bytes(first, content_type):
    assert policy.content_type_of(Kind.IMAGE, first) == content_type


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
def test_what_is_no_image_is_refused_with_a_way_out(first):
    with pytest.raises(NotAllowed, match="as a file instead"):
        policy.content_type_of(Kind.IMAGE, first)


def test_heic_is_refused_by_its_name():
    with pytest.raises(NotAllowed, match="HEIC"):
        policy.content_type_of(Kind.IMAGE, b"\x00\x00\x00\x24ftypheic" + bytes(8))


def test_a_file_is_given_out_as_plain_bytes_whatever_it_holds():
    assert policy.content_type_of(Kind.FILE, b"<html>") == "application/octet-stream"
