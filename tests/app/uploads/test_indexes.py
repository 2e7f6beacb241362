"""Every query has its index."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from mayfly.bundles.reading import offered
from mayfly.uploads.bundle import Bundle
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.models import Upload

pytestmark = pytest.mark.django_db
# SQLite sorts every text by its bytes, so another index serves as well.
IN_BYTE_ORDER = "in_byte_order" if connection.vendor == "postgresql" else "removing"


@pytest.fixture(scope="module")
def many_rows(django_db_setup, django_db_blocker) -> Iterator[None]:
    """Five thousand rows of every sort, made once for all tests of this module, and rolled back after them."""
    now = timezone.now()
    common = {"kind": Kind.IMAGE, "size": 5, "part_size": 8, "lifetime": timedelta(minutes=15)}
    with django_db_blocker.unblock(), transaction.atomic():
        Upload.objects.bulk_create(
            Upload(
                box=f"box{number % 500}",
                address="" if number % 5 else f"here{number % 501}",
                state=State.GONE if number % 5 else State.READY,
                code=None if number % 5 else f"code{number}",
                bundle=None if number % 3 else f"b{number % 600}",
                ask_key=None if number % 5 else f"ask{number}",
                completed_at=now,
                removed_at=now - timedelta(seconds=number),
                sha256="" if number % 5 else f"{number:064x}",
                scan_due_at=None if number % 100 else now - timedelta(seconds=number),
                digest_due_at=None if number % 100 else now - timedelta(seconds=number),
                preview_due_at=None if number % 100 else now - timedelta(seconds=number),
                cleaning_due_at=None if number % 200 else now - timedelta(seconds=number),
                expires_at=now + timedelta(seconds=number),
                **common,
            )
            for number in range(5000)
        )
        Bundle.objects.bulk_create(
            Bundle(
                box=f"box{number % 500}",
                address="" if number % 5 else f"here{number % 501}",
                lifetime=timedelta(minutes=15),
                completed_at=None if number % 50 == 7 else now,
                expires_at=now + timedelta(seconds=number),
                look_at=now + timedelta(seconds=number),
            )
            for number in range(5000)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (lambda: Upload.objects.of("box7").live(), "box_newest"),
        (lambda: Upload.objects.of("box7").live().filter(kind=Kind.IMAGE), "box_newest"),
        (lambda: Upload.objects.of("box7").standing(), "box_newest"),
        (lambda: Upload.objects.sent_from("here7").standing(), "from_address"),
        (lambda: Upload.objects.of("box7").standing().order_by()[:200], "box_newest"),
        (lambda: Upload.objects.sent_from("here7").standing().order_by()[:4000], "from_address"),
        (lambda: Upload.objects.of("box7").refused()[:10], "box_newest"),
        (lambda: Upload.objects.due(), "due"),
        (lambda: Upload.objects.removing().filter(pk__gt="").order_by("pk")[:1000], "removing"),
        (
            lambda: (
                Upload.objects.removing().filter(failure="", completed_at__isnull=False, pk__gt="").order_by("pk")[:250]
            ),
            "removing",
        ),
        (lambda: Upload.objects.outdated_receipts()[:1000], "receipts"),
        (lambda: Upload.objects.outdated_refusals()[:1000], "refused"),
        (lambda: Upload.objects.wanting_a_preview()[:1], "previews"),
        (lambda: Upload.objects.wanting_to_be_cleaned()[:1], "cleaning"),
        (lambda: Upload.objects.wanting_a_digest()[:1], "digests"),
        (lambda: Upload.objects.wanting_a_scan()[:1], "scans"),
        (lambda: Upload.objects.waiting_for_a_scan().filter(completed_at__lt=timezone.now()).order_by(), "scans"),
        (lambda: Upload.objects.of_content(f"{5:064x}").live().values_list("pk"), "same_content"),
        (lambda: Upload.objects.of("box7").live_or_refused(), "box_newest"),
        (lambda: Upload.objects.live().filter(code__in=["code5"]), "code_is_unique"),
        (lambda: Upload.objects.live().filter(code__in=["code5", "code7"]), "code_is_unique"),
        (lambda: Upload.objects.filter(ask_key="ask5"), "one_for_an_ask"),
        (lambda: Upload.objects.live().filter(bundle="b7"), "in_bundle"),
        (
            lambda: Upload.objects.of("box7").live().filter(kind=Kind.IMAGE).heading_their_bundle(Kind.IMAGE),
            "in_bundle",
        ),
        (lambda: Upload.objects.of("box7").live().heading_their_bundle(Kind.IMAGE), "box_newest"),
        (lambda: Bundle.objects.due_for_a_look()[:50], "bundles_to_look_at"),
        (lambda: Bundle.objects.of("box7").open()[:200], "bundles_of_box"),
        (lambda: Bundle.objects.filter(address="here7").open()[:4000], "open_from"),
        (lambda: offered("box7")[:51], "bundles_of_box"),
        (lambda: Upload.objects.live().after_in_byte_order("m").values_list("pk")[:10], IN_BYTE_ORDER),
    ],
)
def test_every_query_uses_its_index(many_rows, query, index):
    """Case 56: each query alone. The stack's tests run the whole program on a million rows."""
    assert index in query().explain()


@pytest.mark.parametrize(
    "query",
    [
        lambda: Upload.objects.stuck()[:1],
        lambda: (
            Upload.objects.removing().filter(failure="", completed_at__isnull=False, pk__gt="").order_by("pk")[:250]
        ),
        lambda: Upload.objects.removing().exclude(failure="").filter(pk__gt="").order_by("pk")[:250],
    ],
)
def test_a_sweep_and_the_readiness_page_read_only_removals(many_rows, query):
    """Case 57: either index has the rows that are being removed, and no other."""
    now = timezone.now()
    some = Upload.objects.gone().values_list("pk", flat=True)[:500]
    Upload.objects.filter(pk__in=list(some)).update(state=State.REMOVING, removed_at=None, removing_since=now)
    if connection.vendor == "postgresql":  # SQLite would keep these statistics for the other tests
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    plan = query().explain()
    assert "stuck" in plan or "removing" in plan
    assert "Seq Scan" not in plan
