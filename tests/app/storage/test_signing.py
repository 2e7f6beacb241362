"""Our presigned URLs equal botocore's byte for byte, and a token grants one thing until it expires."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore.auth
import pytest
from botocore.config import Config

from mayfly.storage.folder.tokens import ObjectGrant, PartGrant, TokenExpired, TokenRefused, grant_in, token_of
from mayfly.storage.headers import attachment
from mayfly.storage.s3.presign import S3Signer
from mayfly.storage.s3.storage import S3UploadStorage

NOW = datetime(2026, 11, 21, 23, 59, 59, 900_000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ACCESS_KEY, SECRET_KEY = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SHOWN = {"disposition": attachment("a.txt"), "content_type": "text/plain", "cache_control": "no-store"}

# The address at which a client reaches the bucket, and botocore's addressing style for it.
PLACES = [
    ("http://localhost:4566", "path"),
    ("http://localhost:4566/", "path"),
    ("http://LocalStack:80", "path"),
    ("https://s3.example.com:443", "path"),
    ("https://s3.example.com:8443", "path"),
    ("https://s3.example.com/behind/a/prefix", "path"),
    ("https://[::1]:9000", "path"),
    ("https://s3.example.com", "virtual"),
    ("http://s3.localhost:4566", "virtual"),
    (None, "virtual"),
    (None, "path"),
]
REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"]
KEYS = [
    "uploads/4kQabcdefghijklmnopqrs",
    "with space/and+plus/and~tilde/and.dot",
    "zażółć/猫/👩‍👩‍👧",
    "per%20cent&and=more?#@:!$'()*,;[]",
    "/leading//double/../dots/",
    'quotes"and\\backslashes',
]


@pytest.fixture(autouse=True)
def one_moment(monkeypatch):
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: NOW.replace(tzinfo=None))


def botocore_client(region="us-east-1", endpoint=None, style="path", token=None):
    return _session(token).client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        config=Config(
            signature_version="s3v4", s3={"addressing_style": style, "us_east_1_regional_endpoint": "regional"}
        ),
    )


_sessions = {}


def _session(token):
    # One session for all cases, because each session reads botocore's models again.
    return _sessions.setdefault(token, boto3.Session(ACCESS_KEY, SECRET_KEY, aws_session_token=token))


def signer(bucket_url="http://localhost:4566/mayfly", region="us-east-1", token=None, now=NOW):
    return S3Signer(
        bucket_url,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        session_token=token,
        region=region,
        now=now.timestamp,
    )


def signer_of(client, bucket, token=None):
    """A signer for the address that botocore uses for the bucket."""
    url = urlsplit(client.generate_presigned_url("head_bucket", Params={"Bucket": bucket}))
    return signer(f"{url.scheme}://{url.netloc}{url.path}", client.meta.region_name, token)


def assert_same_part(ours, client, bucket, key, transfer_id="2~a+/=&:id", number=3, size=8_388_608, seconds=3600):
    params = {"Bucket": bucket, "Key": key, "UploadId": transfer_id, "PartNumber": number, "ContentLength": size}
    theirs = client.generate_presigned_url("upload_part", Params=params, ExpiresIn=seconds)
    assert ours.part_url(key, transfer_id, number, size, lifetime=timedelta(seconds=seconds)) == theirs


def assert_same_download(ours, client, bucket, key, seconds=60, **shown):
    shown = SHOWN | shown
    params = {
        "Bucket": bucket,
        "Key": key,
        "ResponseContentDisposition": shown["disposition"],
        "ResponseContentType": shown["content_type"],
        "ResponseCacheControl": shown["cache_control"],
    }
    theirs = client.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)
    assert ours.download_url(key, **shown, lifetime=timedelta(seconds=seconds)) == theirs


@pytest.mark.parametrize(("endpoint", "style"), PLACES)
@pytest.mark.parametrize("bucket", ["mayfly", "mayfly.with.dots"])
def test_urls_match_botocores_wherever_the_bucket_is(endpoint, style, bucket):
    client = botocore_client(endpoint=endpoint, style=style)
    ours = signer_of(client, bucket)
    assert_same_part(ours, client, bucket, KEYS[0])
    assert_same_download(ours, client, bucket, KEYS[0])


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("endpoint", [None, "http://localhost:4566"])
def test_urls_match_botocores_in_every_region(region, endpoint):
    client = botocore_client(region, endpoint, "path" if endpoint else "virtual")
    ours = signer_of(client, "mayfly")
    assert_same_part(ours, client, "mayfly", KEYS[0])
    assert_same_download(ours, client, "mayfly", KEYS[0])


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("endpoint", "style"), [("http://localhost:4566", "path"), (None, "virtual")])
def test_urls_match_botocores_for_odd_keys(key, endpoint, style):
    client = botocore_client(endpoint=endpoint, style=style)
    ours = signer_of(client, "mayfly")
    assert_same_part(ours, client, "mayfly", key)
    assert_same_download(ours, client, "mayfly", key)


@pytest.mark.parametrize("name", ["a.txt", 'łódź; 100% "q" \\b.jpg', "👩‍👩‍👧 \u202egpj.exe", "a+b c~d.txt"])
def test_urls_match_botocores_for_odd_names_and_types(name):
    client = botocore_client(endpoint="http://localhost:4566")
    content_type = "text/plain; charset=utf-8"
    assert_same_download(signer(), client, "mayfly", KEYS[0], disposition=attachment(name), content_type=content_type)


@pytest.mark.parametrize(("number", "size", "seconds"), [(1, 1, 1), (10_000, 5 * 2**30, 604_800)])
def test_urls_match_botocores_at_the_limits(number, size, seconds):
    client = botocore_client(endpoint="http://localhost:4566")
    assert_same_part(signer(), client, "mayfly", KEYS[0], number=number, size=size, seconds=seconds)


def test_urls_match_botocores_with_a_session_token():
    client = botocore_client(endpoint="http://localhost:4566", token="FwoG+ZXIv/token==")
    ours = signer_of(client, "mayfly", token="FwoG+ZXIv/token==")
    assert_same_part(ours, client, "mayfly", KEYS[0])
    assert_same_download(ours, client, "mayfly", KEYS[0])


def test_urls_match_botocores_from_one_day_to_the_next(monkeypatch):
    moment = [NOW]
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: moment[0].replace(tzinfo=None)
    )
    client = botocore_client(endpoint="http://localhost:4566")
    ours = S3Signer(
        "http://localhost:4566/mayfly",
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        region="us-east-1",
        now=lambda: moment[0].timestamp(),
    )
    for step in (0, 0.05, 0.1, 1, 86_400, -86_400):
        moment[0] += timedelta(seconds=step)
        assert_same_part(ours, client, "mayfly", KEYS[0])


@pytest.mark.parametrize(
    ("options", "origin"),
    [
        ({"region_name": "us-east-1"}, "https://mayfly.s3.us-east-1.amazonaws.com"),
        ({"region_name": "eu-central-1"}, "https://mayfly.s3.eu-central-1.amazonaws.com"),
        ({"region_name": "cn-north-1"}, "https://mayfly.s3.cn-north-1.amazonaws.com.cn"),
        ({"endpoint_url": "http://localstack:4566"}, "http://localstack:4566"),
        (
            {"endpoint_url": "http://localstack:4566", "public_endpoint_url": "http://localhost:4566"},
            "http://localhost:4566",
        ),
    ],
)
def test_the_storage_signs_for_the_address_that_clients_know(options, origin):
    """Case 24."""
    storage = S3UploadStorage(access_key=ACCESS_KEY, secret_key=SECRET_KEY, bucket_name="mayfly", **options)
    url = storage.sign_part("uploads/a", "id", 1, 5, lifetime=MINUTE).url
    assert url.startswith(f"{origin}/")
    assert storage.signer.origin == origin
    assert storage.sign_download("uploads/a", name="a", content_type="text/plain", lifetime=MINUTE).startswith(origin)


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [(0.2, "1"), (1, "1"), (1.999, "1"), (59.999, "59"), (60, "60"), (10**7, "604800")],
)
def test_no_url_outlives_the_requested_lifetime(lifetime, seconds):
    query = parse_qs(urlsplit(signer().download_url("a", **SHOWN, lifetime=timedelta(seconds=lifetime))).query)
    assert query["X-Amz-Expires"] == [seconds]
    assert query["X-Amz-Date"] == ["20261121T235959Z"]


def test_a_signer_prints_neither_secret_nor_token():
    ours = signer(token="session-secret")
    assert SECRET_KEY not in repr(ours)
    assert SECRET_KEY not in ours.download_url("a", **SHOWN, lifetime=MINUTE)


PART = PartGrant(key="uploads/a", transfer_id="id", number=3, size=5)
OBJECT = ObjectGrant(key="uploads/a", name="łódź 👩‍👩‍👧.txt", content_type="text/plain")


@pytest.mark.parametrize("grant", [PART, OBJECT])
def test_a_token_returns_its_grant(grant):
    assert grant_in(token_of(grant, lifetime=MINUTE), type(grant)) == grant


@pytest.mark.parametrize("grant", [PART, OBJECT])
def test_a_token_is_valid_to_its_last_moment_and_no_longer(grant):
    token = token_of(grant, lifetime=MINUTE, now=lambda: 1000)
    assert grant_in(token, type(grant), now=lambda: 1059.999) == grant
    with pytest.raises(TokenExpired):
        grant_in(token, type(grant), now=lambda: 1060)


@pytest.mark.parametrize("grant", [PART, OBJECT])
def test_a_token_with_any_character_changed_is_refused(grant):
    token = token_of(grant, lifetime=MINUTE)
    for position, character in enumerate(token):
        changed = token[:position] + ("A" if character != "A" else "B") + token[position + 1 :]
        with pytest.raises(TokenRefused):
            grant_in(changed, type(grant))


@pytest.mark.parametrize("token", ["", ":", "a", "a:b", "é:é", "." * 5000])
def test_a_malformed_token_is_refused(token):
    with pytest.raises(TokenRefused):
        grant_in(token, PartGrant)


def test_a_grant_to_read_is_no_grant_to_write():
    with pytest.raises(TokenRefused):
        grant_in(token_of(OBJECT, lifetime=MINUTE), PartGrant)
    with pytest.raises(TokenRefused):
        grant_in(token_of(PART, lifetime=MINUTE), ObjectGrant)


def test_the_longest_name_fits_into_gunicorns_request_line():
    grant = ObjectGrant(key="uploads/4kQabcdefghijklmnopqrs", name="👩" * 255, content_type="image/jpeg")
    assert len(f"GET /storage/objects/{token_of(grant, lifetime=MINUTE)} HTTP/1.1\r\n") < 4094


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("cat.jpg", 'attachment; filename="cat.jpg"'),
        ("my cat; the 2nd.jpg", 'attachment; filename="my cat; the 2nd.jpg"'),
        ("kot ł.jpg", "attachment; filename=\"kot _.jpg\"; filename*=UTF-8''kot%20%C5%82.jpg"),
        ('a"b\\c%d', "attachment; filename=\"a_b_c_d\"; filename*=UTF-8''a%22b%5Cc%25d"),
        ("../a/b.txt", "attachment; filename=\".._a_b.txt\"; filename*=UTF-8''..%2Fa%2Fb.txt"),
        ("a\r\nb\0c\x7f", 'attachment; filename="a__b_c_"'),
        ("\ud83d lone", "attachment; filename=\"_ lone\"; filename*=UTF-8''%3F%20lone"),
    ],
)
def test_a_header_has_the_name_in_ascii_and_exactly(name, header):
    assert attachment(name) == header
