"""Events from the change of an upload to its owner's endpoint."""

import json
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection, transaction
from django.db.models.functions import Now

from mayfly.abuse import scans
from mayfly.previews.clean import clean_one
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload
from mayfly.webhooks import limits, outbox, queue, tasks
from mayfly.webhooks.deliver import deliver
from mayfly.webhooks.models import Delivery, Webhook

from ...support.endpoints import answered
from ...support.making import expire
from ..cameras import camera_jpeg

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def webhook(owner, endpoint) -> dict:
    response = owner.post("/api/webhooks", {"url": endpoint.url})
    assert response.status_code == 201, response.content
    return response.json()


def heard(endpoint) -> list[str]:
    return [json.loads(heard.body)["event"] for heard in endpoint.heard]


def rested(**more: object) -> None:
    """Let the pause of all webhooks be over."""
    Webhook.objects.filter(due_at__isnull=False).update(due_at=Now(), **more)


def test_an_endpoint_hears_of_an_upload_from_ready_to_gone(owner, stranger, endpoint, webhook):
    upload = owner.upload(b"hello", name="für Ada.txt", title="notes")
    stranger.browser.get(f"/u/{upload['id']}/download")
    stranger.browser.get(f"/u/{upload['id']}/download")  # the second fetch is no event
    owner.delete(f"/api/uploads/{upload['id']}")
    assert tasks.deliver() == "3 events delivered"
    bodies = [json.loads(heard.body) for heard in endpoint.heard]
    assert [body["event"] for body in bodies] == ["ready", "fetched", "gone"]
    for body in bodies:
        assert (body["upload"]["id"], body["upload"]["size"], body["upload"]["kind"]) == (upload["id"], 5, "file")
        assert body["upload"]["link"] == upload["link"]
    assert [body["upload"].get("name") for body in bodies] == ["für Ada.txt", "für Ada.txt", None]
    assert (bodies[0]["upload"]["title"], bodies[2]["upload"]["ended"]) == ("notes", "owner")
    assert len({heard.headers["webhook-id"] for heard in endpoint.heard}) == 3
    assert not Delivery.objects.exists()
    assert Webhook.objects.get().due_at is None


def test_an_endpoint_hears_of_an_image_once_it_is_clean(owner, endpoint, webhook):
    """Before, the image cannot be fetched, and has another size."""
    image = camera_jpeg(1)
    upload = owner.upload(image, kind="image", name="a.jpg")
    assert deliver() == 0
    assert clean_one(upload["id"], storage=storage)
    assert deliver() == 1
    told = json.loads(endpoint.heard[0].body)
    assert (told["event"], told["upload"]["size"]) == ("ready", Upload.objects.get().size)
    assert told["upload"]["size"] < len(image)


def test_an_endpoint_hears_of_an_upload_after_its_virus_check(owner, endpoint, webhook, limits, monkeypatch):
    limits(scans=True)
    owner.upload(camera_jpeg(1), kind="image", name="a.jpg")
    assert clean_one(Upload.objects.get().pk, storage=storage)
    assert deliver() == 0
    monkeypatch.setattr(scans, "scan", lambda *_, **__: "")
    assert scans.scan_due(storage=storage) == 1
    assert deliver() == 1


def test_an_endpoint_hears_of_its_own_box_what_it_chose(owner, stranger, endpoint):
    owner.post("/api/webhooks", {"url": endpoint.url, "events": ["gone"]})
    mine, other = owner.upload(), stranger.upload()
    pending = owner.begin()
    for person, upload in ((owner, mine), (stranger, other), (owner, pending)):
        person.delete(f"/api/uploads/{upload['id']}")
    assert deliver() == 1
    assert [json.loads(heard.body)["upload"]["id"] for heard in endpoint.heard] == [mine["id"]]


def test_an_event_is_committed_with_its_change_or_not_at_all(owner, webhook):
    upload = owner.begin()
    owner.send_parts(upload, b"hello")

    class Died(BaseException):
        """In place of kill -9."""

    def die(*_: object, **__: object) -> None:
        assert Delivery.objects.count() == 1
        raise Died

    row = Upload.objects.get(pk=upload["id"])
    with patch.object(transaction, "on_commit", die), pytest.raises(Died):
        lifecycle.complete(row, storage=storage)
    assert not Delivery.objects.exists()
    assert Upload.objects.get().state == State.PENDING
    owner.complete(upload)
    assert Delivery.objects.count() == 1


def test_an_outbox_that_fails_takes_no_upload_with_it(owner, webhook, monkeypatch):
    monkeypatch.setattr(outbox, "body_of", lambda *_: 1 / 0)
    assert owner.upload()["state"] == "ready"
    assert not Delivery.objects.exists()


def test_an_endpoint_that_fails_is_asked_again_later_with_the_same_id(owner, endpoint, webhook):
    endpoint.answer = lambda heard: answered(500)
    owner.upload()
    owner.upload()
    assert (deliver(), deliver(), heard(endpoint)) == (0, 0, ["ready"])  # one request, and then it rests
    shown = owner.get("/api/webhooks").json()["webhooks"][0]
    assert (shown["failures"], shown["last_status"]) == (1, 500)
    endpoint.answer = lambda heard: answered(200)
    rested()
    assert deliver() == 2
    first = endpoint.heard[0].headers["webhook-id"]
    assert first in [heard.headers["webhook-id"] for heard in endpoint.heard[1:]]
    assert owner.get("/api/webhooks").json()["webhooks"][0]["failures"] == 0


def test_pauses_grow_and_last_for_hours():
    pauses = [limits.pause(failures) for failures in range(limits.ATTEMPTS)]
    assert pauses == sorted(pauses)
    assert timedelta(hours=3) < sum(pauses, timedelta()) < limits.AGE
    assert limits.pause(10**6) == timedelta(hours=1)


def test_an_event_that_is_always_refused_holds_up_no_other(owner, endpoint, webhook, monkeypatch):
    monkeypatch.setattr(queue, "ATTEMPTS", 2)
    refused = owner.upload()["id"]
    endpoint.answer = lambda heard: answered(400 if refused.encode() in heard.body else 200)
    deliver()
    owner.upload()
    rested()
    assert deliver() == 1
    assert not Delivery.objects.exists()


def test_an_endpoint_that_answers_410_is_forgotten(owner, endpoint, webhook):
    endpoint.answer = lambda heard: answered(410)
    owner.upload()
    deliver()
    assert not Webhook.objects.exists()
    assert not Delivery.objects.exists()


def test_a_removed_webhook_hears_nothing_more(owner, endpoint, webhook):
    owner.upload()
    assert owner.delete(f"/api/webhooks/{webhook['id']}").status_code == 204
    assert deliver() == 0
    assert endpoint.heard == []


def test_a_host_that_the_operator_names_no_longer_is_not_connected_to(owner, endpoint, webhook, settings):
    """Case 108."""
    owner.upload()
    settings.WEBHOOK_HOSTS = []
    assert deliver() == 0
    assert endpoint.heard == []
    assert Webhook.objects.get().failures == 1


def test_only_so_many_events_wait_for_one_endpoint(owner, webhook, monkeypatch):
    """Case 108."""
    monkeypatch.setattr(outbox, "WAITING", 2)
    for _ in range(4):
        owner.upload()
    assert Delivery.objects.count() == 2
    owner.delete("/api/uploads")
    assert Delivery.objects.count() == 2


def test_each_webhook_is_claimed_by_one_process(owner, webhook):
    owner.upload()
    assert [len(queue.claim(10)) for _ in range(2)] == [1, 0]


def test_an_event_during_a_turn_is_not_forgotten(owner, endpoint, webhook):
    """Its row comes while the endpoint answers the first one."""

    def answer(_):
        if len(endpoint.heard) == 1:
            try:
                owner.upload()
            finally:
                connection.close()
        return answered(200)

    endpoint.answer = answer
    owner.upload()
    assert (deliver(), deliver()) == (1, 1)


def test_old_events_and_unused_webhooks_are_purged(owner, webhook):
    owner.upload()
    Delivery.objects.update(created_at=Now() - limits.AGE - timedelta(seconds=1))
    Webhook.objects.update(due_at=None)
    deliver()
    assert not Delivery.objects.exists()
    assert Webhook.objects.exists()
    Webhook.objects.update(used_at=Now() - limits.IDLE - timedelta(seconds=1))
    deliver()
    assert not Webhook.objects.exists()


def test_an_expired_upload_is_told_once_storage_has_nothing_of_it(owner, endpoint, webhook):
    upload = owner.upload()
    deliver()
    expire(upload)
    lifecycle.sweep(storage=storage)
    deliver()
    assert json.loads(endpoint.heard[-1].body)["upload"]["ended"] == "expired"


def test_every_query_of_the_outbox_uses_its_index(owner, webhook):
    """Case 56."""
    owner.upload()
    row = Webhook.objects.get()
    if connection.vendor == "postgresql":
        connection.cursor().execute("SET enable_seqscan = off")
    try:
        for query, index in (
            (Webhook.objects.filter(due_at__lte=Now()).order_by("due_at")[:16], "webhooks_due"),
            (Webhook.objects.filter(box__in=[row.box]), "webhooks_of_box"),
            (Webhook.objects.filter(address=row.address)[:20], "webhooks_from_address"),
            (Webhook.objects.filter(used_at__lt=Now()), "webhooks_used"),
            (row.deliveries.order_by("attempts", "created_at", "pk")[:8], "deliveries_in_order"),
            (Delivery.objects.filter(created_at__lt=Now()), "deliveries_by_age"),
        ):
            assert index in query.explain()
    finally:
        if connection.vendor == "postgresql":
            connection.cursor().execute("RESET enable_seqscan")
