"""The operator can look and take down uploads, and nothing else."""

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage as storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mayfly.uploads import lifecycle
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload

from ...support.making import ready_row

pytestmark = pytest.mark.django_db
LIST = "/admin/uploads/upload/"


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def test_the_list_escapes_names(operator, owner):
    owner.upload(name="<script>alert(1)</script>")
    text = operator.get(LIST).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert(1)" not in text


def test_taking_down_removes_the_bytes_and_keeps_the_receipt(operator, owner):
    upload = Upload.objects.get(pk=owner.upload()["id"])
    operator.post(LIST, {"action": "take_down", "_selected_action": [upload.pk]})
    upload.refresh_from_db()
    assert upload.state == State.GONE
    assert storage.length(upload.key) is None


def take_down_all(operator: Client):
    """Take down all rows that the list has, on all of its pages."""
    some = Upload.objects.values_list("pk", flat=True)[:100]
    return operator.post(LIST, {"action": "take_down", "_selected_action": list(some), "select_across": "1"})


@pytest.mark.slow
def test_taking_down_ten_thousand_hides_them_by_few_queries(operator):
    template = ready_row()
    values = {f.attname: getattr(template, f.attname) for f in Upload._meta.concrete_fields if f.attname != "id"}
    Upload.objects.bulk_create((Upload(**values) for _ in range(9_999)), batch_size=500)
    with CaptureQueriesContext(connection) as queries:
        response = take_down_all(operator)
    assert response.status_code == 302
    assert len(queries) < 200
    assert not Upload.objects.standing().exists()
    assert Upload.objects.removing().exists()  # the sweep does the rest
    said = "10000 uploads are no longer offered. The sweep removes the rest of their bytes."
    assert said in operator.get(LIST).content.decode()


def test_taking_down_hides_every_batch_before_it_asks_storage(operator, owner, monkeypatch):
    monkeypatch.setattr(lifecycle, "BATCH", 2)
    for _ in range(5):
        owner.upload()
    standing = []
    monkeypatch.setattr(lifecycle, "remove_all", lambda first, **_: standing.append(set(first.standing())) or 2)
    take_down_all(operator)
    assert len(standing[0]) == 2  # the batch that is removed now
    assert Upload.objects.removing().count() == 3


def test_taking_down_again_is_no_error(operator, owner):
    owner.upload()
    take_down_all(operator)
    assert take_down_all(operator).status_code == 302
    assert Upload.objects.gone().count() == 1


def test_the_admin_deletes_no_rows_by_the_list(operator, owner):
    pk = owner.upload()["id"]
    operator.post(LIST, {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})
    assert Upload.objects.live().filter(pk=pk).exists()


def test_deleting_a_row_removes_its_bytes(operator, owner):
    upload = Upload.objects.get(pk=owner.upload()["id"])
    operator.post(f"{LIST}{upload.pk}/delete/", {"post": "yes"})
    assert not Upload.objects.exists()
    assert storage.length(upload.key) is None


def test_the_admin_cannot_delete_a_row_with_an_open_transfer(operator, owner):
    pk = owner.begin()["id"]
    assert operator.post(f"{LIST}{pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_admin_cannot_add_or_change_a_row(operator, owner):
    pk = owner.upload()["id"]
    assert operator.get(f"{LIST}add/").status_code == 403
    operator.post(f"{LIST}{pk}/change/", {"state": "pending"})
    assert Upload.objects.get().state == State.READY


def test_the_admin_asks_a_visitor_to_log_in():
    assert Client().get(LIST).status_code == 302
