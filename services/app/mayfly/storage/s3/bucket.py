"""Configure a bucket for Mayfly: closed to the public, open to browsers on our pages, with lifecycle rules as last net.

Plain boto3 without Django. The release step calls it through `S3UploadStorage.prepare`. The LocalStack image carries
this same file, so that the bucket in development is configured like the one in production.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

# Rules with these names are ours; all other rules of a bucket stay as they are.
CORS_RULE = "mayfly"


class Unsuitable(Exception):
    """The bucket keeps versions, so a removal would only hide objects."""


def configure(
    client: "S3Client", bucket: str, *, region: str, origins: Sequence[str], prefixes: Sequence[str]
) -> list[str]:
    """Create `bucket` if it is absent, and bring its configuration to what Mayfly needs.

    Writes only differences, so it is safe to repeat and to run twice at once. Returns one sentence for each
    change. `origins` are those of the pages that send parts; S3 itself expires the objects under `prefixes`.

    Raises:
        ClientError: S3 refuses, or the bucket's name belongs to another account.
        Unsuitable: the bucket keeps versions.
    """
    changes = []
    if _create(client, bucket, region):
        changes.append(f"Created the bucket {bucket} in {region}.")
    if client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled":
        raise Unsuitable(
            f"the bucket {bucket} keeps versions, so a removal would only hide its objects."
            " Suspend its versioning, or name another bucket."
        )
    if _set_public_access(client, bucket, by_policy=False):
        changes.append("Closed the bucket to the public.")
    if _let_browsers_in(client, bucket, origins):
        changes.append(f"Let pages of {', '.join(origins) or 'no origin'} send and fetch (CORS).")
    if _expire(client, bucket, prefixes):
        changes.append(f"Let S3 itself delete objects older than a day under {' and '.join(prefixes)}.")
    return changes


def open_to_readers(client: "S3Client", bucket: str, *, region: str, prefix: str) -> list[str]:
    """Create `bucket` if it is absent, and let everyone read the objects under `prefix`, but list or write nothing.

    As safe to repeat as `configure`, with the same kind of answer. Raises ClientError if S3 refuses.
    """
    changes = []
    if _create(client, bucket, region):
        changes.append(f"Created the bucket {bucket} in {region}.")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Mayfly",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/{prefix}*",
            }
        ],
    }
    # Without it browsers refuse scripts and fonts from another origin than the page's.
    cors = [{"ID": CORS_RULE, "AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 3600}]
    opened = _set_public_access(client, bucket, by_policy=True)
    current = _current(client.get_bucket_policy, bucket, "Policy", absent="NoSuchBucketPolicy")
    if current is None or _plain(json.loads(current)) != _plain(policy):
        _settled(client.put_bucket_policy, Bucket=bucket, Policy=json.dumps(policy))
        opened = True
    if _plain(_current(client.get_bucket_cors, bucket, "CORSRules", absent="NoSuchCORSConfiguration")) != _plain(cors):
        _settled(client.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": cors})
        opened = True
    if opened:
        changes.append(f"Let everyone read the objects under {prefix} in the bucket {bucket}.")
    return changes


def _create(client: "S3Client", bucket: str, region: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
        return False
    except ClientError as error:
        if _code(error) not in ("404", "NoSuchBucket"):
            raise
    # S3 uses us-east-1 if no location is named, and refuses that name.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        _settled(client.create_bucket, Bucket=bucket, **place)
    except ClientError as error:
        if _code(error) != "BucketAlreadyOwnedByYou":
            raise
        return False
    return True


def _set_public_access(client: "S3Client", bucket: str, *, by_policy: bool) -> bool:
    wanted = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": not by_policy,
        "RestrictPublicBuckets": not by_policy,
    }
    current = _current(
        client.get_public_access_block,
        bucket,
        "PublicAccessBlockConfiguration",
        absent="NoSuchPublicAccessBlockConfiguration",
    )
    if current == wanted:
        return False
    _settled(client.put_public_access_block, Bucket=bucket, PublicAccessBlockConfiguration=wanted)
    return True


def _let_browsers_in(client: "S3Client", bucket: str, origins: Sequence[str]) -> bool:
    ours = {
        "ID": CORS_RULE,
        "AllowedMethods": ["PUT", "GET", "HEAD"],
        "AllowedOrigins": list(origins),
        # A browser sends it with a part that is a Blob of a known type; nothing else needs to be asked for.
        "AllowedHeaders": ["content-type"],
        # Without it a page cannot see that its part has arrived whole.
        "ExposeHeaders": ["ETag"],
        # An hour without asking again; browsers cap it at two.
        "MaxAgeSeconds": 3600,
    }
    current = _current(client.get_bucket_cors, bucket, "CORSRules", absent="NoSuchCORSConfiguration") or []
    wanted = [rule for rule in current if rule.get("ID") != CORS_RULE] + ([ours] if origins else [])
    if _plain(wanted) == _plain(current):
        return False
    if wanted:
        _settled(client.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": wanted})
    else:
        _settled(client.delete_bucket_cors, Bucket=bucket)
    return True


def _expire(client: "S3Client", bucket: str, prefixes: Sequence[str]) -> bool:
    # A day is the shortest that S3 knows, and above the longest life and the longest transfer together.
    ours = [
        {
            "ID": f"mayfly-{prefix.rstrip('/')}",
            "Status": "Enabled",
            "Filter": {"Prefix": prefix},
            "Expiration": {"Days": 1},
            # In a bucket that once had versions, a removal only hides the bytes; this rule deletes them.
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        for prefix in prefixes
    ]
    names = [rule["ID"] for rule in ours]
    current = (
        _current(client.get_bucket_lifecycle_configuration, bucket, "Rules", absent="NoSuchLifecycleConfiguration")
        or []
    )
    wanted = [rule for rule in current if rule.get("ID") not in names] + ours
    if _plain(wanted) == _plain(current):
        return False
    _settled(client.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration={"Rules": wanted})
    return True


def _current(call: Callable[..., Mapping[str, Any]], bucket: str, name: str, *, absent: str) -> Any:
    try:
        return call(Bucket=bucket)[name]
    except ClientError as error:
        if _code(error) != absent:
            raise
        return None


def _settled(call: Callable[..., object], **arguments: Any) -> None:
    """Make a change, waiting while another one of the same bucket is under way: S3 refuses the second of two."""
    for pause in (1, 2, 4):
        try:
            call(**arguments)
            return
        except ClientError as error:
            if _code(error) != "OperationAborted":
                raise
        time.sleep(pause)
    call(**arguments)


def _plain(value: Any) -> Any:
    """Rules in a form that can be compared: S3 may return them, and the lists in them, in another order."""
    if isinstance(value, dict):
        return {name: _plain(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return sorted((_plain(inner) for inner in value), key=repr)
    return value


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
