"""The labels of the images, which services/Dockerfile states because the classic builder cannot compute them."""

import re
from pathlib import Path

from mayfly import __version__

DOCKERFILE = Path(__file__).resolve().parents[2] / "services/Dockerfile"


def test_the_dockerfile_labels_the_images_with_the_version():
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', DOCKERFILE.read_text()))
    assert labels["version"] == __version__
