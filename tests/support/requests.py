"""Count the requests to S3."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from botocore.endpoint import Endpoint


@contextmanager
def requests_to_s3() -> Iterator[Counter[str]]:
    """The requests within the block, from all threads, by the names that S3 gives them."""
    counted: Counter[str] = Counter()
    make_request = Endpoint.make_request

    def counting(endpoint, operation, request):
        counted[operation.name] += 1
        return make_request(endpoint, operation, request)

    with mock.patch.object(Endpoint, "make_request", counting):
        yield counted
