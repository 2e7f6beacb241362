"""`/.well-known/security.txt`, by RFC 9116."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from ...support.configuration import show

PATH = "/.well-known/security.txt"


def test_security_txt_has_the_fields_of_its_rfc(settings):
    settings.SECURITY_CONTACT, settings.SITE_URL = "mailto:abuse@example.org", "https://drop.example.org"
    response = Client().get(PATH)
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in response.content.decode().splitlines())
    expires = datetime.strptime(fields.pop("Expires"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(days=30) < expires - datetime.now(UTC) < timedelta(days=365)
    assert fields == {
        "Contact": "mailto:abuse@example.org",
        "Preferred-Languages": "en, pt-br, es",
        "Canonical": f"https://drop.example.org{PATH}",
    }


def test_without_a_contact_there_is_no_security_txt():
    assert Client().get(PATH).status_code == 404


@pytest.mark.parametrize(
    ("variables", "contact"),
    [
        ({"ABUSE_MAIL": "abuse@example.org"}, "mailto:abuse@example.org"),
        ({"ABUSE_MAIL": "abuse@example.org", "SECURITY_CONTACT": "https://example.org/x"}, "https://example.org/x"),
        ({}, ""),
    ],
)
def test_the_contact_is_the_one_for_security_or_else_the_one_for_abuse(variables, contact):
    assert show("SECURITY_CONTACT", SECRET_KEY="x", **variables) == [contact]
