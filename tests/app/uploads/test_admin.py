"""The operator can look and take down uploads, and nothing else."""

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage as storage
from django.test import Client

from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload

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
