"""These tests ask thousands of times."""

import pytest
from whitenoise.middleware import WhiteNoiseMiddleware


@pytest.fixture(scope="session", autouse=True)
def static_files_are_looked_over_once(prepared) -> None:
    """Each Client has middleware of its own, and WhiteNoise's takes 25 ms to look over all static files."""
    known, look_over = {}, WhiteNoiseMiddleware.add_files

    def add_files(self, root, prefix=None) -> None:
        if (root, prefix) not in known:
            look_over(self, root, prefix)
            known[root, prefix] = dict(self.files)
        self.files.update(known[root, prefix])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files", add_files)
        yield
