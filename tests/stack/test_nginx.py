"""nginx from outside: what it lets through to S3, its connections to web, and the search for a web that has moved."""

import os
import random
import re
import socket
from functools import partial

import boto3
import httpx
import pytest
from botocore.config import Config

from .conftest import BUCKET, URL, compose, docker, docker_inspect, inspect, until

S3 = f"http://localhost:{os.environ['S3_PORT']}"
FALSE = "0" * 64


@pytest.fixture(scope="module")
def client():
    """A client of S3 that signs as the program does."""
    return boto3.client(
        "s3",
        endpoint_url=S3,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"),
    )


@pytest.fixture
def private(client):
    """The signed URL of an object whose key an attacker knows. At the end, the object is as it was."""
    given = {"Bucket": BUCKET, "Key": "uploads/private"}
    client.put_object(**given, Body=b"secret")
    yield client.generate_presigned_url("get_object", Params=given)
    assert client.get_object(**given)["Body"].read() == b"secret"
    client.delete_object(**given)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/{bucket}?list-type=2"),
        ("GET", "/{bucket}/uploads/private"),
        ("HEAD", "/{bucket}/uploads/private"),
        ("PUT", "/{bucket}/uploads/private"),
        ("DELETE", "/{bucket}/uploads/private"),
        ("POST", "/{bucket}?delete="),
        ("POST", "/{bucket}"),
        ("GET", "/{bucket}/static/../uploads/private"),
        ("GET", "/{bucket}/static/%2e%2e/uploads/private"),
        ("GET", "/{bucket}/static/x?list-type=2"),
        ("PUT", "/{bucket}/static/x"),
        ("GET", "/{bucket}/uploads/private?x-amz-signature=" + FALSE),
        ("GET", "/{bucket}/uploads/private?X-Amz-Signature="),
        ("GET", "/_localstack/health"),
    ],
)
def test_s3_refuses_a_request_without_a_signature(private, method, path):
    """Case 75."""
    assert raw(method, path.format(bucket=BUCKET)) == 403


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_s3_refuses_a_signature_that_is_not_ours(private, method):
    """Case 75."""
    assert httpx.get(private).content == b"secret"
    assert httpx.request(method, re.sub("(?<=Signature=)[^&]+", FALSE, private)).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "localstack", ""])
def test_s3_answers_to_the_names_of_this_machine_only(private, host):
    """Case 75."""
    assert httpx.get(private, headers={"Host": host}).status_code in (400, 421)


def raw(method: str, path: str) -> int:
    """The status of a request whose path no client has tidied up."""
    with socket.create_connection(("127.0.0.1", int(os.environ["S3_PORT"])), timeout=30) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_more_than_a_hundred_megabytes_pass_nginx_in_both_directions(client):
    """nginx has 64 MB of memory, and 16 MB for files. LocalStack takes parts of up to 64 MB."""
    given = {"Bucket": BUCKET, "Key": "uploads/large"}
    content = random.randbytes(1_000_000) * 45
    transfer = given | {"UploadId": client.create_multipart_upload(**given)["UploadId"]}
    parts = []
    for number in (1, 2, 3):
        url = client.generate_presigned_url("upload_part", Params=transfer | {"PartNumber": number})
        answer = httpx.put(url, content=content, timeout=120)
        parts.append({"PartNumber": number, "ETag": answer.headers["ETag"]})
    client.complete_multipart_upload(**transfer, MultipartUpload={"Parts": parts})
    got = httpx.get(client.generate_presigned_url("get_object", Params=given), timeout=120)
    assert got.content == content * 3
    client.delete_object(**given)


def time_wait() -> int:
    """The connections of nginx that are closed and still hold a port."""
    tables = compose("exec", "-T", "nginx", "cat", "/proc/net/tcp", "/proc/net/tcp6")
    return len(re.findall(r"^ *\d+: \S+ \S+ 06 ", tables, re.MULTILINE))


def test_nginx_keeps_its_connections_to_web_open():
    before = time_wait()
    with httpx.Client() as client:
        for _ in range(500):
            assert client.get(f"{URL}/health/live").status_code == 200
    assert time_wait() - before < 50


def test_nginx_finds_a_restarted_web_at_its_new_address():
    network = f"{os.environ['COMPOSE_PROJECT_NAME']}_front"
    web = inspect("web")
    before = address(web["Id"], network)
    docker("stop", web["Id"])
    others = [neighbour(web["Image"], network)]
    try:
        while address(others[-1], network) != before:  # Docker gives the lowest free address first
            assert len(others) < 20
            others.append(neighbour(web["Image"], network))
        docker("start", web["Id"])
        assert address(web["Id"], network) != before
        until(lambda: httpx.get(f"{URL}/health/live").status_code == 200, seconds=60)
        with httpx.Client() as client:
            assert {client.get(f"{URL}/images/").status_code for _ in range(20)} == {200}
    finally:
        docker("rm", "--force", *others)


def test_nginx_answers_for_an_absent_web_in_the_language_asked_for():
    web = inspect("web")
    # The kernel tries an address for some seconds before it says that nobody is there.
    get, post = (partial(ask, f"{URL}/images/", timeout=30) for ask in (httpx.get, httpx.post))
    docker("stop", web["Id"])
    try:
        asked = {"pt-BR,pt;q=0.9": "Tentar de novo", "es": "Intentar de nuevo", "fr, es": "Try again"}
        for languages, button in asked.items():
            response = get(headers={"Accept-Language": languages})
            assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
            assert response.text.count('<a href="">') == 1
            assert f'<a href="">{button}</a>' in response.text
            assert 'http-equiv="refresh" content="5"' in response.text
        chosen = get(headers={"Accept-Language": "es"}, cookies={"django_language": "en"})
        assert "Try again" in chosen.text
        assert "refresh" not in post(data={"title": "a"}).text  # it would hide what was lost
    finally:
        docker("start", web["Id"])
        until(lambda: httpx.get(f"{URL}/health/live").status_code == 200, seconds=60)


def neighbour(image: str, network: str) -> str:
    """Start a container that only takes an address of this network; returns its id."""
    return docker("run", "--detach", "--rm", "--network", network, image, "sleep", "120").strip()


def address(container: str, network: str) -> str:
    """The address of a container in this network."""
    return docker_inspect("inspect", container)["NetworkSettings"]["Networks"][network]["IPAddress"]
