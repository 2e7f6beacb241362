"""The calls of a usual upload without botocore, which takes several times the processor time for each.

Each call is tried once. If it does not plainly succeed, the answer is None, and botocore asks again: it knows the
errors of S3, the proxies of a network, and when to try once more.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from html import unescape
from time import monotonic
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import urllib3
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import get_cert_path
from botocore.session import get_session
from botocore.utils import get_environ_proxies

from ..many import AT_ONCE
from ..protocol import Beginning, Part, StorageError
from .answers import quoted
from .client import CONNECT_SECONDS, USUAL, Patience
from .presign import S3Signer

# How long a URL of ours is valid: the longest call, and clocks that differ.
LIFETIME = timedelta(minutes=5)
# Seconds after which botocore is not asked any more, because its own attempts would end too late for the caller.
SOON = 0.5


class Direct:
    """Asks S3 by presigned URLs over kept connections, which the threads of a process share.

    Raises:
        ReadTimeoutError: botocore's own, which would wait as long again.
        StorageError: the call failed, and too late to try it again.
    """

    def __init__(self, address: str, signer: S3Signer):
        self._signer = signer
        self._pool: urllib3.HTTPConnectionPool | None = None
        if not get_environ_proxies(address):
            url = urlsplit(address)
            trusted = get_session().get_config_variable("ca_bundle") or get_cert_path(True)
            more = {"cert_reqs": "CERT_REQUIRED", "ca_certs": trusted} if url.scheme == "https" else {}
            self._pool = urllib3.connection_from_url(f"{url.scheme}://{url.netloc}", maxsize=AT_ONCE, **more)

    def open_transfer(self, key: str, content_type: str) -> str | None:
        """The id of a new transfer."""
        url = self._signer.call_url("POST", key, {"uploads": ""}, lifetime=LIFETIME)
        answer = self._ask("POST", url, b"", {"Content-Type": content_type})
        found = answer and re.search(rb"<UploadId>([^<]+)</UploadId>", answer.data)
        return unescape(found[1].decode()) if found else None

    def write_part(self, key: str, transfer_id: str, number: int, content: bytes | memoryview) -> str | None:
        """The ETag of a part that S3 has taken."""
        url = self._signer.part_url(key, transfer_id, number, len(content), lifetime=LIFETIME)
        answer = self._ask("PUT", url, content, {})
        return answer.headers.get("ETag") if answer else None

    def complete_transfer(self, key: str, transfer_id: str, parts: Iterable[Part], patience: Patience) -> bool | None:
        """True if S3 has joined the parts, in the order that they have."""
        listed = "".join(
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>{escape(quoted(part.etag))}</ETag></Part>"
            for part in parts
        )
        body = f'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{listed}</CompleteMultipartUpload>'
        url = self._signer.call_url("POST", key, {"uploadId": transfer_id}, lifetime=LIFETIME)
        answer = self._ask("POST", url, body.encode(), {"Content-Type": "application/xml"}, patience)
        # The status is 200 before S3 knows how it ends.
        return True if answer and b"<CompleteMultipartUploadResult" in answer.data else None

    def beginning(self, key: str, count: int) -> Beginning | None:
        """The first bytes of an object and its size, if S3 sends this very range."""
        url = self._signer.call_url("GET", key, {"x-id": "GetObject"}, lifetime=LIFETIME)
        answer = self._ask("GET", url, None, {"Range": f"bytes=0-{count - 1}"}, whole=False)
        if answer is None:
            return None
        stated = re.fullmatch(r"bytes 0-(\d+)/(\d+)", answer.headers.get("Content-Range", ""))
        if not stated or int(stated[1]) >= count:
            answer.close()  # a server without ranges sends all of it
            return None
        content = answer.read()
        answer.release_conn()
        return Beginning(content, int(stated[2])) if len(content) == int(stated[1]) + 1 else None

    def _ask(
        self,
        method: str,
        url: str,
        body: bytes | memoryview | None,
        headers: dict[str, str],
        patience: Patience = USUAL,
        *,
        whole: bool = True,
    ) -> urllib3.BaseHTTPResponse | None:
        """The answer, if its status is a success; `whole` reads it to its end."""
        if self._pool is None:
            return None
        began = monotonic()
        try:
            answer = self._pool.urlopen(
                method,
                url.removeprefix(self._signer.origin),
                body=body,  # type: ignore[arg-type]  # urllib3 takes a view as well
                headers=headers,
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=patience.read),
                preload_content=whole,
                decode_content=False,
            )
        except urllib3.exceptions.ReadTimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self._signer.origin, error=error) from error
        except urllib3.exceptions.HTTPError as error:
            if monotonic() - began > SOON:
                raise StorageError(str(error)) from error
            return None
        if 200 <= answer.status < 300:
            return answer
        answer.close()
        if monotonic() - began > SOON:
            raise StorageError(f"storage answers {answer.status}")
        return None
