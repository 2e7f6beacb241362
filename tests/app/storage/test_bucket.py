"""The bucket's configuration: made once, then left alone, with every change reported."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from mayfly.storage.keys import PREFIXES
from mayfly.storage.s3 import bucket
from mayfly.storage.s3.bucket import configure

from ...support.storages import new_key

pytest_plugins = ["tests.support.storages"]
ORIGINS = ["https://drop.example.com", "http://localhost:8080"]
CLOSED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


@pytest.fixture(scope="module")
def client(s3_options):
    return client_of(s3_options, "us-east-1")


@pytest.fixture
def name(client):
    """The name of a bucket that the test makes. It is deleted afterwards."""
    name = new_key().replace("uploads/", "mayfly-")
    yield name
    client.delete_bucket(Bucket=name)


def client_of(options, region):
    return boto3.client(
        "s3",
        endpoint_url=options["endpoint_url"],
        aws_access_key_id=options["access_key"],
        aws_secret_access_key=options["secret_key"],
        region_name=region,
    )


def rules_of(client, name):
    rules = client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    return {rule["ID"]: rule for rule in rules}


def test_a_bucket_is_made_and_configured_and_each_change_reported(client, name):
    changes = configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES)
    assert changes[0] == f"Created the bucket {name} in us-east-1."
    assert any("CORS" in change and "https://drop.example.com" in change for change in changes)
    assert any("older than a day" in change for change in changes)
    assert client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == CLOSED
    [rule] = client.get_bucket_cors(Bucket=name)["CORSRules"]
    assert sorted(rule["AllowedOrigins"]) == sorted(ORIGINS)
    assert sorted(rule["AllowedMethods"]) == ["GET", "HEAD", "PUT"]
    assert rule["AllowedHeaders"] == ["content-type"]
    assert rule["ExposeHeaders"] == ["ETag"]
    rules = rules_of(client, name)
    assert {rule["Filter"]["Prefix"] for rule in rules.values()} == {"uploads/", "previews/"}
    for rule in rules.values():
        assert rule["Status"] == "Enabled"
        assert rule["Expiration"]["Days"] == 1
        assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1
        assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1


def test_preparing_a_bucket_again_changes_nothing(client, name):
    configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES)
    assert configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES) == []
    assert configure(client, name, region="us-east-1", origins=ORIGINS[::-1], prefixes=PREFIXES) == []


def test_parallel_preparations_do_no_harm(client, name):
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda _: configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES), range(4)
            )
        )
    assert configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES) == []


def test_a_bucket_is_made_in_its_region(s3_options, name):
    client = client_of(s3_options, "eu-central-1")
    assert configure(client, name, region="eu-central-1", origins=["*"], prefixes=PREFIXES)[0].endswith(
        "in eu-central-1."
    )
    assert client.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-central-1"


def test_only_differences_are_written_and_reported(client, name):
    configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES)
    assert configure(client, name, region="us-east-1", origins=["*"], prefixes=PREFIXES) == [
        "Let pages of * send and fetch (CORS)."
    ]
    client.delete_bucket_lifecycle(Bucket=name)
    [change] = configure(client, name, region="us-east-1", origins=["*"], prefixes=PREFIXES)
    assert "older than a day" in change
    client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=CLOSED | {"BlockPublicPolicy": False})
    assert configure(client, name, region="us-east-1", origins=["*"], prefixes=PREFIXES) == [
        "Closed the bucket to the public."
    ]


def test_no_page_may_send_if_there_are_no_origins(client, name):
    configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES)
    assert len(configure(client, name, region="us-east-1", origins=[], prefixes=PREFIXES)) == 1
    with pytest.raises(ClientError, match="NoSuchCORSConfiguration"):
        client.get_bucket_cors(Bucket=name)
    assert configure(client, name, region="us-east-1", origins=[], prefixes=PREFIXES) == []


def test_rules_made_by_others_stay(client, name):
    configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES)
    theirs = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 90}}
    client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [theirs]})
    configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES)
    rules = rules_of(client, name)
    assert set(rules) == {"logs", "mayfly-uploads", "mayfly-previews"}
    assert rules["logs"]["Expiration"]["Days"] == 90
    assert configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES) == []


@pytest.fixture
def answers(monkeypatch):
    monkeypatch.setattr(bucket.time, "sleep", lambda seconds: None)
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_bucket_of_another_account_is_left_alone(answers):
    answers.add_client_error("head_bucket", "403", http_status_code=403)
    with pytest.raises(ClientError):
        configure(answers.client, "taken", region="us-east-1", origins=["*"], prefixes=PREFIXES)


def test_a_bucket_name_taken_by_another_account_is_an_error(answers):
    answers.add_client_error("head_bucket", "404", http_status_code=404)
    answers.add_client_error("create_bucket", "BucketAlreadyExists", http_status_code=409)
    answers.add_client_error("head_bucket", "403", http_status_code=403)
    with pytest.raises(ClientError):
        configure(answers.client, "taken", region="us-east-1", origins=["*"], prefixes=PREFIXES)


def test_a_change_waits_for_one_in_progress(answers):
    answers.add_client_error("head_bucket", "404", http_status_code=404)
    answers.add_client_error("create_bucket", "OperationAborted", http_status_code=409)
    answers.add_client_error("create_bucket", "BucketAlreadyOwnedByYou", http_status_code=409)
    answers.add_response("get_bucket_versioning", {})
    answers.add_response("get_public_access_block", {"PublicAccessBlockConfiguration": CLOSED})
    answers.add_client_error("get_bucket_cors", "NoSuchCORSConfiguration", http_status_code=404)
    answers.add_client_error("put_bucket_cors", "OperationAborted", http_status_code=409)
    answers.add_response("put_bucket_cors", {})
    answers.add_client_error("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration")
    answers.add_response("put_bucket_lifecycle_configuration", {})
    changes = configure(answers.client, "mayfly", region="us-east-1", origins=["*"], prefixes=PREFIXES)
    assert len(changes) == 2


def test_a_change_that_stays_blocked_is_an_error(answers):
    answers.add_client_error("head_bucket", "404", http_status_code=404)
    for _ in range(4):
        answers.add_client_error("create_bucket", "OperationAborted", http_status_code=409)
    with pytest.raises(ClientError, match="OperationAborted"):
        configure(answers.client, "mayfly", region="us-east-1", origins=["*"], prefixes=PREFIXES)


def test_a_bucket_with_versioning_is_refused(client, name):
    """Case 52: such a bucket hides a removed object and keeps it."""
    client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    with pytest.raises(bucket.Unsuitable, match="keeps versions"):
        configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    assert configure(client, name, region="us-east-1", origins=ORIGINS, prefixes=PREFIXES)
