"""A client that comes again while web has no room for its body, or for one more complete."""

import random
import time

import httpx


class Patient(httpx.HTTPTransport):
    """Sends a request again while web has no room for it, as `curl --retry` does, but after shorter pauses.

    Web has few places for what takes a while, so that many clients at the same moment do not all find one.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        end = time.monotonic() + 60
        while True:
            response = super().handle_request(request)
            if (
                response.status_code != 503
                or response.headers.get("Retry-After") not in ("2", "5")
                or time.monotonic() > end
            ):
                return response
            response.close()
            time.sleep(random.uniform(0.2, 1))
