"""The operator sees and removes webhooks."""

import pytest
from django.test import Client

from mayfly.webhooks.models import Webhook

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://hooks.example.org/mayfly"
LIST = "/admin/webhooks/webhook/"


def test_an_operator_sees_endpoints_without_secrets_and_removes_one(owner, operator):
    """Case 108: a third site complains about requests."""
    made = owner.post("/api/webhooks", {"url": URL}).json()
    for path in (f"{LIST}?q=hooks.example", f"{LIST}{made['id']}/change/"):
        text = operator.get(path).content.decode()
        assert URL in text
        assert made["secret"] not in text
    assert operator.get(f"{LIST}add/").status_code == 403
    assert Client().post(f"{LIST}{made['id']}/delete/", {"post": "yes"}).status_code == 302  # to the login
    assert Webhook.objects.exists()
    operator.post(f"{LIST}{made['id']}/delete/", {"post": "yes"})
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("on", [True, False])
def test_the_admin_lists_webhooks_only_if_there_may_be_any(operator, settings, on):
    settings.WEBHOOKS = on
    assert (LIST in operator.get("/admin/").content.decode()) == on
