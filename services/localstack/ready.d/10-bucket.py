"""LocalStack runs this hook once it is ready. It creates and configures the bucket with the code of production."""

import os
import sys

import boto3

# LocalStack runs a hook in its own process and does not put the hook's folder on the path.
sys.path.append("/opt/mayfly")

from bucket import configure  # noqa: E402
from keys import PREFIXES  # noqa: E402

region = os.environ.get("AWS_S3_REGION_NAME") or "us-east-1"
client = boto3.client(
    "s3",
    endpoint_url="http://localhost:4566",
    region_name=region,
    aws_access_key_id="test",
    aws_secret_access_key="test",  # noqa: S106  (the only key that LocalStack accepts)
)
site = os.environ.get("SITE_URL", "").rstrip("/")
origins = (os.environ.get("AWS_S3_CORS_ORIGINS") or site or "*").split(",")
if "*" not in origins:
    others = [site, *os.environ.get("API_ORIGINS", "").split(",")]
    origins += [origin.strip().rstrip("/") for origin in others if origin.strip()]
for change in configure(
    client,
    os.environ["AWS_STORAGE_BUCKET_NAME"],
    region=region,
    origins=list(dict.fromkeys(origin.strip() for origin in origins)),
    prefixes=PREFIXES,
):
    print(change)
