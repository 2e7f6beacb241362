"""Objects and transfers on servers that do as S3 does, but not quite."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from itertools import permutations

import pytest

from mayfly.storage.protocol import Beginning, StorageError
from mayfly.storage.s3.storage import S3UploadStorage

from ...support.foreign import Reply, error, foreign
from ...support.requests import requests_to_s3
from ...support.storages import new_key, open_transfer

pytest_plugins = ["tests.support.storages"]


class Elsewhere:
    """A storage whose server answers in the way that a test chooses."""

    def __init__(self, options, endpoint):
        self.storage = S3UploadStorage(**options | {"endpoint_url": endpoint})
        self.asked = []
        self.way = None


@pytest.fixture(scope="module")
def server(s3, s3_options):
    def way(asked, ask):
        made.asked.append(asked)
        return made.way(asked, ask) if made.way else ask()

    with foreign(s3_options["endpoint_url"], way) as endpoint:
        made = Elsewhere(s3_options, endpoint)
        yield made


@pytest.fixture
def elsewhere(server):
    """The server in no way of its own yet, and a storage that remembers nothing of it."""
    server.way = None
    server.storage._removes_batches = True
    server.asked.clear()
    yield server
    server.way = None


@pytest.fixture
def keys(s3):
    """Twenty objects, removed afterwards."""
    keys = [new_key() for _ in range(20)]
    for key in keys:
        s3.put(key, b"01234", content_type="text/plain")
    yield keys
    s3.remove(keys)


@pytest.fixture
def key(keys):
    """An object of five bytes."""
    return keys[0]


# Removal


def test_a_removal_has_a_checksum_that_every_server_knows(elsewhere, keys):
    assert elsewhere.storage.remove(keys) == {}
    [asked] = elsewhere.asked
    assert asked.headers["content-md5"] == base64.b64encode(hashlib.md5(asked.body).digest()).decode()  # noqa: S324
    assert not [name for name in asked.headers if "checksum" in name]
    assert "content-md5" in re.search("SignedHeaders=([^,]*)", asked.headers["authorization"])[1]


def test_a_server_that_asks_for_md5_removes_in_one_request(elsewhere, s3, keys):
    def way(asked, ask):
        wants_md5 = "delete" in asked.query and "content-md5" not in asked.headers
        return error(400, "MissingContentMD5") if wants_md5 else ask()

    elsewhere.way = way
    with requests_to_s3() as requests:
        assert elsewhere.storage.remove(keys) == {}
    assert requests == {"DeleteObjects": 1}
    assert s3.absent(keys) == set(keys)


@pytest.mark.parametrize(
    "answer",
    [
        error(400, "MissingContentMD5"),
        error(400, "InvalidRequest"),
        error(400, "InvalidDigest"),
        error(400, "NotImplemented"),
        error(501, "NotImplemented"),
        error(405, "MethodNotAllowed"),
        Reply(501),
        Reply(405),
    ],
    ids=lambda answer: f"{answer.status}-{re.sub('<[^>]*>', ' ', answer.body.decode()).split(' ')[2:3]}",
)
def test_a_server_without_batches_removes_key_by_key_and_is_remembered(elsewhere, s3, keys, answer):
    elsewhere.way = lambda asked, ask: answer if "delete" in asked.query else ask()
    with requests_to_s3() as requests:
        assert elsewhere.storage.remove(keys[:10]) == {}
        assert elsewhere.storage.remove(keys[10:]) == {}
    assert requests == {"DeleteObjects": 1, "DeleteObject": 20}
    assert s3.absent(keys) == set(keys)
    assert elsewhere.storage.remove(keys) == {}  # absent counts as removed


def test_a_key_that_cannot_be_removed_alone_is_named(elsewhere, s3, keys):
    def way(asked, ask):
        if "delete" in asked.query:
            return error(501, "NotImplemented")
        if asked.method == "DELETE" and asked.path.endswith(keys[0]):
            return error(403, "AccessDenied")
        return error(404, "NoSuchKey") if asked.path.endswith(keys[1]) else ask()

    elsewhere.way = way
    errors = elsewhere.storage.remove(keys)
    assert list(errors) == [keys[0]]
    assert "AccessDenied" in errors[keys[0]]
    assert s3.absent(keys) == set(keys[2:])


def test_a_refusal_that_meets_every_key_is_not_remembered(elsewhere, keys):
    elsewhere.way = lambda asked, ask: error(400, "InvalidRequest")
    assert elsewhere.storage.remove(keys).keys() == set(keys)
    elsewhere.way = None
    with requests_to_s3() as requests:
        assert elsewhere.storage.remove(keys) == {}
    assert requests == {"DeleteObjects": 1}


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket"), (400, "MalformedXML")])
def test_another_refusal_of_a_batch_is_an_error(elsewhere, keys, status, code):
    elsewhere.way = lambda asked, ask: error(status, code)
    with requests_to_s3() as requests, pytest.raises(StorageError, match=code):
        elsewhere.storage.remove(keys)
    assert requests == {"DeleteObjects": 1}


# Reading


@pytest.mark.parametrize(
    "answer",
    [Reply(416), error(416, "InvalidRange"), error(400, "InvalidArgument"), error(400, "InvalidRange")],
    ids=["bare", "416", "argument", "range"],
)
def test_first_bytes_come_from_an_object_shorter_than_the_range(elsewhere, key, answer):
    def way(asked, ask):
        end = re.fullmatch(r"bytes=0-(\d+)", asked.headers.get("range", ""))
        return answer if end and int(end[1]) >= 5 else ask()

    elsewhere.way = way
    assert elsewhere.storage.first_bytes(key, 32) == b"01234"
    assert elsewhere.storage.first_bytes(key, 3) == b"012"


def test_a_server_without_ranges_gives_no_more_than_was_asked(elsewhere, key):
    def way(asked, ask):
        asked.headers.pop("range", None)
        return ask()

    elsewhere.way = way
    assert elsewhere.storage.beginning(key, 3) == Beginning(b"012", 5)


@pytest.mark.parametrize(("status", "stated"), [(200, None), (206, ""), (206, "bytes 0-2/*")])
def test_the_size_is_that_of_all_however_a_range_is_answered(elsewhere, key, status, stated):
    def way(asked, ask):
        answer = ask()
        if "range" in asked.headers:
            answer.status = status
            if stated is not None:
                answer.headers = {
                    name: value for name, value in answer.headers.items() if name.lower() != "content-range"
                }
                answer.headers |= {"Content-Range": stated} if stated else {}
        return answer

    elsewhere.way = way
    assert elsewhere.storage.beginning(key, 3) == Beginning(b"012", 5)


def test_an_empty_object_has_no_first_bytes(elsewhere, key):
    elsewhere.storage.put(key, b"", content_type="text/plain")
    assert elsewhere.storage.beginning(key, 32) == Beginning(b"", 0)


# Parts


def changed(pattern, replacement):
    """A server whose answers differ from those of S3 in this."""

    def way(asked, ask):
        answer = ask()
        answer.body = re.sub(pattern, replacement, answer.body)
        return answer

    return way


def test_etags_without_quotes_are_those_with_quotes(elsewhere, key):
    def way(asked, ask):
        answer = ask()
        answer.body = re.sub(
            rb"<ETag>(?:&quot;|&#34;|\")([^<]*?)(?:&quot;|&#34;|\")</ETag>", rb"<ETag>\1</ETag>", answer.body
        )
        answer.headers = {name: value.strip('"') for name, value in answer.headers.items()}
        return answer

    elsewhere.way = way
    storage = elsewhere.storage
    transfer_id = open_transfer(storage, key)
    part = storage.write_part(key, transfer_id, 1, b"content")
    assert part.etag == f'"{hashlib.md5(b"content").hexdigest()}"'  # noqa: S324
    assert storage.parts(key, transfer_id) == {1: part}
    storage.complete_transfer(key, transfer_id, [part])
    assert storage.length(key) == 7


def two_parts_at_a_time(marker):
    """A server that lists two parts at a time, and names the next page in this way."""

    def way(asked, ask):
        answer = ask()
        if "uploadId" in asked.query:
            listed = re.findall(rb"<Part>.*?</Part>", answer.body, re.DOTALL)
            for part in listed[2:]:
                answer.body = answer.body.replace(part, b"")
            answer.body = re.sub(rb"<NextPartNumberMarker>.*?</NextPartNumberMarker>", marker, answer.body)
            more = b"true" if len(listed) > 2 else b"false"
            answer.body = re.sub(
                rb"<IsTruncated>\w*</IsTruncated>", b"<IsTruncated>%s</IsTruncated>" % more, answer.body
            )
        return answer

    return way


@pytest.fixture
def sent(s3, key):
    """An open transfer with five parts, and these."""
    transfer_id = open_transfer(s3, key)
    yield transfer_id, {number: s3.write_part(key, transfer_id, number, b"x" * number) for number in range(1, 6)}
    s3.abort_transfers(key)


@pytest.mark.parametrize("number", [None, 0, 1])
def test_parts_are_listed_to_the_end_whatever_names_the_next_page(elsewhere, key, sent, number):
    transfer_id, parts = sent
    marker = b"" if number is None else b"<NextPartNumberMarker>%d</NextPartNumberMarker>" % number
    elsewhere.way = two_parts_at_a_time(marker)
    assert elsewhere.storage.parts(key, transfer_id) == parts
    assert len(elsewhere.asked) == 3


def test_a_list_of_parts_that_does_not_go_on_is_an_error(elsewhere, key, sent):
    elsewhere.way = changed(rb"<IsTruncated>\w*</IsTruncated>", b"<IsTruncated>true</IsTruncated>")
    with pytest.raises(StorageError, match="does not go on after part 5"):
        elsewhere.storage.parts(key, sent[0])


def test_a_listing_never_repeats_the_key_that_it_goes_on_from(elsewhere):
    """The server begins with the key itself, or overlooks where to begin."""
    date = "2026-02-03T04:05:06Z"
    objects = "".join(f"<Contents><Key>{name}</Key><LastModified>{date}</LastModified></Contents>" for name in "abc")
    uploads = "".join(
        f"<Upload><Key>{name}</Key><UploadId>1</UploadId><Initiated>{date}</Initiated></Upload>" for name in "abc"
    )
    listed = [
        f"<ListBucketResult>{objects}</ListBucketResult>".encode(),
        f"<ListMultipartUploadsResult>{uploads}</ListMultipartUploadsResult>".encode(),
    ]
    elsewhere.way = lambda asked, ask: Reply(200, listed["uploads" in asked.query])
    for call in (elsewhere.storage.objects, elsewhere.storage.transfers):
        assert [there.key for there in call("", after="b")] == ["c"]
        assert [there.key for there in call("")] == ["a", "b", "c"]


def test_the_last_content_of_a_part_counts_where_all_are_listed(elsewhere):
    """The server keeps every content of a number, and lists them in no order."""

    def entry(number, size, second):
        at = f"<LastModified>2026-02-03T04:05:0{second}Z</LastModified>"
        return f"<Part><PartNumber>{number}</PartNumber><Size>{size}</Size><ETag>{size}</ETag>{at}</Part>"

    listed = [entry(1, 10, 1), entry(2, 20, 5), entry(2, 30, 3), entry(3, 40, 1), entry(3, 50, 2)]
    for order in permutations(listed):
        elsewhere.way = lambda asked, ask, order=order: Reply(
            200, f"<ListPartsResult>{''.join(order)}</ListPartsResult>".encode()
        )
        parts = elsewhere.storage.parts("uploads/a", "id")
        assert {number: part.size for number, part in parts.items()} == {1: 10, 2: 20, 3: 50}


def test_transfers_listed_by_their_ids_come_in_the_order_of_keys(elsewhere):
    uploads = "".join(
        f"<Upload><Key>{key}</Key><UploadId>{number}</UploadId><Initiated>2026-02-03T04:05:06Z</Initiated></Upload>"
        for number, key in enumerate("dacab")
    )
    listed = f"<ListMultipartUploadsResult>{uploads}</ListMultipartUploadsResult>".encode()
    elsewhere.way = lambda asked, ask: Reply(200, listed)
    assert [there.key for there in elsewhere.storage.transfers("")] == ["a", "a", "b", "c", "d"]


# Dates, and answers that lack something


@pytest.mark.parametrize(
    "date",
    [
        "2026-02-03T04:05:06.000Z",
        "2026-02-03T04:05:06Z",
        "2026-02-03T04:05:06+00:00",
        "2026-02-03T05:05:06.123456+01:00",
        "2026-02-03T04:05:06",
        "2026-02-03 04:05:06",
        "Tue, 03 Feb 2026 04:05:06 GMT",
    ],
)
def test_a_date_of_any_form_is_a_time_in_utc(elsewhere, key, sent, date):
    elsewhere.way = changed(rb"<(LastModified|Initiated)>[^<]*", rb"<\1>" + date.encode())
    [there] = elsewhere.storage.objects(key)
    [opened] = elsewhere.storage.transfers(key)
    for since in (there.since, opened.since):
        assert since.astimezone(UTC).replace(microsecond=0) == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("element", "call"),
    [
        ("UploadId", lambda storage, key, transfer_id: storage.open_transfer(key, content_type="text/plain")),
        ("ETag", lambda storage, key, transfer_id: storage.parts(key, transfer_id)),
        ("Size", lambda storage, key, transfer_id: storage.parts(key, transfer_id)),
        ("Key", lambda storage, key, transfer_id: list(storage.objects(key))),
        ("LastModified", lambda storage, key, transfer_id: list(storage.objects(key))),
        ("Key", lambda storage, key, transfer_id: list(storage.transfers(key))),
        ("Initiated", lambda storage, key, transfer_id: list(storage.transfers(key))),
        ("UploadId", lambda storage, key, transfer_id: storage.abort_transfers(key)),
    ],
)
def test_an_answer_that_lacks_an_element_is_a_storage_error(elsewhere, key, sent, element, call):
    elsewhere.way = changed(rb"<%s>[^<]*</%s>" % (element.encode(), element.encode()), b"")
    with pytest.raises(StorageError, match=element):
        call(elsewhere.storage, key, sent[0])


def test_an_unreadable_element_is_a_storage_error(elsewhere, key, sent):
    elsewhere.way = changed(rb"<(Size|LastModified|Initiated)>[^<]*", rb"<\1>some day")
    for call in (elsewhere.storage.objects, elsewhere.storage.transfers):
        with pytest.raises(StorageError):
            list(call(key))
    with pytest.raises(StorageError):
        elsewhere.storage.parts(key, sent[0])
