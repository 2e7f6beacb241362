"""The suite can fail: ledger and comparison notice promises that these tests break behind the program's back."""

import pytest

from ..conftest import BUCKET, Bucket
from . import stack
from .clients import Client
from .ledger import Clock, Followed, Ledger


@pytest.fixture
def ledger(table) -> Ledger:
    return Ledger(Clock(table))


@pytest.fixture
def client(ledger, tmp_path) -> Client:
    return Client("client", "seed", ledger, tmp_path, watch=lambda _: None)


@pytest.fixture
def upload(client, ledger) -> Followed:
    """An upload with the lifetime of the form, a quarter of an hour."""
    client.by_form()
    followed = ledger.followed[-1]
    client.fetch(followed)
    assert (ledger.fetched, ledger.problems()) == (1, {})
    return followed


def key_of(upload: Followed) -> str:
    return f"uploads/{upload.id}"


def test_the_ledger_notices_a_lost_upload(client, ledger, upload, bucket):
    bucket.client.delete_object(Bucket=BUCKET, Key=key_of(upload))
    client.fetch(upload)
    assert ledger.problems().keys() == {"lost"}


def test_the_ledger_notices_a_changed_byte(client, ledger, upload, bucket):
    content = bucket.client.get_object(Bucket=BUCKET, Key=key_of(upload))["Body"].read()
    bucket.client.put_object(Bucket=BUCKET, Key=key_of(upload), Body=bytes([content[0] ^ 1]) + content[1:])
    client.fetch(upload)
    assert ledger.problems().keys() == {"altered"}


@pytest.mark.parametrize("looks", [Client.fetch, Client.is_gone])
def test_the_ledger_notices_an_upload_offered_after_its_deadline(client, ledger, upload, looks):
    upload.expires_at = upload.over_at = ledger.clock.now() - 1  # as if its owner had got this deadline
    looks(client, upload)
    assert ledger.problems().keys() == {"served after its time"}


def test_the_ledger_notices_an_unexpected_answer(client, ledger, upload):
    client.token = "forged"
    client.read_the_list()
    assert ledger.problems().keys() == {"unexpected"}


def test_the_comparison_notices_what_one_side_lacks(upload, table, bucket: Bucket):
    assert stack.differences(table, bucket) == {}
    bucket.client.delete_object(Bucket=BUCKET, Key=key_of(upload))
    bucket.client.put_object(Bucket=BUCKET, Key="uploads/stray", Body=b"stray")
    bucket.client.put_object(Bucket=BUCKET, Key="previews/stray.webp", Body=b"stray")
    bucket.client.create_multipart_upload(Bucket=BUCKET, Key="uploads/open")
    assert stack.differences(table, bucket) == {
        "objects without a row": ["stray"],
        "rows without an object": [upload.id],
        "transfers without a row": ["open"],
        "previews without an upload": ["stray"],
    }
