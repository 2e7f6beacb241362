"""Images and their previews: what is drawn, what is refused, and what becomes of an image that does harm."""

import os
import resource
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pyvips
from django.core.files.storage import default_storage as storage
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.utils.translation import override

from mayfly.previews import decoder, draw, make, queue, tasks
from mayfly.previews.draw import DecoderBroken, Interrupted, NotShowable
from mayfly.storage.protocol import StorageError
from mayfly.uploads import lifecycle, opening
from mayfly.uploads import reconcile as comparison
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload
from mayfly.uploads.tasks import sweep

from .. import pictures
from ..conftest import PNG, a_moment_later, body_of, expire, fetch, storage_class
from ..pictures import gradient, jpeg, opened, pieces, png
from ..uploads.test_lifecycle import Wrapped

pytestmark = pytest.mark.django_db(transaction=True)
SORTS = pictures.every_sort()


def drawn(content: bytes, content_type: str = "image/jpeg") -> pyvips.Image:
    return opened(draw.draw(pieces(content), content_type=content_type).preview)


def image(owner, content: bytes | None = None, **more) -> Upload:
    """An image as its owner has just completed it."""
    return Upload.objects.get(pk=owner.upload(content or jpeg(), kind="image", **more)["id"])


def with_preview(owner, content: bytes | None = None) -> Upload:
    upload = image(owner, content)
    tasks.waiting_previews()
    upload.refresh_from_db()
    assert upload.has_preview
    return upload


def due_now(upload: Upload) -> None:
    """Let the pause before the next attempt be over."""
    Upload.objects.filter(pk=upload.pk).update(preview_due_at=Now() - timedelta(seconds=1))


def colour(picture: pyvips.Image, x: int, y: int) -> list[float]:
    return picture.getpoint(x, y)[:3]


@pytest.fixture
def program(monkeypatch, tmp_path):
    """Put another program in the decoder's place."""

    def write(code: str) -> None:
        file = tmp_path / "decoder.py"
        file.write_text(code)
        monkeypatch.setattr(draw, "DECODER", file)

    return write


# what is drawn


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_of_image_gets_a_preview_in_its_shape_and_colours(sort):
    content_type, content = SORTS[sort]
    preview = drawn(content, content_type)
    assert (preview.width, preview.height) == (640, 320)
    assert preview.interpretation == "srgb"
    for x, y in ((40, 40), (600, 40), (320, 160), (600, 280)):
        expected = [x / 640 * 255, y / 320 * 255, 128]
        # A press has no such bright colours, and a palette has 256.
        tolerance = 90 if sort == "cmyk jpeg" else 25
        assert colour(preview, x, y) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((2000, 1000), (640, 320)), ((300, 900), (213, 640)), ((640, 640), (640, 640)), ((20, 10), (20, 10))],
)
def test_a_preview_has_640_pixels_a_side_at_most_and_no_more_than_its_image(size, expected):
    preview = drawn(jpeg(gradient(*size)))
    assert (preview.width, preview.height) == expected


def test_what_is_transparent_stays_so():
    clear = gradient().bandjoin((gradient()[0] * 0).cast("uchar")).copy(interpretation="srgb")
    preview = drawn(png(clear), "image/png")
    assert preview.hasalpha()
    assert preview.getpoint(100, 100)[3] == 0


@pytest.mark.parametrize(("orientation", "corner"), [(1, [0, 0]), (3, [255, 255]), (6, [0, 255]), (8, [255, 0])])
def test_a_preview_is_turned_as_the_camera_was(orientation, corner):
    picture = gradient().copy()
    picture.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    preview = drawn(jpeg(picture, Q=95))
    assert (preview.width, preview.height) == ((320, 640) if orientation in (6, 8) else (640, 320))
    assert colour(preview, 2, 2)[:2] == pytest.approx(corner, abs=25)


@pytest.mark.parametrize("save", ["gifsave", "webpsave"])
def test_of_an_animation_the_first_frame_is_shown(save):
    content = pictures.animation([200, 0, 0], [0, 200, 0], [0, 0, 200], save=save)
    preview = drawn(content, f"image/{save.removesuffix('save')}")
    assert (preview.width, preview.height) == (100, 50)
    assert preview.get_n_pages() == 1
    assert colour(preview, 50, 25) == pytest.approx([200, 0, 0], abs=25)


def test_colours_of_another_profile_become_those_of_the_web():
    wide = gradient().icc_transform("p3", input_profile="srgb")
    assert wide.getpoint(990, 5)[0] < 240  # the same red is a smaller number there
    preview = drawn(jpeg(wide, profile="p3", Q=95))
    assert colour(preview, 634, 3) == pytest.approx([253, 3, 128], abs=12)


# what is refused


def test_what_is_cut_off_is_refused():
    for sort in ("jpeg", "png", "webp", "gif", "avif"):
        content_type, content = SORTS[sort]
        with pytest.raises(NotShowable, match=r"Send it as a file instead\."):
            draw.draw(pieces(content[: len(content) * 2 // 3]), content_type=content_type)


@pytest.mark.parametrize(
    "content",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        gradient(9, 9).tiffsave_buffer(),
        SORTS["jpeg"][1],
        b"",
    ],
    ids=["svg", "tiff", "jpeg", "nothing"],
)
def test_no_other_loader_is_tried_than_the_one_of_the_type(content):
    with pytest.raises(NotShowable):
        draw.draw(pieces(content), content_type="image/png")


def test_more_pixels_than_allowed_are_refused_in_words(limits):
    limits(image_megapixels=1)
    assert drawn(jpeg(gradient(1000, 1000))).width == 640
    with pytest.raises(NotShowable, match="too many pixels.* send it as a file"):
        drawn(jpeg(gradient(1000, 1001)))


def test_the_owner_of_too_large_an_image_is_told_the_limit_in_their_language(limits):
    limits(image_megapixels=12)
    upload = Upload(refusal=draw.TOO_LARGE)
    assert "12 million can be shown" in upload.why_refused
    with override("es"):
        assert "12 millones" in upload.why_refused
    assert Upload().why_refused == ""


@pytest.mark.parametrize(
    ("content_type", "save", "most"),
    [
        ("image/png", lambda picture: png(picture, interlace=True), 25),
        ("image/jpeg", lambda picture: jpeg(picture, interlace=True), 25),
        ("image/gif", lambda picture: picture.gifsave_buffer(effort=1), 25),
        ("image/webp", lambda picture: picture.webpsave_buffer(effort=0), 25),
        ("image/avif", lambda picture: picture.heifsave_buffer(compression="av1", effort=0), 13),
    ],
    ids=["interlaced png", "progressive jpeg", "gif", "webp", "avif"],
)
def test_what_is_held_whole_may_have_fewer_pixels(caplog, content_type, save, most):
    caplog.set_level("INFO")
    plain = pyvips.Image.black(5000, most * 200, bands=3).copy(interpretation="srgb")
    assert drawn(save(plain), content_type).width in (640, 512)
    with pytest.raises(NotShowable, match="too many pixels"):
        drawn(save(plain.embed(0, 0, 5000, most * 200 + 1)), content_type)
    assert f"too many pixels: 5000 {most * 200 + 1} {most}" in caplog.messages


def test_a_side_longer_than_any_camera_makes_is_refused():
    with pytest.raises(NotShowable, match="too many pixels"):
        drawn(png(pyvips.Image.black(65_536, 2)), "image/png")


def test_an_image_that_needs_more_memory_than_there_is_is_refused_in_words():
    deep = pyvips.Image.black(5000, 5000, bands=4).cast("ushort").copy(interpretation="rgb16")
    with pytest.raises(NotShowable, match="more time or memory"):
        draw.draw(pieces(png(deep, bitdepth=16, interlace=True)), content_type="image/png")


def test_of_a_bomb_no_more_is_read_than_its_header():
    given = 0

    def endless():
        nonlocal given
        yield pictures.bomb()
        while True:
            given += 1
            yield bytes(65_536)

    with pytest.raises(NotShowable, match="too many pixels"):
        draw.draw(endless(), content_type="image/png")
    assert given < 100


# the decoder's own limits


def test_the_decoder_knows_no_secret_and_no_file_of_ours(program):
    program("import os; print(sorted(os.environ), os.listdir('/proc/self/fd'), os.getcwd()); raise SystemExit(1)")
    with open(__file__), pytest.raises(DecoderBroken) as answer:
        drawn(jpeg())
    words = str(answer.value)
    assert "SECRET_KEY" not in words
    assert set(words.split("[")[1].split("]")[0].replace("'", "").split(", ")) <= {
        "LC_CTYPE", "MALLOC_ARENA_MAX", "VIPS_BLOCK_UNTRUSTED", "VIPS_CONCURRENCY",
    }  # fmt: skip
    # Its input, its output, nowhere for what it has to say, and the listing itself.
    assert len(words.split("[")[2].split("]")[0].split(", ")) == 4


def test_the_decoder_limits_itself_before_it_looks():
    code = (
        "import decoder, resource as r; decoder.restrict(); decoder.limit_memory(decoder.SMALL);"
        "print(*[r.getrlimit(l)[0] for l in (r.RLIMIT_CPU, r.RLIMIT_DATA, r.RLIMIT_FSIZE, r.RLIMIT_CORE)],"
        " open('/proc/self/oom_score_adj').read())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(decoder.__file__).parent, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["10", "112000000", "2000000", "0", "1000"]
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] != decoder.SMALL


def test_a_decoder_that_takes_too_long_is_killed(program, monkeypatch):
    monkeypatch.setattr(draw, "IMAGE_SECONDS", 0.5)
    program("import time; time.sleep(60)")
    with pytest.raises(Interrupted):
        drawn(bytes(10_000_000))


def test_a_decoder_that_uses_up_its_processor_time_is_not_asked_again(program):
    program("import resource as r; r.setrlimit(r.RLIMIT_CPU, (1, 2))\nwhile True: pass")
    with pytest.raises(NotShowable, match="more time or memory"):
        drawn(jpeg())


@pytest.mark.parametrize("output", ["<script>alert(1)</script>", "RIFF0000WAVE", ""])
def test_a_decoder_that_was_taken_over_gets_nothing_through_but_webp(program, output):
    program(f"print({output!r})")
    with pytest.raises(DecoderBroken):
        drawn(jpeg())


def test_a_decoder_leaves_no_file_and_no_process(program):
    before = set(Path(tempfile.gettempdir()).iterdir())
    threads = threading.active_count()
    drawn(jpeg())
    program("import time; time.sleep(60)")

    def breaking():
        yield b"x"
        raise StorageError("time-out")

    with pytest.raises(StorageError):
        draw.draw(breaking(), content_type="image/jpeg")
    assert set(Path(tempfile.gettempdir()).iterdir()) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, 0)
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(1)
    assert threading.active_count() <= threads


# the image that waits for its preview


def test_an_image_gets_its_preview_and_a_file_gets_none(owner):
    upload, file = image(owner), Upload.objects.get(pk=owner.upload(jpeg())["id"])
    assert make.make_due(storage=storage) == 1
    upload.refresh_from_db()
    assert upload.has_preview
    assert upload.preview_due_at is None
    preview = opened(b"".join(storage.read(upload.preview_key)))
    assert (preview.width, preview.height) == (640, 320)
    assert storage.length(file.preview_key) is None
    assert make.make_due(storage=storage) == 0


def test_an_image_that_cannot_be_shown_is_removed_and_its_owner_told_why(owner, stranger):
    upload = image(owner, jpeg()[:-5000], name="cat.jpg")
    tasks.waiting_previews()
    upload.refresh_from_db()
    assert upload.state == State.GONE
    assert storage.length(upload.key) is None
    [told] = Upload.objects.of(owner.box).live_or_refused().exclude(refusal="")
    assert told == upload
    assert "Send it as a file instead." in told.refusal
    for answer in (owner.get(f"/api/uploads/{upload.pk}"), owner.post(f"/api/uploads/{upload.pk}/complete")):
        assert answer.status_code == 422
        assert answer.json()["error"] == {"code": "refused", "message": told.why_refused}
    assert Client().get(f"/u/{upload.pk}/").status_code == 410
    assert stranger.get(f"/api/uploads/{upload.pk}").status_code == 404
    assert owner.get("/api/uploads").json() == {"uploads": []}


def test_only_what_was_complete_is_told_as_refused(owner):
    upload = owner.begin(b"no image", kind="image")
    owner.send_parts(upload, b"no image")
    assert owner.post(f"/api/uploads/{upload['id']}/complete").status_code == 422
    image(owner)
    assert not Upload.objects.of(owner.box).live_or_refused().exclude(refusal="")


def test_each_image_is_claimed_by_one(owner, limits):
    limits(images_kept=0)
    pks = {image(owner).pk for _ in range(6)}

    def claim(_):
        try:
            return queue.claim_next()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        claimed = [upload.pk for upload in pool.map(claim, range(12)) if upload]
    assert sorted(claimed) == sorted(pks)


def test_the_longest_waiting_comes_first_and_a_second_attempt_waits_its_turn(owner):
    bad, good = image(owner), image(owner)
    assert queue.claim_next() == bad
    Upload.objects.filter(pk=bad.pk).update(preview_due_at=Now() - timedelta(microseconds=1))
    assert queue.claim_next() == good


def test_a_claim_ends_by_itself_when_whoever_made_it_has_died(owner):
    upload = image(owner)
    assert queue.claim_next() == upload
    assert queue.claim_next() is None
    left = Upload.objects.annotate(left=queue.CLAIM + Now()).get().preview_due_at
    assert left > upload.completed_at + timedelta(seconds=tasks.preview.time_limit)
    due_now(upload)
    assert queue.claim_next().preview_attempts == 2


def test_an_image_that_kills_its_decoder_is_tried_three_times_and_then_refused(owner, program):
    program("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    upload = image(owner)
    for attempt in (1, 2, 3):
        tasks.waiting_previews()
        upload.refresh_from_db()
        assert (upload.state, upload.preview_attempts) == (State.READY, attempt)
        assert queue.claim_next() is None  # not at once
        due_now(upload)
    tasks.waiting_previews()
    upload.refresh_from_db()
    assert upload.state == State.GONE
    assert "more time or memory" in upload.refusal


def test_an_image_that_takes_its_whole_worker_along_does_so_three_times_only(owner, monkeypatch):
    upload = image(owner)
    for _ in range(3):
        assert queue.claim_next() == upload  # and nothing more is heard of it
        due_now(upload)
    monkeypatch.setattr(make, "draw", lambda *arguments, **more: pytest.fail("a fourth attempt"))
    tasks.waiting_previews()
    upload.refresh_from_db()
    assert upload.state == State.GONE


@pytest.mark.parametrize("fails", ["read", "put"])
def test_storage_that_fails_costs_no_image_and_no_attempt(owner, fails):
    upload = image(owner)

    def down(*arguments, **more):
        raise StorageError("time-out")

    for _ in range(5):
        assert make.make_due(storage=Wrapped(**{fails: down})) == 0
        upload.refresh_from_db()
        assert (upload.state, upload.preview_attempts, upload.refusal) == (State.READY, 0, "")
        due_now(upload)
    assert make.make_due(storage=storage) == 1


def test_a_decoder_that_does_not_run_here_costs_no_image(owner, program):
    program("import a_module_that_is_not_installed")
    upload = image(owner)
    for _ in range(5):
        tasks.waiting_previews()
        upload.refresh_from_db()
        assert (upload.state, upload.preview_attempts) == (State.READY, 0)
        due_now(upload)


def test_a_failed_attempt_takes_nothing_from_another_that_did_it(owner):
    upload = image(owner)
    late = queue.claim_next()
    due_now(upload)
    tasks.waiting_previews()
    lifecycle.refuse(late, "too late", storage=storage)
    queue.postpone(late)
    upload.refresh_from_db()
    assert (upload.state, upload.has_preview, upload.preview_due_at) == (State.READY, True, None)


def test_one_call_begins_no_image_after_its_time(owner, monkeypatch):
    monkeypatch.setattr(make, "BEGIN_SECONDS", 0)
    image(owner)
    assert make.make_due(storage=storage) == 0
    assert queue.claim_next() is not None


def test_what_one_image_may_take_fits_into_a_task():
    assert tasks.waiting_previews.soft_time_limit > make.BEGIN_SECONDS + draw.IMAGE_SECONDS


# and goes with it

REMOVALS = {
    "delete": lambda owner, upload: owner.delete(f"/api/uploads/{upload.pk}"),
    "clear": lambda owner, upload: owner.delete("/api/uploads"),
    "sweep": lambda owner, upload: (expire(upload), sweep()),
    "three newer ones": lambda owner, upload: [image(owner, PNG) for _ in range(3)],
    "the admin": lambda owner, upload: Upload.objects.get(pk=upload.pk).delete(),
}


@pytest.mark.parametrize("how", REMOVALS)
def test_a_preview_goes_with_its_image(owner, how):
    upload = with_preview(owner)
    assert storage.length(upload.preview_key)
    REMOVALS[how](owner, upload)
    assert storage.length(upload.preview_key) is None
    assert not Upload.objects.live().filter(pk=upload.pk)


@pytest.mark.parametrize("part", ["uploads/", "previews/"])
def test_an_image_is_not_gone_while_storage_keeps_any_of_it(owner, part):
    upload = with_preview(owner)

    def remove(keys):
        return {key: "InternalError" for key in keys if key.startswith(part)} | storage.remove(
            [key for key in keys if not key.startswith(part)]
        )

    lifecycle.remove(upload, storage=Wrapped(remove=remove))
    upload.refresh_from_db()
    assert upload.state == State.REMOVING
    sweep()
    upload.refresh_from_db()
    assert upload.state == State.GONE
    assert [storage.length(key) for key in upload.keys] == [None, None]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_preview_does_not_come_back_from_a_clear_that_it_meets(owner, when):
    """threats.md, case 29."""
    upload = image(owner)

    def put(key, content, **more):
        if when == "before":
            lifecycle.clear(box=owner.box, storage=storage)
        storage.put(key, content, **more)
        if when == "after":
            lifecycle.clear(box=owner.box, storage=storage)

    assert make.make_due(storage=Wrapped(put=put)) == 0
    assert [storage.length(key) for key in upload.keys] == [None, None]
    upload.refresh_from_db()
    assert (upload.state, upload.has_preview) == (State.GONE, False)


def test_reconcile_takes_a_preview_whose_image_is_gone(owner):
    upload = with_preview(owner)
    lifecycle.remove(upload, storage=storage)
    storage.put(upload.preview_key, b"left behind", content_type="image/webp")
    a_moment_later()
    assert upload.preview_key in comparison.reconcile(storage=storage).objects_without_row
    assert storage.length(upload.preview_key) is None


# its address


def test_the_api_tells_where_the_preview_is_once_there_is_one(owner):
    upload = image(owner)
    assert owner.get(f"/api/uploads/{upload.pk}").json()["preview"] is None
    assert Client().get(f"/u/{upload.pk}/preview").status_code == 404
    tasks.waiting_previews()
    address = f"http://testserver/u/{upload.pk}/preview"
    assert owner.get(f"/api/uploads/{upload.pk}").json()["preview"] == address
    assert owner.get("/api/uploads").json()["uploads"][0]["preview"] == address


@pytest.mark.parametrize("method", ["get", "head"])
def test_whoever_has_the_link_is_sent_to_the_preview(owner, method):
    upload = with_preview(owner)
    response = getattr(Client(), method)(f"/u/{upload.pk}/preview")
    assert response.status_code == 302
    assert "no-store" in response["Cache-Control"]
    answer = fetch(response["Location"])
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Content-Disposition"] == "inline"
    assert answer.headers["Cache-Control"] == "no-store"
    if hasattr(answer, "wsgi_request"):  # the app's own origin
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert opened(body_of(answer)).width == 640


def test_the_preview_ends_with_its_image(owner):
    upload = with_preview(owner)
    expire(upload)
    assert Client().get(f"/u/{upload.pk}/preview").status_code == 410
    sweep()
    assert Client().get(f"/u/{upload.pk}/preview").status_code == 410
    assert Client().get(f"/u/{'x' * 22}/preview").status_code == 404
    assert Client().get(f"/u/{owner.upload()['id']}/preview").status_code == 404
    assert Client().post(f"/u/{upload.pk}/preview").status_code == 405


@pytest.mark.parametrize(("left", "most"), [(10, 10), (600, 60)])
def test_a_signed_preview_outlives_neither_its_image_nor_a_minute(owner, left, most):
    upload = with_preview(owner)
    Upload.objects.filter(pk=upload.pk).update(expires_at=Now() + timedelta(seconds=left))
    lifetimes = []

    def sign_preview(key, *, lifetime):
        lifetimes.append(lifetime)
        return storage.sign_preview(key, lifetime=lifetime)

    opening.preview_url(upload.pk, storage=Wrapped(sign_preview=sign_preview))
    assert timedelta(seconds=most - 2) < lifetimes[0] <= timedelta(seconds=most)


def test_a_link_to_a_preview_gives_nothing_but_that(owner):
    upload = with_preview(owner)
    location = Client().get(f"/u/{upload.pk}/preview")["Location"]
    if location.startswith("/"):
        other = location.replace("/storage/previews/", "/storage/objects/")
        assert Client().get(other).status_code == 403
    else:
        assert parse_qs(urlsplit(location).query)["response-content-type"] == ["image/webp"]
        assert fetch(location.replace("image%2Fwebp", "text%2Fhtml")).status_code == 403


def test_the_task_makes_what_is_due(owner):
    upload = image(owner)
    tasks.waiting_previews.apply()
    upload.refresh_from_db()
    assert upload.has_preview


def test_a_storage_class_that_cannot_be_read_is_not_mistaken_for_a_bad_image(owner, monkeypatch):
    upload = image(owner)

    def read(self, key):
        yield jpeg()[:1000]
        raise StorageError("the connection broke")

    monkeypatch.setattr(storage_class(), "read", read)
    tasks.waiting_previews()
    upload.refresh_from_db()
    assert (upload.state, upload.preview_attempts) == (State.READY, 0)
