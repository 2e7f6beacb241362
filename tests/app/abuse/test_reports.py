"""Reports: the form with the link of an upload, the table behind it, the operator's list, and the mail."""

import smtplib
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.core import mail
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from mayfly.abuse import mailing, reports
from mayfly.abuse.models import Report
from mayfly.abuse.tasks import mail_reports
from mayfly.uploads.models import Upload
from mayfly.uploads.periodic import Heartbeat

from ...support.configuration import PRODUCTION, complaint, show
from ...support.making import expire, ready_row

pytestmark = pytest.mark.django_db
MALWARE = {"reason": "malware", "words": "It asks for my password."}
LIST = "/admin/abuse/report/"


def send(pk: str, *, address: str = "192.0.2.7", client: Client | None = None, **form):
    return (client or Client()).post(f"/u/{pk}/report", MALWARE | form, REMOTE_ADDR=address)


@pytest.fixture
def by_mail(settings) -> None:
    settings.EMAIL_URL = "smtp://mail.example.org"
    settings.ABUSE_MAIL = settings.DEFAULT_FROM_EMAIL = "abuse@example.org"
    settings.SITE_URL = "https://drop.example.org"


# the form


def test_a_stranger_reports_an_upload_and_the_words_are_kept():
    """Case 42."""
    upload, stranger = ready_row(), Client()
    assert f'href="/u/{upload.pk}/report"' in stranger.get(f"/u/{upload.pk}/").content.decode()
    assert 'name="reason"' in stranger.get(f"/u/{upload.pk}/report").content.decode()
    response = send(upload.pk, client=stranger)
    assert (response.status_code, response["Location"]) == (303, f"/u/{upload.pk}/")
    assert "has your report" in stranger.get(f"/u/{upload.pk}/").content.decode()
    report = Report.objects.get()
    assert (report.upload_id, report.reason, report.words) == (upload.pk, "malware", MALWARE["words"])


def test_the_form_of_a_report_shows_nothing_of_the_upload():
    """Case 109."""
    upload = ready_row(name="classified.txt", title="classified")
    assert b"classified" not in Client().get(f"/u/{upload.pk}/report").content


def test_a_locked_upload_is_reported_without_its_password(owner):
    """Case 109."""
    upload, stranger = owner.upload(name="classified.txt", password="open sesame"), Client()
    locked = stranger.get(f"/u/{upload['id']}/").content.decode()
    assert 'href="report"' in locked
    for page in (locked, stranger.get(f"/u/{upload['id']}/report").content.decode()):
        assert "classified" not in page
    assert send(upload["id"], client=stranger).status_code == 303
    assert Report.objects.get().upload_id == upload["id"]


@pytest.mark.parametrize("password", ["", "open sesame"])
def test_a_bundle_is_reported_by_the_first_of_its_uploads(owner, operator, password):
    """Case 42."""
    bundle = owner.post("/api/bundles", {"password": password} if password else {}).json()["id"]
    first, second = (owner.upload(bundle=bundle)["id"] for _ in range(2))
    owner.post(f"/api/bundles/{bundle}/complete")
    stranger = Client()
    page = stranger.get(f"/b/{bundle}/").content.decode()
    assert 'href="report"' in page if password else f'href="/b/{bundle}/report"' in page
    assert 'name="reason"' in stranger.get(f"/b/{bundle}/report").content.decode()
    response = stranger.post(f"/b/{bundle}/report", MALWARE)
    assert (response.status_code, response["Location"]) == (303, f"/b/{bundle}/")
    assert Report.objects.get().upload_id == first
    assert f'href="/admin/uploads/upload/?q={bundle}"' in operator.get(LIST).content.decode()
    assert stranger.get(f"/b/{'x' * 22}/report", follow=True).status_code == 404


def test_the_owner_is_not_asked_to_report_an_own_upload(owner):
    pk = owner.upload()["id"]
    assert f'href="/u/{pk}/report"' not in owner.browser.get(f"/u/{pk}/").content.decode()


@pytest.mark.parametrize(
    ("form", "field"), [({"reason": ""}, "reason"), ({"reason": "dull"}, "reason"), ({"words": "x" * 1001}, "words")]
)
def test_a_report_that_lacks_sense_gets_the_form_back(form, field):
    upload = ready_row()
    response = send(upload.pk, **form)
    assert response.status_code == 400
    assert f'id="{field}-error"' in response.content.decode()
    assert not Report.objects.exists()


def test_the_words_of_a_report_keep_their_lines_and_lose_what_is_invisible():
    """Case 109."""
    send(ready_row().pk, words=" one\u202e\r\ntwo\x00 ")
    assert Report.objects.get().words == "one\ntwo_"


def test_a_report_of_what_is_gone_leads_to_its_receipt():
    upload = expire(ready_row())
    response = send(upload.pk)
    assert (response.status_code, response["Location"]) == (302, f"/u/{upload.pk}/")
    assert Client().get(f"/u/{'x' * 22}/report", follow=True).status_code == 404
    assert not Report.objects.exists()


def test_a_report_needs_the_forms_token():
    upload = ready_row()
    assert send(upload.pk, client=Client(enforce_csrf_checks=True)).status_code == 403


# floods


def test_a_second_report_from_the_same_address_is_not_kept():
    """Case 109."""
    upload, other = ready_row(), ready_row()
    assert [send(pk).status_code for pk in (upload.pk, upload.pk, other.pk)] == [303] * 3
    first, second = Report.objects.order_by("pk")
    assert {first.upload_id, second.upload_id} == {upload.pk, other.pk}
    assert first.reporter != second.reporter
    assert "192.0.2" not in str(list(Report.objects.values()))


def test_reports_of_one_upload_are_bounded(monkeypatch):
    """Case 109."""
    monkeypatch.setattr(reports, "MOST_OF_ONE", 2)
    upload = ready_row()
    assert [send(upload.pk, address=f"192.0.2.{n}").status_code for n in range(4)] == [303] * 4
    assert Report.objects.count() == 2


def test_reports_have_a_rate_of_their_own(settings):
    """Case 109."""
    settings.RATES = configured.RATES | {"reports": (0.1, 0)}
    address = "198.51.100.9"
    assert send(ready_row().pk, address=address).status_code == 303
    refused = send(ready_row().pk, address=address)
    assert refused.status_code == 429
    assert "Retry-After" in refused
    assert Report.objects.count() == 1


def test_reports_go_with_the_receipt_and_not_before():
    kept, gone = ready_row(), ready_row()
    for upload in (kept, gone):
        send(upload.pk)
    Upload.objects.filter(pk=gone.pk).delete()
    assert reports.purge() == 0
    Report.objects.update(created_at=Now() - timedelta(days=2))
    assert reports.purge() == 1
    assert Report.objects.get().upload_id == kept.pk


# the operator


def test_the_operator_sees_reports_with_the_way_to_take_down(operator):
    """Case 42."""
    upload = ready_row(name="<b>cat</b>.png", has_preview=True)
    send(upload.pk, words="<i>bad</i>")
    text = operator.get(LIST).content.decode()
    for part in ("Harmful software", "&lt;i&gt;bad&lt;/i&gt;", "&lt;b&gt;cat&lt;/b&gt;.png", f"/u/{upload.pk}/preview"):
        assert part in text
    assert f'href="/admin/uploads/upload/{upload.pk}/take-down/"' in text
    assert operator.get(f"{LIST}add/").status_code == 403
    assert Client().get(LIST).status_code == 302


# the mail


def test_new_reports_come_in_one_mail_without_names(by_mail, settings):
    """Case 42."""
    settings.ADMIN = True
    first, second = ready_row(name="classified.txt"), ready_row()
    send(first.pk)
    send(second.pk, words="one\ntwo")
    assert "2 reports mailed" in mail_reports()
    assert mailing.mail_due() == 0
    [sent] = mail.outbox
    assert (sent.subject, sent.to) == ("Mayfly: 2 reports", ["abuse@example.org"])
    for part in (f"https://drop.example.org/u/{first.pk}/", "> It asks for my password.", "> one\n> two", LIST):
        assert part in sent.body
    assert "classified" not in sent.body


def test_several_beats_send_one_mail_a_minute(by_mail):
    """Each worker of Heroku has a beat, and each beat sends its messages."""
    send(ready_row().pk)
    assert "1 reports mailed" in mail_reports()
    send(ready_row().pk)
    assert "0 reports mailed" in mail_reports()
    Heartbeat.objects.filter(name="mail").update(at=Now() - timedelta(seconds=56))
    assert "1 reports mailed" in mail_reports()
    assert len(mail.outbox) == 2


def test_no_mail_is_sent_without_a_server():
    send(ready_row().pk)
    assert mailing.mail_due() == 0
    assert not mail.outbox


def test_a_mail_that_fails_is_tried_again_and_given_up_in_the_end(by_mail, monkeypatch):
    send(ready_row().pk)

    def refuse(_):
        raise smtplib.SMTPServerDisconnected("away")

    monkeypatch.setattr(mailing.EmailMessage, "send", refuse)
    assert mailing.mail_due() == 0
    report = Report.objects.get()
    assert report.mail_attempts == 1
    assert report.mail_due_at > report.created_at + timedelta(minutes=9)
    assert mailing.mail_due() == 0  # not due yet
    Report.objects.update(mail_due_at=Now(), mail_attempts=mailing.MOST_ATTEMPTS - 1)
    assert mailing.mail_due() == 0
    assert Report.objects.get().mail_due_at is None


def test_one_mail_has_a_bounded_number_of_reports(by_mail, monkeypatch):
    monkeypatch.setattr(mailing, "MOST_IN_A_MAIL", 2)
    for _ in range(3):
        send(ready_row().pk)
    assert [mailing.mail_due(), mailing.mail_due(), mailing.mail_due()] == [2, 1, 0]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://localhost:2525", ["localhost", "2525", "", "False", "False"]),
        ("submission://u%40x:p%3A@mail.example.org", ["mail.example.org", "587", "p:", "True", "False"]),
        ("smtps://mail.example.org", ["mail.example.org", "465", "", "False", "True"]),
    ],
)
def test_one_address_configures_the_mail_server(url, expected):
    names = ("EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS", "EMAIL_USE_SSL")
    assert show(*names, SECRET_KEY="x", EMAIL_URL=url, ABUSE_MAIL="abuse@example.org") == expected


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"EMAIL_URL": "smtp://x"}, "ABUSE_MAIL is missing, although EMAIL_URL is set"),
        ({"ABUSE_MAIL": "me"}, "ABUSE_MAIL is 'me', and has to be one mail address"),
        ({"SECURITY_CONTACT": "http://x"}, "SECURITY_CONTACT is 'http://x', and has to be"),
    ],
)
def test_a_wrong_contact_ends_the_process_with_its_name(variables, words):
    assert words in complaint(**PRODUCTION | variables)


def test_the_mail_and_the_purge_read_reports_by_their_indexes():
    """Case 56."""
    now = timezone.now()
    Report.objects.bulk_create(
        Report(
            upload_id=f"{number:022d}",
            reporter="here",
            reason="other",
            created_at=now + timedelta(days=number % 7),
            mail_due_at=None if number % 100 else now,
        )
        for number in range(3000)
    )
    if connection.vendor == "postgresql":  # SQLite would keep these statistics for the other tests
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    due = Report.objects.filter(mail_due_at__lte=now).order_by("mail_due_at")[:50]
    old = Report.objects.filter(created_at__lt=now - timedelta(days=1)).order_by("created_at")[:100]
    assert "reports_to_mail" in due.explain()
    assert "reports_came" in old.explain()
    assert "one_report_a_person" in (plan := Report.objects.filter(upload=f"{7:022d}").explain()) or "autoindex" in plan
