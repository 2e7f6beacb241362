"""Blocks of senders: what an operator may block, whom it keeps out, and for how long."""

import ast
import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from mayfly.abuse import blocks
from mayfly.abuse.models import Block, Sort
from mayfly.uploads.errors import NotAllowed
from mayfly.uploads.models import Upload
from mayfly.visitors.addresses import hashed

from ...support.configuration import APP

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
WORDS = "accepts no uploads from your network address"
BLOCKS = "/admin/abuse/block/"


def is_kept_out(address: str) -> bool:
    try:
        blocks.check_sender(hashed(address), ip_address(address))
    except NotAllowed:
        return True
    return False


@pytest.mark.parametrize(
    ("value", "inside", "outside"),
    [
        ("198.51.100.0/24", "198.51.100.255", "198.51.101.0"),
        ("198.51.100.7/24", "198.51.100.0", "198.51.99.255"),
        ("198.51.100.7", "198.51.100.7", "198.51.100.8"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ("2001:db8:1:2::9", "2001:db8:1:2:3::4", "2001:db8:1:3::9"),
        ("::ffff:198.51.100.7", "198.51.100.7", "198.51.100.8"),
        ("::ffff:198.51.100.0/120", "198.51.100.7", "198.51.101.0"),
        ("::1", "::1", "198.51.100.7"),
        (hashed("198.51.100.7"), "198.51.100.7", "198.51.100.8"),
        (hashed("2001:db8:1:2::9"), "2001:db8:1:2:3::4", "2001:db8:1:3::9"),
    ],
)
def test_a_block_keeps_out_its_network_and_no_neighbour(value, inside, outside):
    """Case 110."""
    blocks.block(value, lasts=DAY)
    assert is_kept_out(inside)
    assert not is_kept_out(outside)


@pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8:1:2::9"])
def test_a_begin_finds_a_block_by_its_index(address):
    """Cases 56 and 110: among thousands of blocked networks."""
    ends_at = timezone.now() + DAY
    networks = (f"{first}.{second}.0.0/16" for first in range(1, 101) for second in range(50))
    Block.objects.bulk_create(Block(sort=Sort.NETWORK, value=value, ends_at=ends_at) for value in networks)
    if connection.vendor == "postgresql":  # SQLite would keep these statistics for the other tests
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    plan = blocks.against(hashed(address), ip_address(address)).explain()
    assert ("one_block_a_value" if connection.vendor == "postgresql" else "sqlite_autoindex_abuse_block_1") in plan
    assert not re.search("Seq Scan|SCAN", plan)


def test_a_block_ends_by_itself_and_is_purged():
    block = blocks.block("198.51.100.0/24", lasts=DAY)
    blocks.block("203.0.113.0/24", lasts=DAY)
    Block.objects.filter(pk=block.pk).update(ends_at=Now())
    assert not is_kept_out("198.51.100.7")
    assert blocks.purge() == 1
    assert is_kept_out("203.0.113.1")


def test_a_second_block_of_the_same_takes_the_place_of_the_first():
    for note in ("first", "second"):
        blocks.block("198.51.100.0/24", lasts=DAY, note=note)
    assert Block.objects.get().note == "second"


@pytest.mark.parametrize(
    ("value", "lasts", "field"),
    [
        ("10.0.0.0/7", DAY, "value"),
        ("::/0", DAY, "value"),
        ("0.0.0.0/0", DAY, "value"),
        ("holiday.png", DAY, "value"),
        ("a" * 63, DAY, "value"),
        ("198.51.100.0/24", None, "lasts"),
    ],
)
def test_a_block_of_everyone_or_for_ever_is_refused(value, lasts, field):
    with pytest.raises(NotAllowed) as refusal:
        blocks.block(value, lasts=lasts)
    assert refusal.value.field == field


def test_a_blocked_sender_gets_words_on_every_way_in(owner):
    """Cases 42 and 110."""
    blocks.block("127.0.0.0/8", lasts=DAY)
    refused = owner.request("POST", "/api/uploads", {"kind": "file", "name": "a.txt", "size": 5})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "address_blocked")
    form = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"hello")})
    line = Client().put("/a.txt", b"hello", "application/octet-stream")
    assert [form.status_code, line.status_code] == [403, 403]
    for answer in (refused, form, line):
        assert WORDS in answer.content.decode()
    assert not Upload.objects.exists()


def test_a_forged_header_does_not_get_around_a_block(owner, settings):
    """Case 110."""
    settings.TRUST_PROXY = True
    blocks.block("198.51.100.0/24", lasts=DAY)
    headers = {"X-Forwarded-For": "192.0.2.1, 198.51.100.7"}
    assert Client().put("/a.txt", b"hello", "application/octet-stream", headers=headers).status_code == 403


def test_every_way_in_asks_whether_its_sender_is_blocked():
    """Case 110: no module begins an upload from an address that it has not asked about."""
    ways = []
    for file in APP.glob("mayfly/*/*.py"):
        calls = [node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        begins = any(
            isinstance(f, ast.Attribute) and f.attr == "begin" and ast.unparse(f.value) == "lifecycle" for f in calls
        )
        if begins and "uploads" not in Path(file).parent.name:
            ways.append(file.name)
            assert any(isinstance(f, ast.Name) and f.id == "check_sender" for f in calls), file
    assert ways


# the operator


def test_the_operator_blocks_a_network_and_lifts_the_block(operator):
    """Case 42."""
    assert operator.post(f"{BLOCKS}add/", {"value": "198.51.100.0/24", "lasts": "7", "note": "spam"}).status_code == 302
    assert is_kept_out("198.51.100.7")
    text = operator.get(BLOCKS).content.decode()
    assert "198.51.100.0/24" in text
    pk = Block.objects.get().pk
    operator.post(f"{BLOCKS}{pk}/delete/", {"post": "yes"})
    assert not is_kept_out("198.51.100.7")


def test_the_form_of_a_block_says_what_is_wrong(operator):
    response = operator.post(f"{BLOCKS}add/", {"value": "0.0.0.0/0", "lasts": "7"})
    assert "This network is too wide." in response.content.decode()
    assert not Block.objects.exists()


def test_only_an_operator_blocks(owner):
    reader = User.objects.create_user("reader", is_staff=True)
    client = Client()
    client.force_login(reader)
    assert client.post(f"{BLOCKS}add/", {"value": "198.51.100.0/24", "lasts": "7"}).status_code == 403
    assert Client().get(BLOCKS).status_code == 302
