"""Measure the time of a presigned URL, ours and botocore's, for a part and for a download. Runs about 2 s.

python bench/signing.py
"""

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median

import boto3
from botocore.config import Config
from figures import Row, in_turn, ratios, record

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "services" / "app"))

from mayfly.storage.headers import attachment  # noqa: E402
from mayfly.storage.s3.presign import S3Signer  # noqa: E402

ENDPOINT, BUCKET, REGION, KEY = "http://localhost:4566", "mayfly", "us-east-1", "uploads/4kQabcdefghijklmnopqrs"
CREDENTIALS = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
TRANSFER = "2~" + "a" * 100
SECONDS = 0.5
ROUNDS = 5


def main() -> None:
    ours = S3Signer(f"{ENDPOINT}/{BUCKET}", region=REGION, **CREDENTIALS)
    theirs = boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["access_key"],
        aws_secret_access_key=CREDENTIALS["secret_key"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    minute = timedelta(minutes=1)

    # Numbers and names differ from call to call, as in the app, so that no cache helps us.
    def our_part(n: int) -> str:
        return ours.part_url(KEY, TRANSFER, n % 10_000 + 1, 8_388_608, lifetime=minute)

    def their_part(n: int) -> str:
        params = {
            "Bucket": BUCKET,
            "Key": KEY,
            "UploadId": TRANSFER,
            "PartNumber": n % 10_000 + 1,
            "ContentLength": 8_388_608,
        }
        return theirs.generate_presigned_url("upload_part", params, ExpiresIn=60)

    def our_download(n: int) -> str:
        shown = {"disposition": attachment(f"picture {n}.jpg"), "content_type": "image/jpeg"}
        return ours.download_url(f"{KEY}{n}", **shown, cache_control="no-store", lifetime=minute)

    def their_download(n: int) -> str:
        params = {
            "ResponseContentDisposition": attachment(f"picture {n}.jpg"),
            "ResponseContentType": "image/jpeg",
            "ResponseCacheControl": "no-store",
        }
        return theirs.generate_presigned_url(
            "get_object", {"Bucket": BUCKET, "Key": f"{KEY}{n}"} | params, ExpiresIn=60
        )

    for place, what, our_call, their_call in (
        ("6", "part", our_part, their_part),
        ("6b", "download", our_download, their_download),
    ):
        measured = in_turn(partial(cost, our_call), partial(cost, their_call), ROUNDS)
        mine, botocores = (median(column) for column in zip(*measured, strict=True))
        record(
            Row(
                place=place,
                what=f"signing the URL of a {what}",
                against="botocore (ratio of times)",
                figure=f"1/{1 / median(ratios(measured)):.0f}; {mine:.1f} µs against {botocores:.0f} µs",
                reach="<= 1/10",
                met=median(ratios(measured)) <= 0.1,
            )
        )


def cost(call: Callable[[int], str]) -> float:
    """Microseconds that one call takes, on average over SECONDS / ROUNDS."""
    done, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < SECONDS / ROUNDS:
        for _ in range(20):
            call(done)
            done += 1
    return spent / done * 1e6


if __name__ == "__main__":
    main()
