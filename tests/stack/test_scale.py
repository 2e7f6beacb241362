"""A table of a million rows: every query of the program finds its rows by an index."""

import json
import os
from collections.abc import Callable, Iterator

import pytest

from tests.support.samples import PNG

COUNT = 1_000_000  # one row in a hundred is live
ROWS = """
    INSERT INTO uploads_upload (id, box, address, kind, state, name, title, content_type, size, part_size,
        transfer_id, lifetime, expires_at, completed_at, removed_at, refusal)
    SELECT 'scale' || lpad(n::text, 17, '0'), 'scale' || n %% 5000, '',
        CASE WHEN n %% 2 = 0 THEN 'image' ELSE 'file' END, 'gone', '', '', '', 5, 8, '', '15m'::interval,
        now() - '1h'::interval, now() - n * '1ms'::interval, now() - n * '1ms'::interval, ''
    FROM generate_series(1, %s) AS n WHERE n %% 100 <> 0
    UNION ALL
    SELECT 'scale' || lpad(n::text, 17, '0'), 'scale' || n %% 5000, 'scale' || n %% 3000,
        CASE WHEN n %% 200 = 0 THEN 'image' ELSE 'file' END, 'ready', 'a', '', '', 5, 8, '', '15m'::interval,
        now() + '6h'::interval, now() - n * '1ms'::interval, NULL, ''
    FROM generate_series(1, %s) AS n WHERE n %% 100 = 0
"""


# A hundred thousand pending uploads of one address, as if nothing limited them, and a box that is full.
FLOOD = """
    INSERT INTO uploads_upload (id, box, address, kind, state, name, title, content_type, size, part_size,
        transfer_id, lifetime, expires_at, completed_at, refusal)
    SELECT 'flood' || lpad(n::text, 17, '0'), 'scale' || n, 'flooded', 'file', 'pending', 'a', '', '', 1, 8, '',
        '15m'::interval, now() + '15m'::interval, NULL, ''
    FROM generate_series(1, 100000) AS n
    UNION ALL
    SELECT 'full' || lpad(n::text, 18, '0'), 'scalefull', '', 'file', 'ready', 'a', '', '', 1, 8, '',
        '15m'::interval, now() + '6h'::interval, now() - n * '1ms'::interval, ''
    FROM generate_series(1, 200) AS n
"""


@pytest.fixture(scope="module")
def million(table) -> Iterator[None]:
    """Fill the table with the receipts of a busy day and some live uploads, none of which is due."""
    try:
        table(ROWS, COUNT, COUNT)
        table(FLOOD)
        table("VACUUM ANALYZE uploads_upload")  # dead rows of other tests count as pages too
        yield
    finally:
        table("DELETE FROM uploads_upload WHERE starts_with(box, 'scale')")
        table("VACUUM ANALYZE uploads_upload")


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Iterator[None]:
    """Set Django up in this process, with the stack's table, and a folder for the bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_KEY", os.environ["STACK_SECRET_KEY"])
        patch.setenv("DATABASE_URL", os.environ["STACK_DATABASE_URL"])
        patch.setenv("DATA_DIR", str(tmp_path_factory.mktemp("scale")))
        # After browser tests, this thread has Playwright's event loop. Nothing here runs in it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        patch.setenv("SETTINGS_MODULE_PATH", "mayfly.settings.development")
        from mayfly import settings as chosen

        chosen.choose()
        import django
        from django.conf import settings

        settings.STATIC_ROOT = tmp_path_factory.mktemp("static")
        # Django copies this when the first storage is used, which happens during the set-up.
        settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
        django.setup()
        from django.core.files.storage import default_storage
        from django.db import connection

        default_storage.prepare()
        yield
        connection.close()
        patch.delenv("DJANGO_SETTINGS_MODULE", raising=False)


def asked_by(work: Callable[[], object]) -> set[str]:
    """Every statement with which `work` looks for uploads, as Postgres gets it."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        work()
    return {query["sql"] for query in queries if "uploads_upload" in query["sql"] and "INSERT" not in query["sql"]}


def pages(query: str) -> int:
    """The number of pages of table and indexes that this query touches. Runs it again and rolls it back."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}")
        [[[explained]]] = cursor.fetchall()
        transaction.set_rollback(True)
    return explained["Plan"]["Shared Hit Blocks"] + explained["Plan"]["Shared Read Blocks"]


def whole_life() -> None:
    """Use uploads by API, form and curl, look at every page, and clear the box."""
    from django.test import Client

    client = Client(HTTP_HOST="localhost")

    def call(method: str, path: str, body: dict | None = None, status: int = 200):
        response = client.generic(method, path, json.dumps(body) if body else "", "application/json", headers=headers)
        assert response.status_code == status, response.content
        return response

    headers: dict[str, str] = {}
    for kind in ("image", "file"):
        begun = call("POST", "/api/uploads", {"kind": kind, "name": "a", "size": len(PNG)}, 201).json()
        if begun["box"]:
            headers["Authorization"] = f"Bearer {begun['box']}"
        at = f"/api/uploads/{begun['id']}"
        [part] = call("POST", f"{at}/parts", {"numbers": [1]}).json()["parts"]
        sent = {"Content-Length": str(len(PNG))}
        assert client.generic("PUT", part["url"].partition("localhost")[2], PNG, headers=sent).status_code == 200
        call("GET", f"{at}/parts")
        call("POST", f"{at}/complete")
        call("GET", at)
        call("GET", f"/u/{begun['id']}/")
        call("GET", f"/u/{begun['id']}/download", status=302)
    call("GET", "/api/uploads")
    call("GET", "/api/uploads?kind=image")
    call("DELETE", at, status=204)
    call("GET", f"/u/{begun['id']}/", status=410)
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + PNG + b"\r\n--b--\r\n"
    client.get("/images/")
    for page in ("/images/", "/files/"):
        assert client.generic("POST", page, form, "multipart/form-data; boundary=b").status_code == 303
        assert client.get(page).status_code == 200
        assert client.post(f"{page}clear/").status_code == 303
    assert client.generic("PUT", "/a.txt", b"hello").status_code == 201
    call("DELETE", "/api/uploads?kind=image", status=204)
    call("DELETE", "/api/uploads", status=204)


def sweep_and_clear() -> None:
    from django.core.files.storage import default_storage
    from django.db.models.functions import Now

    from mayfly.uploads import lifecycle
    from mayfly.uploads.models import Upload

    for _ in range(3):
        lifecycle.begin(box="scaled", kind="file", name="a", size=5, address="scaled", storage=default_storage)
    Upload.objects.of("scaled").update(expires_at=Now())
    lifecycle.sweep(storage=default_storage)
    lifecycle.clear(box="scaled", storage=default_storage)


def compare_both_sides() -> None:
    from django.core.files.storage import default_storage

    from mayfly.uploads import lifecycle
    from mayfly.uploads import reconcile as comparison

    for _ in range(3):
        upload = lifecycle.begin(box="scaled", kind="file", name="a", size=5, storage=default_storage)
        default_storage.write_part(upload.key, upload.transfer_id, 1, b"hello")
        lifecycle.complete(upload, storage=default_storage)
    with pytest.raises(comparison.Braked):  # the million has no objects
        comparison.reconcile(storage=default_storage)
    lifecycle.clear(box="scaled", storage=default_storage)


def begin_and_list_in_a_flood() -> None:
    from django.core.files.storage import default_storage

    from mayfly.uploads import lifecycle
    from mayfly.uploads.errors import NotAllowed
    from mayfly.uploads.models import Upload
    from mayfly.uploads.paging import overview, page_after

    for box, address in ("scaled", "flooded"), ("scalefull", "scaled"):
        with pytest.raises(NotAllowed):
            lifecycle.begin(box=box, kind="file", name="a", size=1, address=address, storage=default_storage)
    pending = Upload.objects.get(pk=f"flood{1:017d}")
    lifecycle.sign_parts(pending, [1], storage=default_storage)
    cursor = page_after(Upload.objects.of("scalefull")).older
    second = overview("scalefull", "file", after=cursor)
    assert (len(second.uploads), second.total) == (50, 200)
    overview("scalefull", "file", before=second.older)


# The table has 19,000 pages, of which live rows take 200, and the flood 2,000 more. Only reconcile compares all of them
# and may read so many.
@pytest.mark.parametrize(
    ("work", "most"),
    [(whole_life, 100), (sweep_and_clear, 100), (begin_and_list_in_a_flood, 200), (compare_both_sides, 1000)],
)
def test_no_query_scans_a_table_of_a_million_rows(million, program, work, most):
    """Cases 56 and 64."""
    touched = {query: pages(query) for query in asked_by(work)}
    assert len(touched) > 5
    assert {query: count for query, count in touched.items() if count > most} == {}
