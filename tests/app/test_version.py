"""The version is written in one place, and the changelog describes it."""

import re
from pathlib import Path

from mayfly import __version__

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def test_the_changelog_begins_with_the_current_version():
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", CHANGELOG.read_text(), re.MULTILINE)
    assert released[0] == __version__
