"""Servers of S3 that others have written: how each is started, and what it is known to do differently.

Each comes from a package of services/requirements/storages.txt, and keeps its bytes in a folder of the tests.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.ports import free_port, free_ports
from tests.support.waiting import until
from tools.paths import VENV_BIN

KEY, SECRET, BUCKET = "storages", "storages-secret", "mayfly"
PARTS_OF_SEAWEEDFS = ("master", "volume", "filer", "s3")


@dataclass(frozen=True)
class Server:
    """`start` gets a folder, a port and the origin of the pages, and gives the command. The rest is the table's."""

    name: str
    program: str
    start: Callable[[Path, int, str], list[str]]
    # Words of each sentence that release says here.
    by_hand: tuple[str, ...]
    # Words of each warning of /health/ready.
    warnings: tuple[str, ...]
    # Whether it takes a part again. If not, clients see in the list of parts that it is there.
    takes_again: bool = True
    # The status of an answer to a range: curl and wget also take 200, if it says which bytes come.
    range_status: int = 206
    # The tests of the contract that fail here, with the reason why each does no harm.
    differs: dict[str, str] = field(default_factory=dict)
    # The same of tests that fail at times.
    at_times: dict[str, str] = field(default_factory=dict)


def _rclone(folder: Path, port: int, origin: str) -> list[str]:
    # As in services/rclone/start: with --disable-multipart-streaming it keeps whole uploads in memory.
    limits = ["--multipart-streaming-buffer-limit=64Mi", "--multipart-streaming-buffer-total=192Mi"]
    options = ["--auth-key", f"{KEY},{SECRET}", "--allow-origin", origin, *limits]
    return ["serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}", "--config", "", *options]


def _seaweedfs(folder: Path, port: int, origin: str) -> list[str]:
    keys = folder / "keys.json"
    identity = {"name": "mayfly", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
    keys.write_text(json.dumps({"identities": [identity]}))
    # Without a number of its own, a gRPC port is 10,000 above that of HTTP, and may be none.
    named = ["master.port", "volume.port", "filer.port", *(f"{part}.port.grpc" for part in PARTS_OF_SEAWEEDFS)]
    ports = [f"-{name}={number}" for name, number in zip(named, free_ports(len(named)), strict=True)]
    ports += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    volumes = ["-master.volumeSizeLimitMB=64", "-volume.max=50", "-volume.minFreeSpace=1"]
    private = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-s3.iam=false"]
    return ["server", f"-dir={folder}", "-s3", f"-s3.port={port}", f"-s3.config={keys}", *ports, *volumes, *private]


def _juicefs(folder: Path, port: int, origin: str) -> list[str]:
    table = f"sqlite3://{folder}/table.db"
    subprocess.run(
        [VENV_BIN / "juicefs", "format", "--storage", "file", "--bucket", f"{folder}/bytes", table, "mayfly"],
        check=True,
        capture_output=True,
    )
    quiet = ["--no-usage-report", "--no-banner", "--metrics", f"127.0.0.1:{free_port()}", "--log", f"{folder}/log"]
    return ["gateway", "--multi-buckets", "--cache-dir", f"{folder}/cache", *quiet, table, f"127.0.0.1:{port}"]


CLOSED = "cannot close the bucket as a whole"
CORS = "takes no CORS rules from us"
LIFECYCLE = "takes no lifecycle rules from us"
VERSIONS = "does not say whether it keeps versions"
# Mayfly completes only what it has just listed as whole, or wrote itself.
CLOSES = "a completion that lacks a part closes the transfer"
# Mayfly passes on the tag of an only part as its client has it. A client that makes up a tag sends its file again.
CLOSES_ON_TAGS = "a completion with a wrong tag closes the transfer"
# A slice of reconcile that goes on there sees no more of them; the next round begins anew.
NONE_AFTER = "no open transfers are listed after a given key"
# The ids are those of Mayfly's own table.
OF_NO_FORM = "an id of no possible form gets another error"

SERVERS = [
    Server(
        "rclone",
        "rclone",
        _rclone,
        by_hand=(CLOSED, CORS, LIFECYCLE),
        warnings=("lifecycle",),
        takes_again=False,
        range_status=200,
        differs={
            "test_a_completion_with_a_missing_part_leaves_the_transfer_open[s3]": CLOSES,
            "test_a_tag_of_another_content_leaves_the_transfer_open[s3-of-hello]": CLOSES_ON_TAGS,
            "test_a_tag_of_another_content_leaves_the_transfer_open[s3-of-nothing]": CLOSES_ON_TAGS,
            "test_a_part_sent_twice_counts_once_with_its_last_content[s3]": "a part that comes again gets 501",
            "test_an_expired_part_url_is_refused[s3]": "an expired link gets 400 instead of 403",
            "test_an_expired_download_url_is_refused[s3]": "an expired link gets 400 instead of 403",
        },
    ),
    Server(
        "SeaweedFS",
        "weed",
        _seaweedfs,
        by_hand=(CLOSED,),
        warnings=(),
        differs={
            "test_a_completion_with_a_missing_part_leaves_the_transfer_open[s3]": CLOSES,
            "test_an_unknown_transfer_is_not_found[s3-../../objects]": OF_NO_FORM,
            "test_transfers_are_listed_in_the_order_of_keys_from_any_key_on[s3-2]": NONE_AFTER,
            "test_transfers_are_listed_in_the_order_of_keys_from_any_key_on[s3-20000]": NONE_AFTER,
        },
        at_times={
            "test_a_part_sent_twice_counts_once_with_its_last_content[s3]": (
                "of two contents that come within a second either may count; a link takes one length only"
            )
        },
    ),
    Server(
        "JuiceFS",
        "juicefs",
        _juicefs,
        by_hand=(VERSIONS, CLOSED, CORS, LIFECYCLE),
        warnings=("lifecycle",),
        differs={
            "test_a_completion_with_a_missing_part_leaves_the_transfer_open[s3]": CLOSES,
            "test_an_unknown_transfer_is_not_found[s3-../../objects]": OF_NO_FORM,
            "test_a_transfer_is_not_found_under_another_key[s3]": "Mayfly asks for a transfer by the key that it has",
        },
    ),
]


@contextmanager
def running(server: Server, folder: Path, origin: str) -> Iterator[str]:
    """The address of the server, while the block lasts."""
    program = VENV_BIN / server.program
    assert program.exists(), f"{server.name} is not installed: run bin/venv services/requirements/storages.txt"
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {
        "MINIO_ROOT_USER": KEY,
        "MINIO_ROOT_PASSWORD": SECRET,
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
    }
    with process([str(program), *server.start(folder, port, origin)], environment, folder / "output"):
        until(lambda: answers(address), seconds=60, every=0.2)
        yield address


@contextmanager
def process(command: list[str], environment: dict[str, str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process, while the block lasts. A failure shows the end of its output."""
    with ExitStack() as at_end:
        out = at_end.enter_context(output.open("wb"))
        started = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=output.parent)
        try:
            yield started
        except BaseException:
            print(output.read_text(errors="replace")[-4000:])
            raise
        finally:
            started.terminate()
            try:
                started.wait(20)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def answers(url: str) -> bool:
    """Whether a server is there, and no longer starting."""
    try:
        return httpx.get(url).status_code < 500
    except httpx.TransportError:
        return False
