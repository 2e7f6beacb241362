"""One request to an endpoint, over real sockets."""

import base64
import hashlib
import hmac
import ssl
import time
from itertools import chain, repeat

import pytest

from mayfly.webhooks import sending, targets
from mayfly.webhooks.sending import Failed, post
from mayfly.webhooks.targets import target_of

from ...support.endpoints import answered, certificate_for, listening

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def sent(url: str) -> int:
    return post(target_of(url), secret=SECRET, delivery_id="msg_1", body='{"event":"ready"}')


def test_a_request_is_signed_as_standard_webhooks_are(endpoint):
    assert sent(endpoint.url) == 200
    [heard] = endpoint.heard
    assert (heard.path, heard.body, heard.headers["webhook-id"]) == ("/hook?x=y", b'{"event":"ready"}', "msg_1")
    assert heard.headers["content-type"] == "application/json"
    assert abs(int(heard.headers["webhook-timestamp"]) - time.time()) < 60
    signed = f"msg_1.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    expected = base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    assert heard.headers["webhook-signature"] == f"v1,{expected}"


def test_the_signature_is_that_of_the_specification():
    """The example of https://www.standardwebhooks.com."""
    signed = sending.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        delivery_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp="1614265330",
        body='{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (answered(204), 204),
        (answered(500), 500),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + answered(201), 201),
        (b"HTTP/1.0 200\r\n\r\n", 200),
    ],
)
def test_the_status_of_an_answer_is_read(endpoint, answer, status):
    endpoint.answer = lambda heard: answer
    assert sent(endpoint.url) == status


@pytest.mark.parametrize(
    "answer",
    [b"", b"220 mail.example.org ESMTP\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, b"x" * 100_000],
)
def test_an_answer_that_is_not_http_fails(endpoint, answer):
    """Case 108: no more than its beginning is read."""
    endpoint.answer = lambda heard: answer
    with pytest.raises(Failed):
        sent(endpoint.url)


def test_an_answer_byte_by_byte_has_the_time_of_one_request(endpoint, monkeypatch):
    """Case 108."""
    monkeypatch.setattr(sending, "REQUEST_SECONDS", 0.5)

    def dripped(heard):
        for byte in chain(b"HTTP/1.1", repeat(ord("x"), 30)):
            time.sleep(0.1)
            yield bytes([byte])

    endpoint.answer = dripped
    with pytest.raises(Failed, match="time"):
        sent(endpoint.url)


def test_a_redirect_is_an_answer_and_is_not_followed(endpoint):
    """Case 108."""
    with listening() as inside:
        endpoint.answer = lambda heard: answered(307, Location=inside.url)
        assert sent(endpoint.url) == 307
        assert inside.heard == []


def test_no_proxy_of_the_environment_is_used(endpoint, monkeypatch):
    """Case 108: it would look the name up itself."""
    with listening() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert sent(endpoint.url) == 200
        assert proxy.heard == []


@pytest.mark.parametrize(("host", "succeeds"), [("hooks.example.org", True), ("other.example.org", False)])
def test_the_certificate_is_checked_for_the_name_at_the_checked_address(tmp_path, monkeypatch, host, succeeds):
    """Case 108."""
    certificate = certificate_for(host, tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(sending, "_tls", lambda: trusting)
    with listening(certificate=certificate) as endpoint:
        place = (2, ("127.0.0.1", endpoint.port))
        monkeypatch.setattr(sending, "places_of", lambda target: [place])
        if succeeds:
            assert sent("https://hooks.example.org/hook") == 200
            assert endpoint.heard[0].headers["host"] == "hooks.example.org"
        else:
            with pytest.raises(Failed, match="certificate"):
                sent("https://hooks.example.org/hook")
            assert endpoint.heard == []


def test_a_host_that_does_not_exist_fails(monkeypatch):
    def unknown(*_, **__):
        raise targets.socket.gaierror("Name or service not known")

    target = target_of("https://hooks.example.org/")
    monkeypatch.setattr(targets.socket, "getaddrinfo", unknown)
    with pytest.raises(Failed, match="not found"):
        post(target, secret=SECRET, delivery_id="a", body="{}")
