"""A bucket may lack CORS or a lifecycle. That is found by reading alone, on any server, with rules of any hand."""

import pytest

from mayfly.storage.protocol import StorageError
from mayfly.storage.s3.lacks import ANY_ORIGIN, without_browsers, without_lifecycle
from mayfly.storage.s3.storage import S3UploadStorage

from ...support.foreign import Reply, error, foreign
from ...support.ports import free_port

PAGES = "https://drop.example.org"
PREFIXES = ("uploads/", "previews/")


def allowed(origin, methods="PUT, GET, HEAD", status=200) -> Reply:
    headers = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": methods}
    return Reply(status, headers=headers)


@pytest.fixture
def server():
    """A server with one answer for the browsers' question and one for the lifecycle; it notes what it is asked."""

    class Server:
        asked = []
        preflight = allowed(PAGES)
        lifecycle = error(404, "NoSuchLifecycleConfiguration")

    def way(asked, ask):
        Server.asked.append(asked)
        return Server.preflight if asked.method == "OPTIONS" else Server.lifecycle

    with foreign("http://127.0.0.1:1", way) as Server.address:
        yield Server


def storage(address, **more) -> S3UploadStorage:
    keys = {"access_key": "test", "secret_key": "test", "bucket_name": "mayfly", "cors_origins": [PAGES]}
    return S3UploadStorage(endpoint_url=address, **keys | more)


# Browsers


def test_the_question_is_that_of_a_browser_before_it_sends_a_part(server):
    assert without_browsers([server.address], [PAGES]) == []
    [asked] = server.asked
    assert (asked.method, asked.path) == ("OPTIONS", "/uploads/cors")
    assert asked.headers["origin"] == PAGES
    assert asked.headers["access-control-request-method"] == "PUT"
    assert asked.headers["access-control-request-headers"] == "content-type"
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("answer", [allowed(PAGES, status=204), allowed("*"), allowed("*", methods="*")])
def test_a_server_that_lets_pages_in_lacks_nothing(server, answer):
    server.preflight = answer
    assert without_browsers([server.address], [PAGES]) == []


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200),
        Reply(403),
        Reply(501),
        allowed("https://other.example.org"),
        allowed(PAGES, methods="GET"),
        allowed(PAGES, status=403),
    ],
)
def test_a_server_that_shuts_pages_out_is_told_of(server, answer):
    server.preflight = answer
    [sentence] = without_browsers([server.address], [PAGES])
    assert f"does not let pages of {PAGES} send parts" in sentence


def test_each_origin_that_is_shut_out_is_named(server):
    [sentence] = without_browsers([server.address], [PAGES, "https://a.example.org", "https://b.example.org"])
    assert "pages of https://a.example.org, https://b.example.org send" in sentence


def test_all_origins_are_asked_for_as_one_that_exists_nowhere(server):
    [sentence] = without_browsers([server.address], ["*"])
    assert "pages of any address" in sentence
    assert server.asked[0].headers["origin"] == ANY_ORIGIN


def test_an_address_that_does_not_answer_leaves_the_word_to_the_next(server):
    nothing = f"http://127.0.0.1:{free_port()}"
    assert without_browsers([nothing, server.address], [PAGES]) == []
    server.preflight = Reply(403)
    assert len(without_browsers([nothing, server.address], [PAGES])) == 1
    assert without_browsers([nothing], [PAGES]) == []  # the check of storage itself reports that


# Lifecycle


def rules(*rules: str) -> Reply:
    body = "".join(f"<Rule><ID>{number}</ID>{rule}</Rule>" for number, rule in enumerate(rules))
    return Reply(200, f"<LifecycleConfiguration>{body}</LifecycleConfiguration>".encode())


ON, DAYS = "<Status>Enabled</Status>", "<Expiration><Days>2</Days></Expiration>"
ABORT = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
ALL, TAGGED = "<Filter/>", "<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>"


def under(prefix: str) -> str:
    return f"<Filter><Prefix>{prefix}</Prefix></Filter>"


@pytest.mark.parametrize(
    ("answer", "bare"),
    [
        (rules(under("uploads/") + ON + DAYS + ABORT, under("previews/") + ON + DAYS + ABORT), ""),
        (rules(ALL + ON + DAYS + ABORT), ""),
        (rules("<Prefix></Prefix>" + ON + DAYS + ABORT), ""),
        (rules(under("uploads/") + ON + DAYS + ABORT), "previews/"),
        (rules(ALL + "<Status>Disabled</Status>" + DAYS + ABORT), "uploads/ and previews/"),
        (rules(ALL + ON + DAYS), "uploads/ and previews/"),
        (rules(ALL + ON + ABORT), "uploads/ and previews/"),
        (rules(TAGGED + ON + DAYS + ABORT), "uploads/ and previews/"),
        (rules(under("uploads/a") + ON + DAYS + ABORT), "uploads/ and previews/"),
        (Reply(200, b"<ListBucketResult/>"), "uploads/ and previews/"),
        (error(404, "NoSuchLifecycleConfiguration"), "uploads/ and previews/"),
        (error(501, "NotImplemented"), "uploads/ and previews/"),
    ],
)
def test_what_no_rule_deletes_is_named(server, answer, bare):
    server.lifecycle = answer
    expected = [f"storage has no lifecycle rule that deletes {bare}, so only Mayfly deletes"] if bare else []
    assert without_lifecycle(storage(server.address).client, "mayfly", PREFIXES) == expected


def test_a_key_that_may_not_read_the_rules_is_no_error(server):
    server.lifecycle = error(403, "AccessDenied")
    [sentence] = storage(server.address).lacking()
    assert "may not read the lifecycle rules" in sentence


# Both


def test_what_release_could_not_make_is_what_the_storage_lacks(server):
    server.preflight = Reply(403)
    cors, lifecycle = storage(server.address).lacking()
    assert "CORS" in cors
    assert "lifecycle" in lifecycle


def test_the_public_address_is_asked_first(server):
    nothing = f"http://127.0.0.1:{free_port()}"
    server.lifecycle = rules(ALL + ON + DAYS + ABORT)
    assert storage(server.address, public_endpoint_url=nothing).lacking() == []
    assert {asked.path.split("?")[0] for asked in server.asked} == {"/mayfly/uploads/cors", "/mayfly"}
    with pytest.raises(StorageError):
        storage(nothing, public_endpoint_url=server.address).lacking()


def test_the_address_of_aws_has_the_bucket_in_its_host():
    assert storage(None)._address(None) == "https://mayfly.s3.us-east-1.amazonaws.com"
