"""How soon an image has its preview: seconds from ready to preview, in the stack that tests/stack/with brings up.

tests/stack/with .venv/bin/python bench/ready_to_preview.py

Images come one after another, with random pauses between them, so that a poll finds them at any moment of its interval.
Both times are by the database's clock, which is read every 10 ms. About 90 s.
"""

import argparse
import os
import random
import time
from statistics import median, quantiles

import httpx
import psycopg2
import pyvips

PER_BOX = 3  # a box keeps three images
PAUSE = 2  # seconds at most between two images: the interval of the slowest poll that is worth comparing
LONGEST = 60  # seconds until an image without a preview counts as a failure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=60)
    count = parser.parse_args().images
    image = (pyvips.Image.black(1600, 1200, bands=3) + [200, 100, 50]).cast("uchar").copy(interpretation="srgb")
    content = image.jpegsave_buffer()
    connection = psycopg2.connect(os.environ["STACK_DATABASE_URL"])
    connection.autocommit = True
    cursor = connection.cursor()
    seconds = []
    for number in range(count):
        if number % PER_BOX == 0:
            client = httpx.Client(base_url=os.environ["MAYFLY_URL"], timeout=30)
        time.sleep(random.uniform(0, PAUSE))
        seconds.append(seconds_to_preview(cursor, upload(client, content)))
    print(
        f"ready to preview, {count} images: median {median(seconds):.2f} s, "
        f"p95 {quantiles(seconds, n=20)[-1]:.2f} s, latest {max(seconds):.2f} s"
    )


def upload(client: httpx.Client, content: bytes) -> str:
    """Upload an image by the API; returns its id once it is ready."""
    begun = client.post("/api/uploads", json={"kind": "image", "name": "a.jpg", "size": len(content)})
    begun.raise_for_status()
    upload = begun.json()
    if upload["box"]:
        client.headers["Authorization"] = f"Bearer {upload['box']}"
    path = f"/api/uploads/{upload['id']}"
    [part] = client.post(f"{path}/parts", json={"numbers": [1]}).raise_for_status().json()["parts"]
    httpx.put(part["url"], content=content, headers=part["headers"]).raise_for_status()
    client.post(f"{path}/complete").raise_for_status()
    return str(upload["id"])


def seconds_to_preview(cursor, upload_id: str) -> float:
    """Seconds between the moment at which this image turned ready and the first look that finds its preview."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        cursor.execute(
            "SELECT has_preview, extract(epoch FROM clock_timestamp() - completed_at)"
            " FROM uploads_upload WHERE id = %s",
            [upload_id],
        )
        has_preview, seconds = cursor.fetchone()
        if has_preview:
            return float(seconds)
        time.sleep(0.01)
    raise SystemExit(f"no preview after {LONGEST} s")


if __name__ == "__main__":
    main()
