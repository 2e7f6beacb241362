"""Previews from outside: how soon an image has one, and whether a worker of 512 MB survives the largest images."""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import httpx
import pyvips

from tests.support.patient import Patient

from .conftest import Visitor, compose, inspect, tasks, until


def flat(width: int, height: int) -> pyvips.Image:
    """An image of one color: quick to send, and as slow to decode as any other."""
    return (pyvips.Image.black(width, height, bands=3) + [200, 100, 50]).cast("uchar").copy(interpretation="srgb")


def test_images_have_their_previews_within_two_seconds(visitor):
    content = flat(3000, 2000).jpegsave_buffer()
    for number in range(6):
        visitor.upload(content, kind="image", name=f"{number}.jpg")
        until(lambda: visitor.list("image")[0]["preview"], seconds=2, every=0.05)


def test_flower_shows_one_task_an_image_with_its_result(visitor):
    upload = visitor.upload(flat(3000, 2000).jpegsave_buffer(), kind="image", name="cat.jpg")
    until(lambda: [task["state"] for task in tasks(upload)] == ["SUCCESS"], seconds=20)
    [task] = tasks(upload)
    assert task["name"] == "previews.preview"
    assert re.fullmatch(rf"'preview of {upload['id'][:8]}, .*\d\.\d s'", task["result"])


def test_a_preview_is_a_small_webp_and_goes_with_its_image(visitor, bucket):
    upload = visitor.upload(flat(3000, 2000).jpegsave_buffer(), kind="image", name="cat.jpg")
    assert upload["preview"] is None
    until(lambda: visitor.list("image")[0]["preview"], seconds=10)
    assert bucket.keys(f"previews/{upload['id']}")
    answer = httpx.get(visitor.list("image")[0]["preview"], follow_redirects=True)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Content-Disposition"] == "inline"
    preview = pyvips.Image.webpload_buffer(answer.content)
    assert (preview.width, preview.height) == (640, 427)
    assert visitor.api.delete(f"/api/uploads/{upload['id']}").status_code == 204
    assert not bucket.keys(f"uploads/{upload['id']}") | bucket.keys(f"previews/{upload['id']}")


def test_a_damaged_image_is_refused_and_its_owner_sees_why(visitor, bucket):
    upload = visitor.upload(flat(3000, 2000).jpegsave_buffer()[:-3000], kind="image", name="cat.jpg")
    until(lambda: visitor.list("image") == [], seconds=10)
    answer = visitor.api.get(f"/api/uploads/{upload['id']}")
    assert answer.status_code == 422
    assert "Send it as a file instead." in answer.json()["error"]["message"]
    until(lambda: not bucket.has(upload), seconds=10)


def killed_for_memory() -> int:
    """The number of processes of the worker's container that the kernel has killed for memory since its start."""
    places = "/sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events"
    counts = compose("exec", "-T", "worker", "sh", "-c", f"cat {places} 2>/dev/null || :")
    return int(re.search(r"^oom_kill (\d+)$", counts, re.MULTILINE)[1])


def most_memory() -> int:
    """The peak memory of the worker's container since its start, in bytes."""
    places = "/sys/fs/cgroup/memory/memory.max_usage_in_bytes /sys/fs/cgroup/memory.peak"
    return int(compose("exec", "-T", "worker", "sh", "-c", f"cat {places} 2>/dev/null || :"))


def test_a_worker_of_512_mb_survives_fifty_of_the_largest_images(table):
    before = inspect("worker")
    assert before["HostConfig"]["Memory"] == before["HostConfig"]["MemorySwap"] == 512 * 1024 * 1024
    large = flat(6000, 4000)
    sorts = [
        large.jpegsave_buffer(),
        large.jpegsave_buffer(interlace=True, subsample_mode="off"),
        flat(10_000, 10_000).pngsave_buffer(),
        large.pngsave_buffer(interlace=True),
        flat(4000, 3000).heifsave_buffer(compression="av1", effort=0),
        large.webpsave_buffer(lossless=True, effort=0),
        large.gifsave_buffer(effort=1),
    ]
    fifty = iter(islice(cycle(sorts), 50))
    uploads = []
    visitor = None
    for number, content in enumerate(fifty):
        if number % 3 == 0:  # a box keeps three images
            visitor = Visitor(lambda **more: httpx.Client(transport=Patient(), timeout=60, **more))
        upload = visitor.begin(content, kind="image", name=f"{number}")
        visitor.send_parts(upload, content)
        uploads.append((visitor, upload))
    with ThreadPoolExecutor(8) as pool:
        completed = pool.map(lambda pair: pair[0].api.post(f"/api/uploads/{pair[1]['id']}/complete"), uploads)
        assert {answer.status_code for answer in completed} == {200}
    ids = [upload["id"] for _, upload in uploads]

    def made() -> int:
        return table("SELECT count(*) FROM uploads_upload WHERE has_preview AND id = ANY(%s)", ids)[0][0]

    took = until(lambda: made() == 50, seconds=120)
    after = inspect("worker")
    print(f"50 previews in {took:.0f} s, with {most_memory() / 1024 / 1024:.0f} MiB at most")
    assert killed_for_memory() == 0
    assert not after["State"]["OOMKilled"]
    assert after["RestartCount"] == before["RestartCount"]
    assert after["State"]["StartedAt"] == before["State"]["StartedAt"]
    assert table("SELECT max(preview_attempts) FROM uploads_upload WHERE id = ANY(%s)", ids) == [(1,)]
    for seen, _ in uploads[::10]:
        assert all(upload["preview"] for upload in seen.list("image"))
