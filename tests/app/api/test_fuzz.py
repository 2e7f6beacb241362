"""Rude clients that know the API's document: none gets a 500, and every answer is as documented.

schemathesis makes the requests from the OpenAPI document, the same ones in every run: valid and invalid ones, for
uploads in every state.
"""

import json
from functools import cache
from urllib.parse import quote

import pytest
import schemathesis
from django.core.files.storage import default_storage as storage
from django.core.handlers.wsgi import WSGIHandler
from django.core.serializers.json import DjangoJSONEncoder
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks

from mayfly.api.routes import api
from mayfly.uploads import lifecycle
from mayfly.uploads.models import Upload

from ...support.making import expire
from ...support.people import Person
from ...support.samples import PNG

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fuzz]

BOUNDED = settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # the document's own examples have their tests
)


@cache
def made_app() -> WSGIHandler:
    return WSGIHandler()


def app(environ, start_response):
    """The app, made at the first request, because static files must be collected before."""
    return made_app()(environ, start_response)


schema = schemathesis.openapi.from_dict(json.loads(json.dumps(api.get_openapi_schema(), cls=DjangoJSONEncoder)))
schema.app = app
schema.config.generation.update(with_security_parameters=False)
# Two checks are left out. A documented request may still be refused, because the upload is gone. A request without a
# token is no error, because it makes a box.
LOOKED_AT = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.allow_header_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]


def made(owner: Person, state: str) -> str:
    """The id of an upload in this state. It is the owner's unless `state` says otherwise."""
    if state == "ready":
        return owner.upload(PNG, kind="image")["id"]
    if state == "a stranger's":
        return Person().upload()["id"]
    if state == "nobody's":
        return "x" * 22
    upload = owner.begin(b"hello")
    if state == "sent":
        owner.send_parts(upload, b"hello")
    elif state == "over":
        expire(upload)
    elif state == "gone":
        lifecycle.remove(Upload.objects.get(pk=upload["id"]), storage=storage)
    return upload["id"]


@schema.given(state=st.sampled_from(["pending", "sent", "ready", "over", "gone", "a stranger's", "nobody's"]))
@schema.parametrize()
@BOUNDED
def test_every_answer_of_the_api_matches_its_document(case, state, owner):
    if "upload_id" in case.path_parameters:
        case.path_parameters["upload_id"] = made(owner, state)
    case.call_and_validate(headers=owner.headers, checks=LOOKED_AT)


@schema.parametrize()
@BOUNDED
def test_no_invented_address_causes_a_500(case, owner):
    case.call_and_validate(headers=owner.headers, checks=[checks.not_a_server_error])


ANYTHING = st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass"))
# WSGI passes each byte of a header on as one character.
HEADER = ANYTHING.map(lambda content: content.decode("latin-1").replace("\r", "").replace("\n", ""))
TYPES = ["application/json", "text/plain", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded", ""]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["kind", "name", "size"]), inner),
)


@pytest.mark.parametrize("route", ["uploads", "uploads/{}/parts", "uploads/{}/complete", "box/token"])
@BOUNDED
@given(body=ANYTHING | JSON.map(lambda value: json.dumps(value).encode()), content_type=st.sampled_from(TYPES))
def test_no_body_causes_a_500(route, body, content_type):
    owner = Person()  # a new one each time, because a body that happens to be right ends the token
    path = "/api/" + route.format(made(owner, "pending"))
    assert Client().generic("POST", path, body, content_type, headers=owner.headers).status_code < 500


@BOUNDED
@given(key=HEADER | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=14, max_size=202))
def test_no_key_of_a_begin_causes_a_500(key):
    wish = {"kind": "file", "name": "a.txt", "size": 5}
    for _ in range(2):
        response = Client().post("/api/uploads", wish, "application/json", headers={"Idempotency-Key": key})
        assert response.status_code in (201, 400)


@pytest.mark.parametrize("path", ["/api/uploads", "/files/", "/u/{}/", "/u/{}/download"])
@BOUNDED
@given(token=HEADER, other=HEADER, query=HEADER)
def test_no_header_and_no_query_causes_a_500(path, token, other, query):
    client = Client()
    client.cookies["box"] = token
    headers = {"Authorization": f"Bearer {other}", "X-Box-Token": token, "Range": other, "X-Forwarded-For": other}
    headers |= {"Accept-Language": other, "If-Modified-Since": token, "Origin": other, "X-CSRFToken": token}
    for method in ("GET", "POST"):
        response = client.generic(method, path.format("x" * 22), QUERY_STRING=f"kind={query}&{other}", headers=headers)
        assert response.status_code < 500


@BOUNDED
@given(name=st.text(min_size=1, max_size=300), content=ANYTHING)
def test_no_name_sent_by_curl_causes_a_500(name, content):
    path = quote(name, safe="", errors="surrogatepass")
    assert Client().put(f"/{path}", content, "").status_code < 500


@BOUNDED
@given(body=ANYTHING, name=HEADER, title=ANYTHING)
def test_no_form_causes_a_500(owner, body, name, title):
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode("latin-1") + b'"\r\n\r\n'
    last = b'\r\n--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n' + title + b"\r\n--b--\r\n"
    browser = owner.browser
    for content in (head + body + last, head + body, body):
        response = browser.generic("POST", "/files/", content, "multipart/form-data; boundary=b")
        assert response.status_code < 500
