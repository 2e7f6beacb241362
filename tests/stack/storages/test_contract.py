"""The promises of every storage, kept on servers that others have written."""

import os
import subprocess
import sys
from xml.etree import ElementTree

from tools.paths import ROOT

from .servers import BUCKET, KEY, SECRET

MODULES = ("contract_of_listings", "contract_of_objects", "contract_of_transfers", "signatures")


def test_the_contract_holds_but_for_what_does_no_harm(place, step, tmp_path):
    """The tests of tests/app/storage in a pytest of their own, since they need Django's settings."""
    results = tmp_path / "results.xml"
    files = [f"tests/app/storage/test_{name}.py" for name in MODULES]
    options = ["-q", "-k", "not local", "-p", "no:cacheprovider", f"--junitxml={results}", "--tb=short"]
    server = {
        "SECRET_KEY": "of-the-tests-alone",
        "AWS_S3_ENDPOINT_URL": place.address,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_STORAGE_BUCKET_NAME": BUCKET,
        "AWS_S3_CORS_ORIGINS": place.url,
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *files, *options],
        cwd=ROOT,
        env=os.environ | server,
        capture_output=True,
        text=True,
    )
    assert results.exists(), done.stdout + done.stderr
    cases = ElementTree.parse(results).getroot().findall(".//testcase")  # noqa: S314  # our own pytest wrote it
    failed = {case.get("name") for case in cases if case.find("failure") is not None or case.find("error") is not None}
    step("contract", f"{len(cases) - len(failed)} of {len(cases)} tests")
    assert failed - place.server.at_times.keys() == place.server.differs.keys(), done.stdout
    assert len(cases) > 60
