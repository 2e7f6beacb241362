"""Webhooks by the API."""

import pytest
from django.test import Client

from mayfly.visitors import boxes
from mayfly.webhooks import limits, registering
from mayfly.webhooks.models import Webhook

from ...support.configuration import show
from ...support.people import Person

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://hooks.example.org/mayfly"


def test_a_secret_is_shown_once_and_a_stranger_sees_no_webhook(owner, stranger):
    made = owner.post("/api/webhooks", {"url": URL, "events": ["gone", "ready"]}).json()
    assert made["secret"].startswith("whsec_")
    [listed] = owner.get("/api/webhooks").json()["webhooks"]
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    assert listed["events"] == ["ready", "gone"]
    assert stranger.get("/api/webhooks").json() == {"webhooks": []}
    assert stranger.delete(f"/api/webhooks/{made['id']}").status_code == 404
    assert Webhook.objects.exists()


def test_a_box_and_an_address_have_only_so_many_webhooks(owner, monkeypatch):
    """Case 108."""
    monkeypatch.setattr(registering, "ADDRESS_WEBHOOKS", limits.BOX_WEBHOOKS + 1)
    answers = [owner.post("/api/webhooks", {"url": URL}).status_code for _ in range(limits.BOX_WEBHOOKS + 1)]
    assert answers == [201] * limits.BOX_WEBHOOKS + [409]
    assert [Person().post("/api/webhooks", {"url": URL}).status_code for _ in range(2)] == [201, 409]


def test_new_tokens_of_a_box_end_its_webhooks(owner, stranger):
    """Case 41: a thief of the token may have registered one."""
    for person in (owner, stranger):
        person.post("/api/webhooks", {"url": URL})
    assert owner.post("/api/box/token").status_code == 201
    assert [webhook.box for webhook in Webhook.objects.all()] == [stranger.box]


def test_a_token_that_may_only_send_registers_no_webhook(owner):
    sending = owner.post("/api/box/token", {"scope": "upload"}).json()["token"]
    headers = {"Authorization": f"Bearer {sending}"}
    assert Client().post("/api/webhooks", {"url": URL}, "application/json", headers=headers).status_code == 403
    assert not Webhook.objects.exists()


def test_a_page_of_another_site_registers_no_webhook(owner):
    client = type(owner.browser)(enforce_csrf_checks=True)
    client.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    assert client.post("/api/webhooks", {"url": URL}, "application/json").status_code == 403
    assert not Webhook.objects.exists()


def test_webhooks_are_off_until_the_operator_switches_them_on():
    needed = {"SECRET_KEY": "x" * 50}
    assert show("WEBHOOKS", "WEBHOOK_HOSTS", **needed) == ["False", "[]"]
    assert "webhooks.deliver'" not in show("CELERY_BEAT_SCHEDULE", **needed)[0]
    on = show("CELERY_BEAT_SCHEDULE", "WEBHOOK_HOSTS", WEBHOOKS="True", WEBHOOK_HOSTS="n8n:5678, localhost", **needed)
    assert "'task': 'webhooks.deliver'" in on[0]
    assert on[1] == "['n8n:5678', 'localhost']"
