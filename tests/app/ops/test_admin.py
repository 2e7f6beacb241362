"""The operator finds an upload, looks at it and takes it down, and does nothing else."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.storage import default_storage as storage
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mayfly.ops.finding import find
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.models import Upload
from mayfly.visitors.addresses import hashed

from ...support.making import make_row, ready_row
from ...support.operators import LIST, ask, form_of, take_down

pytestmark = pytest.mark.django_db


def fill(number: int) -> None:
    """Rows of live uploads, as many as `number`."""
    template = ready_row()
    values = {f.attname: getattr(template, f.attname) for f in Upload._meta.concrete_fields if f.attname != "id"}
    Upload.objects.bulk_create((Upload(**values) for _ in range(number - 1)), batch_size=500)


def take_down_all(operator: Client):
    """Take down all rows that the list has, on all of its pages."""
    some = Upload.objects.values_list("pk", flat=True)[:100]
    return operator.post(LIST, form_of(ask(operator, *some, everything=True)))


# the search


@pytest.mark.parametrize(
    "text",
    [
        "http://testserver/u/{id}/",
        "  https://drop.example.org/u/{id}/download?x=1 ",
        "see /u/{id}/preview.",
        "{id}",
        "{start}*",
        "GET /u/{start}*/download",
        "holi",
        "PARROT",
        "acorn-violin-harp-lemon",
        "Acorn violin harp lemon",
        "{address}",
        "192.0.2.7",
        "[2001:db8:1:2::9]",
    ],
)
def test_the_search_finds_an_upload_by_whatever_a_report_names(text):
    """Case 93."""
    address = hashed("2001:db8:1:2::1" if text.startswith("[") else "192.0.2.7")
    wanted = ready_row(name="Holiday.png", title="A parrot", address=address, box="c" * 22)
    Upload.objects.filter(pk=wanted.pk).update(code="acorn-violin-harp-lemon")
    ready_row(name="other.txt", address=hashed("192.0.2.8"))
    text = text.format(id=wanted.pk, start=wanted.pk[:8], address=wanted.address)
    assert [found.pk for found in find(Upload.objects.all(), text)] == [wanted.pk]


@pytest.mark.parametrize("text", ["http://testserver/b/{id}/", "GET /b/{start}*/zip", "{id}"])
def test_the_search_finds_all_uploads_of_a_bundle(text):
    """Case 93."""
    bundle = "d" * 22
    rows = {ready_row(bundle=bundle).pk for _ in range(2)}
    ready_row()
    text = text.format(id=bundle, start=bundle[:8])
    assert {found.pk for found in find(Upload.objects.all(), text)} == rows


def test_the_search_finds_all_uploads_of_a_box():
    rows = {ready_row(box="c" * 22).pk for _ in range(2)}
    ready_row()
    assert {found.pk for found in find(Upload.objects.all(), "c" * 22)} == rows


def test_the_search_finds_nothing_by_another_link():
    ready_row()
    assert not find(Upload.objects.all(), f"http://testserver/u/{'x' * 22}/")


def test_the_list_searches_by_a_whole_link(operator):
    wanted, other = ready_row(name="wanted.txt"), ready_row(name="other.txt")
    page = operator.get(LIST, {"q": f"http://testserver/u/{wanted.pk}/"}).content.decode()
    assert "wanted.txt" in page
    assert "other.txt" not in page
    assert other.pk not in page


# the list and the page of an upload


def test_the_list_escapes_names(operator, owner):
    owner.upload(name="<script>alert(1)</script>")
    text = operator.get(LIST).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert(1)" not in text


def test_the_list_gives_sizes_in_words_and_times_with_their_zone(operator):
    upload = ready_row(size=3_200_000)
    text = operator.get(LIST).content.decode()
    assert "3.2\N{NO-BREAK SPACE}MB" in text
    assert f'<time class="local" datetime="{upload.created_at.isoformat()}">' in text
    assert f"{upload.created_at:%H:%M:%S} UTC</time>" in text
    assert re.search(r'<script src="/static/mayfly/bundle/admin\.\w+\.js" type="module">', text)


@pytest.mark.parametrize("number", [3, 101])
def test_the_list_asks_as_few_questions_for_many_rows_as_for_few(operator, number):
    fill(number)
    with CaptureQueriesContext(connection) as queries:
        assert operator.get(LIST).status_code == 200
    assert len(queries) == 4


def test_the_page_of_an_image_shows_it_and_leads_to_the_share_page(operator):
    upload = ready_row(kind=Kind.IMAGE, has_preview=True, name="cat.png", address=hashed("192.0.2.7"))
    text = operator.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert f'<img class="preview" src="/u/{upload.pk}/preview"' in text
    assert f'href="/u/{upload.pk}/"' in text
    assert f'href="{LIST}{upload.pk}/take-down/"' in text
    assert f'href="{LIST}?q={upload.address}"' in text
    assert f'href="{LIST}?q={upload.box}"' in text


def test_the_page_of_a_receipt_offers_no_take_down(operator):
    upload = make_row(state=State.GONE, completed_at=Now(), removed_at=Now(), name="")
    text = operator.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert "take-down" not in text
    assert operator.get(f"{LIST}{upload.pk}/take-down/").status_code == 302


@pytest.mark.parametrize("language", ["en", "pt-br", "es"])
def test_the_operators_pages_speak_the_languages_of_the_site(operator, language):
    upload = ready_row()
    headers = {"Accept-Language": language}
    pages = [operator.get(path, headers=headers) for path in (LIST, f"{LIST}{upload.pk}/take-down/")]
    words = {"en": ["Arrived", "Back to the list"], "pt-br": ["Chegou", "Voltar"], "es": ["Llegó", "Volver"]}[language]
    for page, word in zip(pages, words, strict=True):
        assert word in page.content.decode()


# taking down


def test_a_take_down_shows_what_would_go_and_removes_nothing(operator, owner):
    """Case 93."""
    upload = Upload.objects.get(pk=owner.upload(name="cat.png")["id"])
    Upload.objects.update(kind=Kind.IMAGE, has_preview=True)
    for page in (operator.get(f"{LIST}{upload.pk}/take-down/"), ask(operator, upload.pk)):
        text = page.content.decode()
        assert "Take down 1 upload, 5 bytes?" in text
        assert "cat.png" in text
        assert f'src="/u/{upload.pk}/preview"' in text
        assert f'href="/u/{upload.pk}/"' in text
    assert Upload.objects.live().exists()


def test_taking_down_removes_the_bytes_and_keeps_the_receipt(operator, owner):
    upload = Upload.objects.get(pk=owner.upload(name="cat.png")["id"])
    response, text = take_down(operator, upload.pk)
    assert response.status_code == 302
    assert "“cat.png” is no longer offered." in text
    upload.refresh_from_db()
    assert upload.state == State.GONE
    assert storage.length(upload.key) is None
    assert Client().get(f"/u/{upload.pk}/").status_code == 410


def test_taking_down_from_an_uploads_own_page_removes_it(operator, owner):
    pk = owner.upload()["id"]
    operator.post(LIST, form_of(operator.get(f"{LIST}{pk}/take-down/")))
    assert Upload.objects.gone().filter(pk=pk).exists()


def test_uploads_after_the_confirmation_stay(operator, owner):
    """Case 93."""
    owner.upload()
    seen = form_of(ask(operator, *Upload.objects.values_list("pk", flat=True), everything=True))
    later = owner.upload()["id"]
    Upload.objects.filter(pk=later).update(created_at=Now() + timedelta(seconds=1))
    operator.post(LIST, seen)
    assert list(Upload.objects.live().values_list("pk", flat=True)) == [later]
    assert Upload.objects.gone().count() == 1


@pytest.mark.slow
def test_taking_down_ten_thousand_hides_them_by_few_queries(operator):
    fill(10_000)
    with CaptureQueriesContext(connection) as queries:
        text = ask(operator, Upload.objects.first().pk, everything=True).content.decode()
    assert len(queries) < 15
    assert "Take down 10000 uploads, 50\N{NO-BREAK SPACE}kB?" in text
    assert "and 9988 more" in text
    with CaptureQueriesContext(connection) as queries:
        response = take_down_all(operator)
    assert response.status_code == 302
    assert len(queries) < 250
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


def test_taking_down_again_says_that_nothing_is_left(operator, owner):
    pk = owner.upload()["id"]
    take_down(operator, pk)
    assert ask(operator, pk).status_code == 302
    assert "None of these is offered any more." in operator.get(LIST).content.decode()
    assert Upload.objects.gone().count() == 1


def test_only_an_operator_who_may_delete_takes_down(owner):
    """Case 93."""
    pk = owner.upload()["id"]
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_upload"))
    client = Client()
    client.force_login(reader)
    assert client.get(LIST).status_code == 200
    assert client.get(f"{LIST}{pk}/take-down/").status_code == 403
    ask(client, pk)
    assert Upload.objects.live().exists()


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
