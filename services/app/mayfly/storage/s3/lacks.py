"""Find what a bucket lacks without being useless: a way in for browsers on our pages, and a lifecycle as last net.

Reads only. Release makes both where it can; on some servers they are made by hand, and anyone may undo them.
"""

import http.client
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

# Every answer is kept for minutes, so a server that takes longer is one that does not answer.
SECONDS = 3
# Stands for any origin, where all may send. RFC 2606 keeps the name from being anyone's.
ANY_ORIGIN = "https://mayfly.invalid"


def without_browsers(addresses: Sequence[str], origins: Sequence[str]) -> list[str]:
    """A sentence if pages of an origin may not send parts to the bucket, as far as a browser's own question tells.

    The question needs no permission, and it counts whether a rule of the bucket, an option of the server or a proxy
    lets pages in. The first of `addresses` that answers decides: web may not reach the one that browsers use.
    """
    shut = []
    for origin in origins:
        answers = (_lets_in(address, ANY_ORIGIN if origin == "*" else origin) for address in addresses)
        if next((answer for answer in answers if answer is not None), None) is False:
            shut.append("any address" if origin == "*" else origin)
    if not shut:
        return []
    return [f"storage does not let pages of {', '.join(shut)} send parts (CORS), so uploads by script fail"]


def without_lifecycle(client: "S3Client", bucket: str, prefixes: Sequence[str]) -> list[str]:
    """A sentence for what the bucket's own rules leave to Mayfly alone, or if they cannot be read."""
    try:
        rules = client.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules", [])
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (401, 403):
            return ["the key may not read the lifecycle rules of the bucket, so they are not checked"]
        rules = []
    bare = [prefix for prefix in prefixes if not any(_deletes(rule, prefix) for rule in rules)]
    if not bare:
        return []
    return [f"storage has no lifecycle rule that deletes {' and '.join(bare)}, so only Mayfly deletes"]


def _lets_in(address: str, origin: str) -> bool | None:
    """Whether a page of `origin` may PUT there; None if nothing answers."""
    url = urlsplit(address)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.netloc, timeout=SECONDS)
    question = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    try:
        connection.request("OPTIONS", f"{url.path}/uploads/cors", headers=question)
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    methods = answer.headers.get("Access-Control-Allow-Methods", "")
    return answer.status < 300 and allowed in ("*", origin) and ("PUT" in methods or methods == "*")


def _deletes(rule: Mapping[str, Any], prefix: str) -> bool:
    """Whether the rule deletes objects and unfinished uploads under `prefix`, however many days it takes."""
    its_prefix = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    narrower = {"Tag", "And", "ObjectSizeGreaterThan", "ObjectSizeLessThan"} & rule.get("Filter", {}).keys()
    return (
        rule.get("Status") == "Enabled"
        and prefix.startswith(its_prefix)
        and not narrower
        and "Days" in rule.get("Expiration", {})
        and "AbortIncompleteMultipartUpload" in rule
    )
