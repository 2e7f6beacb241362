"""A bucket on a server that does not know all of S3: release goes on, and says what remains to do by hand."""

import pytest

from mayfly.storage.protocol import StorageError
from mayfly.storage.s3.bucket import LACKING, open_to_readers
from mayfly.storage.s3.storage import S3UploadStorage

from ...support.foreign import Reply, error, foreign
from ...support.storages import new_key

pytest_plugins = ["tests.support.storages"]

LISTING = b"<ListBucketResult><Name>mayfly</Name><IsTruncated>false</IsTruncated></ListBucketResult>"
# Answers of public servers to a call that they do not know.
ANSWERS = {
    "501": Reply(501),
    "not-implemented": error(501, "NotImplemented"),
    "not-implemented-as-400": error(400, "NotImplemented"),
    "not-allowed": error(405, "MethodNotAllowed"),
    "of-another-call": error(409, "BucketAlreadyExists"),
    "of-our-own-bucket": error(409, "BucketAlreadyOwnedByYou"),
    "no-code": Reply(404, b"<Error><Message>no</Message></Error>"),
    "a-page": Reply(404, b"<!doctype html><p>Not found"),
    "a-listing": Reply(200, LISTING),
}
# The subresource of each step, and words of the sentence that it becomes.
STEPS = {
    "versioning": "switch them off",
    "publicAccessBlock": "only the key of Mayfly",
    "cors": "Allow PUT, GET and HEAD from http://localhost:8080",
    "lifecycle": "older than a day under uploads/ and previews/",
}
# For the bucket of static files.
OPEN_STEPS = {
    "publicAccessBlock": "See that nothing else closes it",
    "policy": "STATIC_STORAGE=whitenoise",
    "cors": "Allow GET and HEAD from every origin",
}


class Elsewhere:
    """A server whose way a test chooses, with a bucket and one client for all tests: a client takes a while to make."""

    def __init__(self, options, endpoint):
        self.storage = S3UploadStorage(**options | {"endpoint_url": endpoint})
        self.client = self.storage.client
        self.way = None

    def prepare(self, way) -> list[str]:
        self.way = way
        return self.storage.prepare()

    def open_to_readers(self, way) -> list[str]:
        self.way = way
        return open_to_readers(self.client, self.storage.bucket_name, region="us-east-1", prefix="static/")


@pytest.fixture(scope="module")
def server(s3_options):
    def way(asked, ask):
        return made.way(asked, ask) if made.way else ask()

    with foreign(s3_options["endpoint_url"], way) as endpoint:
        made = Elsewhere(s3_options | {"cors_origins": ["http://localhost:8080"]}, endpoint)
        yield made


@pytest.fixture
def elsewhere(server):
    """The server with an empty bucket that has no configuration."""
    server.way = None
    server.storage.bucket_name = new_key().replace("uploads/", "elsewhere-")
    server.client.create_bucket(Bucket=server.storage.bucket_name)
    server.client.delete_public_access_block(Bucket=server.storage.bucket_name)  # AWS closes each new bucket
    yield server
    server.way = None
    server.client.delete_bucket(Bucket=server.storage.bucket_name)


def only(subresources, answer):
    """A server that gives this answer to calls of these subresources."""
    return lambda asked, ask: answer if asked.query.keys() & set(subresources) else ask()


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("step", STEPS)
def test_an_unknown_step_is_a_sentence_and_the_rest_is_done(elsewhere, step, answer):
    done = elsewhere.prepare(only([step], answer))
    lacking = [sentence for sentence in done if sentence.startswith(LACKING)]
    if (step, answer) == ("versioning", ANSWERS["a-listing"]):
        assert lacking == []  # AWS says as little of a bucket that never had versions
    else:
        assert len(lacking) == 1
        assert STEPS[step] in lacking[0]
    assert len(done) - len(lacking) == len(STEPS.keys() - {step, "versioning"})


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_server_that_knows_no_step_is_ready_with_a_sentence_each(elsewhere, answer):
    done = elsewhere.prepare(only(STEPS, answer))
    assert all(sentence.startswith(LACKING) for sentence in done)
    assert len(done) >= 3


@pytest.mark.parametrize("step", sorted(STEPS.keys() - {"versioning"}))
def test_a_step_that_only_reads_is_a_sentence(elsewhere, step):
    done = elsewhere.prepare(
        lambda asked, ask: ANSWERS["501"] if asked.method == "PUT" and step in asked.query else ask()
    )
    assert [STEPS[step] in sentence for sentence in done if sentence.startswith(LACKING)] == [True]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "AccessDenied"), (403, "SignatureDoesNotMatch"), (404, "NoSuchBucket"), (400, "ExpiredToken")],
)
def test_a_refusal_is_never_taken_for_an_unknown_step(elsewhere, step, status, code):
    with pytest.raises(StorageError, match=code):
        elsewhere.prepare(only([step], error(status, code)))


def test_a_lifecycle_rule_without_versions_is_tried_if_need_be(elsewhere):
    def way(asked, ask):
        return error(400, "MalformedXML") if b"NoncurrentVersionExpiration" in asked.body else ask()

    assert any("older than a day" in sentence for sentence in elsewhere.prepare(way))
    assert elsewhere.prepare(way) == []


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("step", OPEN_STEPS)
def test_an_unknown_step_of_the_static_bucket_is_a_sentence(elsewhere, step, answer):
    done = elsewhere.open_to_readers(only([step], answer))
    [lacking] = [sentence for sentence in done if sentence.startswith(LACKING)]
    assert OPEN_STEPS[step] in lacking
    assert len(done) == len(OPEN_STEPS)
