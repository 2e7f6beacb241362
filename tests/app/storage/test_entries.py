"""The entries of a listing are read here as botocore reads them; what is unusual is left to botocore."""

from datetime import UTC, datetime

import pytest

from mayfly.storage.s3 import entries

from ...support.storages import new_key, stored

pytest_plugins = ["tests.support.storages"]

ENTRY = "<Contents><Key>a&amp;b</Key><Size>1</Size><LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>"


def read(body: str, status: int = 200) -> tuple[str, dict]:
    answer, read_here = {"body": body.encode(), "status_code": status}, {}
    entries.read(answer, read_here, operation_model=None)
    return answer["body"].decode(), read_here


@pytest.mark.parametrize("namespace", ["", ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'])
def test_the_key_and_date_of_each_object_are_read(namespace):
    rest, read_here = read(f"<ListBucketResult{namespace}><IsTruncated>true</IsTruncated>{ENTRY}</ListBucketResult>")
    assert read_here == {"Contents": [{"Key": "a&b", "LastModified": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}]}
    assert "IsTruncated>true<" in rest
    assert "Contents" not in rest


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<ListBucketResult>",
        "<ListBucketResult></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        f"<ListBucketResult>{ENTRY.replace('2026', 'Tue')}</ListBucketResult>",
        f"<ListBucketResult>{ENTRY.replace('a&amp;b', '')}</ListBucketResult>",
    ],
    ids=["nothing", "cut off", "no object", "no date", "another date", "no key"],
)
def test_an_unusual_answer_is_left_to_botocore(body):
    assert read(body) == (body, {})


def test_an_error_is_left_to_botocore():
    body = f"<Error>{ENTRY}</Error>"
    assert read(body, status=500) == (body, {})


def test_a_listing_names_the_same_objects_as_botocores_own(s3):
    keys = sorted(new_key() for _ in range(5))
    for key in keys:
        stored(s3, key, b"x")
    ours = [found for found in s3.objects("uploads/") if found.key in keys]
    s3.client.meta.events.unregister("before-parse.s3.ListObjectsV2", entries.read)
    theirs = [found for found in s3.objects("uploads/") if found.key in keys]
    s3.remove(keys)
    assert ours == theirs
    assert [found.key for found in ours] == keys
