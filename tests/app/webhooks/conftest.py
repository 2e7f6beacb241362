from collections.abc import Iterator

import pytest

from ...support.endpoints import Endpoint, listening


@pytest.fixture
def endpoint(settings) -> Iterator[Endpoint]:
    """An endpoint on this machine, which the operator has named."""
    with listening() as endpoint:
        settings.WEBHOOK_HOSTS = [f"127.0.0.1:{endpoint.port}"]
        yield endpoint
