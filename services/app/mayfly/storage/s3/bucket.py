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
# A sentence about a step that the server does not know begins with these words.
LACKING = "By hand: this storage "
# With these answers a server refuses us or fails now. They do not say that it does not know the call.
REFUSALS = (
    "AccessDenied",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "IllegalLocationConstraintException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "NoSuchBucket",
    "OperationAborted",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "SignatureDoesNotMatch",
    "SlowDown",
)


class Unsuitable(Exception):
    """The bucket keeps versions, so a removal would only hide objects."""


class _Missing(Exception):
    """The server's answer lacks this element, so it answers something else than what it was asked."""


def configure(
    client: "S3Client", bucket: str, *, region: str, origins: Sequence[str], prefixes: Sequence[str]
) -> list[str]:
    """Create `bucket` if it is absent, and bring its configuration to what Mayfly needs.

    Writes only differences, so it is safe to repeat and to run twice at once. Returns one sentence for each change,
    and one that begins with LACKING for each step that the server does not know. `origins` are those of the pages
    that send parts; S3 itself expires the objects under `prefixes`.

    Raises:
        ClientError: S3 fails or refuses, or the bucket's name belongs to another account.
        Unsuitable: the bucket keeps versions.
    """
    changes = []
    places = " and ".join(prefixes)
    pages = ", ".join(origins) or "no origin"
    if _create(client, bucket, region):
        changes.append(f"Created the bucket {bucket} in {region}.")
    changes += _step(
        lambda: _refuse_versions(client, bucket),
        done="",
        lacking="does not say whether it keeps versions. If it does, a removal only hides the bytes: switch them off.",
    )
    changes += _step(
        lambda: _set_public_access(client, bucket, by_policy=False),
        done="Closed the bucket to the public.",
        lacking="cannot close the bucket as a whole. See that only the key of Mayfly may read it.",
    )
    changes += _step(
        lambda: _let_browsers_in(client, bucket, origins),
        done=f"Let pages of {pages} send and fetch (CORS).",
        lacking=(
            "takes no CORS rules from us, and without them browsers cannot send parts. Allow PUT, GET and HEAD from"
            f" {pages} there, with the header content-type, and expose ETag."
        ),
    )
    changes += _step(
        lambda: _expire(client, bucket, prefixes),
        done=f"Let S3 itself delete objects older than a day under {places}.",
        lacking=(
            "takes no lifecycle rules from us, so only Mayfly deletes: bytes stay as long as its worker stands still."
            f" Let the storage delete objects and unfinished uploads older than a day under {places}, if it can."
        ),
    )
    return changes


def open_to_readers(client: "S3Client", bucket: str, *, region: str, prefix: str) -> list[str]:
    """Create `bucket` if it is absent, and let everyone read the objects under `prefix`, but list or write nothing.

    As safe to repeat as `configure`, with the same kind of answer. Raises ClientError if S3 fails or refuses.
    """
    changes = []
    if _create(client, bucket, region):
        changes.append(f"Created the bucket {bucket} in {region}.")
    changes += _step(
        lambda: _set_public_access(client, bucket, by_policy=True),
        done=f"Let a policy open the bucket {bucket}.",
        lacking=f"cannot let a policy open the bucket {bucket}. See that nothing else closes it.",
    )
    changes += _step(
        lambda: _let_everyone_read(client, bucket, prefix),
        done=f"Let everyone read the objects under {prefix} in the bucket {bucket}.",
        lacking=(
            "takes no policy from us, and without one no page has its styles."
            f" Let everyone read the objects under {prefix} in the bucket {bucket}, or set STATIC_STORAGE=whitenoise."
        ),
    )
    changes += _step(
        lambda: _let_all_pages_fetch(client, bucket),
        done=f"Let all pages fetch from the bucket {bucket} (CORS).",
        lacking=(
            "takes no CORS rules from us, and without them browsers refuse scripts and fonts. Allow GET and HEAD from"
            f" every origin in the bucket {bucket}."
        ),
    )
    return changes


def _step(change: Callable[[], bool], *, done: str, lacking: str) -> list[str]:
    """Take a step, and say what came of it: nothing, a change, or what the operator has to do instead."""
    try:
        return [done] if change() else []
    except _Missing as missing:
        answer = f"no {missing}"
    except ClientError as error:
        if not _is_unknown(error):
            raise
        answer = str(error)
    return [f"{LACKING}{lacking} Its answer: {answer}."]


def _create(client: "S3Client", bucket: str, region: str) -> bool:
    if _there(client, bucket):
        return False
    # S3 uses us-east-1 if no location is named, and refuses that name.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        _settled(client.create_bucket, Bucket=bucket, **place)
    except ClientError as error:
        # Another release may have created it just now, and not every server tells our buckets from those of others.
        ours = _code(error) == "BucketAlreadyOwnedByYou"
        if not ours and not (_code(error) == "BucketAlreadyExists" and _there(client, bucket)):
            raise
        return False
    return True


def _there(client: "S3Client", bucket: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if _code(error) not in ("404", "NoSuchBucket"):
            raise
        return False
    return True


def _refuse_versions(client: "S3Client", bucket: str) -> bool:
    if client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled":
        raise Unsuitable(
            f"the bucket {bucket} keeps versions, so a removal would only hide its objects."
            " Suspend its versioning, or name another bucket."
        )
    return False


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


def _let_everyone_read(client: "S3Client", bucket: str, prefix: str) -> bool:
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
    current = _current(client.get_bucket_policy, bucket, "Policy", absent="NoSuchBucketPolicy")
    try:
        if current and _plain(json.loads(current)) == _plain(policy):
            return False
    except ValueError as error:
        raise _Missing("Policy") from error
    _settled(client.put_bucket_policy, Bucket=bucket, Policy=json.dumps(policy))
    return True


def _let_all_pages_fetch(client: "S3Client", bucket: str) -> bool:
    rule = {"ID": CORS_RULE, "AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 3600}
    current = _current(client.get_bucket_cors, bucket, "CORSRules", absent="NoSuchCORSConfiguration")
    if _plain(current) == _plain([rule]):
        return False
    _settled(client.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
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
    others = [rule for rule in current if rule.get("ID") not in names]
    # A server without versions may refuse a rule that names them.
    simple = [{name: value for name, value in rule.items() if name != "NoncurrentVersionExpiration"} for rule in ours]
    if _plain(current) in (_plain(others + ours), _plain(others + simple)):
        return False
    put = client.put_bucket_lifecycle_configuration
    try:
        _settled(put, Bucket=bucket, LifecycleConfiguration={"Rules": others + ours})
    except ClientError as error:
        if not _is_unknown(error):
            raise
        _settled(put, Bucket=bucket, LifecycleConfiguration={"Rules": others + simple})
    return True


def _current(call: Callable[..., Mapping[str, Any]], bucket: str, name: str, *, absent: str) -> Any:
    try:
        answer = call(Bucket=bucket)
    except ClientError as error:
        if _code(error) != absent:
            raise
        return None
    if not answer.get(name):
        # A server that overlooks what it does not know returns a listing instead. It would create the bucket once more
        # instead of writing.
        raise _Missing(name)
    return answer[name]


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


def _is_unknown(error: ClientError) -> bool:
    """Whether the server does not know the call. A refusal or a failure that may pass is something else."""
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if status in (405, 501) or _code(error) in ("MethodNotAllowed", "NotImplemented"):
        return True
    return 400 <= status < 500 and status not in (401, 403, 408, 429) and _code(error) not in REFUSALS


def _code(error: ClientError) -> str:
    return error.response["Error"].get("Code", "")
