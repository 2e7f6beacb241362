"""LocalStack runs this once it is ready: the bucket is made and configured by the code that production uses."""

import os
import shutil
import sys
from pathlib import Path

import boto3

# LocalStack executes a hook inside its own process and tells it no place of its own.
sys.path.append("/opt/mayfly")

from bucket import configure  # noqa: E402

# Nothing is known any more of what an earlier life kept here, and nobody else would throw it away.
for left in Path("/tmp/localstack-s3-storage").glob("*"):  # noqa: S108  (LocalStack's own choice)
    shutil.rmtree(left, ignore_errors=True)

region = os.environ.get("AWS_S3_REGION_NAME") or "us-east-1"
client = boto3.client(
    "s3",
    endpoint_url="http://localhost:4566",
    region_name=region,
    aws_access_key_id="test",
    aws_secret_access_key="test",  # noqa: S106  (the one that LocalStack has)
)
origins = (os.environ.get("AWS_S3_CORS_ORIGINS") or "*").split(",")
for change in configure(
    client, os.environ["AWS_STORAGE_BUCKET_NAME"], region=region, origins=[origin.strip() for origin in origins]
):
    print(change)
