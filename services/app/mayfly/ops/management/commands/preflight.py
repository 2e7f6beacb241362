"""`manage.py preflight`: find, before a release, settings with which the app would not work."""

import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, cast

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ....storage.default import uploads_storage
from ....storage.headers import OCTETS
from ....storage.keys import upload_key
from ....storage.protocol import StorageError
from ....storage.s3.storage import S3UploadStorage

CONTENT = b"preflight"
# Two clocks may differ by this. S3 refuses signatures that are 15 minutes off, and a download URL is valid for one.
MOST_SECONDS = 60


class Command(BaseCommand):
    help = "Run Django's deployment check, prepare storage, and send a part as a browser would."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--origin", required=True, help="of the pages, as the address bar shows it")

    def handle(self, *, origin: str, **options: Any) -> None:
        call_command("check", deploy=True, fail_level="WARNING", stdout=self.stdout)
        if not settings.USE_S3:
            raise CommandError("USE_S3 is not True: dynos share no disk, and lose theirs at every restart")
        try:
            for change in uploads_storage.prepare():
                self.stdout.write(change)
            self.rehearse(origin)
        except StorageError as error:
            raise CommandError(f"storage: {error}") from error
        self.stdout.write(f"A page of {origin} can send to the bucket.")

    def rehearse(self, origin: str) -> None:
        """Send one part as every upload does, from signing to storage, and remove it again."""
        key = upload_key(f"preflight-{secrets.token_hex(8)}")
        transfer = uploads_storage.open_transfer(key, content_type=OCTETS)
        try:
            part = uploads_storage.sign_part(key, transfer, 1, len(CONTENT), lifetime=timedelta(minutes=1))
            asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
            _, headers = ask("OPTIONS", part.url, {"Origin": origin} | asked)
            if headers.get("Access-Control-Allow-Origin") not in (origin, "*"):
                raise CommandError(
                    f"the bucket takes nothing from pages of {origin}: add that to AWS_S3_CORS_ORIGINS, which is"
                    f" {','.join(cast(S3UploadStorage, uploads_storage).cors_origins)}"
                )
            status, headers = ask("PUT", part.url, {"Origin": origin}, CONTENT)
            if status != 200:
                raise CommandError(f"the bucket answers {status} to a signed part: look at the key, region and address")
            if "etag" not in headers.get("Access-Control-Expose-Headers", "").lower():
                raise CommandError("the bucket does not show ETag to pages, so that none could tell what has arrived")
            apart = abs(parsedate_to_datetime(headers["Date"]).timestamp() - time.time())
            if apart > MOST_SECONDS:
                raise CommandError(f"this machine's clock and storage's are {apart:.0f} s apart")
        finally:
            uploads_storage.abort_transfers(key)


def ask(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, Message]:
    """Status and headers of the answer, whatever its status. Raises StorageError without an answer."""
    request = urllib.request.Request(url, method=method, headers=headers, data=body)  # noqa: S310  (signed by us)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers
    except OSError as error:
        raise StorageError(
            f"{urllib.parse.urlsplit(url).netloc} does not answer a browser's request: {error}"
        ) from error
