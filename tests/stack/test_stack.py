"""The stack itself: hardened containers, health, queues, and the rules of the bucket."""

import json
import os
import re
import subprocess

import httpx
import kombu
import pytest

from .conftest import BUCKET, URL, compose, docker_inspect, inspect, until

SERVICES = {"nginx", "web", "worker", "beat", "flower", "postgres", "redis", "localstack"}


def image_of(service: str) -> dict:
    """Docker's description of a service's image."""
    return docker_inspect("image", "inspect", inspect(service)["Image"])


def test_every_service_is_healthy():
    listed = [json.loads(line) for line in compose("ps", "--format", "json").splitlines()]
    assert {service["Service"] for service in listed} == SERVICES
    assert {service["Health"] for service in listed} == {"healthy"}


def test_the_release_step_has_succeeded():
    state = inspect("release")["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)


@pytest.mark.parametrize("service", sorted(SERVICES | {"release"}))
def test_a_container_has_a_read_only_root_and_no_privilege(service):
    host = inspect(service)["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert not host["Privileged"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_port_listens_on_this_machine_only(service):
    bindings = inspect(service)["HostConfig"]["PortBindings"] or {}
    assert {binding["HostIp"] for ports in bindings.values() for binding in ports} <= {"127.0.0.1"}


@pytest.mark.parametrize("service", ["web", "worker", "beat", "flower", "nginx", "postgres", "redis"])
def test_no_process_runs_as_root(service):
    assert compose("exec", "-T", service, "id", "-u").strip() != "0"


def test_web_and_worker_share_every_layer():
    assert image_of("web")["RootFS"]["Layers"] == image_of("worker")["RootFS"]["Layers"]


def test_ready_reports_every_check_as_ok():
    until(lambda: httpx.get(f"{URL}/health/ready").status_code == 200, seconds=30)
    answer = httpx.get(f"{URL}/health/ready").json()
    assert answer["status"] == "ok"
    assert answer["checks"] == dict.fromkeys(("database", "storage", "redis", "beat", "sweep", "removal"), "ok")


@pytest.mark.parametrize("service", ["web", "worker", "beat", "flower", "release"])
def test_the_label_of_an_image_and_ready_name_the_same_version(service):
    labels = image_of(service)["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == httpx.get(f"{URL}/health/ready").json()["version"]
    assert labels["org.opencontainers.image.title"] == "Mayfly"
    assert labels["org.opencontainers.image.licenses"] == "MIT"


def test_web_logs_the_request_id_of_the_caller():
    made = "test-" + os.urandom(8).hex()
    httpx.get(f"{URL}/images/", headers={"X-Request-Id": made})
    until(lambda: f"id={made}" in compose("logs", "--no-color", "web"), seconds=10)


def test_no_header_of_a_client_changes_the_path_of_a_request():
    """nginx drops these names; other routers may not, so ask web itself."""
    for header in ("SCRIPT_NAME: /images", "PATH_INFO: /files/"):
        answer = compose("exec", "-T", "web", "curl", "-sS", "-H", header, "http://127.0.0.1:8000/health/live")
        assert json.loads(answer) == {"status": "ok"}


def test_flower_asks_for_a_password_and_shows_both_workers():
    flower = os.environ["FLOWER_URL"]
    assert httpx.get(f"{flower}/").status_code == 401
    user, _, password = os.environ["FLOWER_BASIC_AUTH"].partition(":")
    until(
        lambda: all(
            name in httpx.get(f"{flower}/workers", auth=(user, password)).text for name in ("removal@", "previews@")
        ),
        seconds=30,
    )


def test_a_backlog_of_previews_delays_no_removal(visitor, bucket):
    with kombu.Connection(f"{os.environ['BROKER']}/0") as connection:
        producer = connection.Producer(serializer="json")
        for number in range(40):
            producer.publish(
                [[], {"seconds": 5}, {}],
                routing_key="previews",
                exchange="previews",
                headers={"id": f"slow-{number}", "task": "slow.hold", "lang": "py"},
                correlation_id=f"slow-{number}",
                declare=[kombu.Queue("previews", kombu.Exchange("previews"), routing_key="previews")],
            )
        channel = connection.channel()
        until(lambda: 20 < channel.client.llen("previews") < 40, seconds=30)  # the worker has begun
        upload = visitor.upload(b"hello", lifetime=1)
        assert until(lambda: not bucket.has(upload), seconds=15) < 15
        assert channel.client.llen("previews") > 20
        channel.client.delete("previews")


def test_the_bucket_is_private_and_expires_objects_by_itself(bucket):
    client = bucket.client
    blocked = client.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert all(blocked.values())
    assert len(blocked) == 4
    rules = client.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert {rule.get("Expiration", {}).get("Days") for rule in rules} - {None} == {1}
    assert any(rule.get("AbortIncompleteMultipartUpload") == {"DaysAfterInitiation": 1} for rule in rules)
    cors = client.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    assert all("ETag" in rule["ExposeHeaders"] for rule in cors)


@pytest.mark.parametrize(("origin", "allowed"), [(URL, True), ("https://evil.example", False)])
def test_only_our_pages_may_send_to_the_bucket(visitor, origin, allowed):
    [part] = visitor.sign(visitor.begin(b"hello"), 1)
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    answer = httpx.options(part["url"], headers=headers)
    assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed


def test_a_restarted_localstack_makes_its_bucket_again(visitor, bucket):
    compose("restart", "--timeout", "5", "localstack")
    until(lambda: inspect("localstack")["State"]["Health"]["Status"] == "healthy", seconds=60)
    assert bucket.client.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    upload = visitor.upload(b"hello")
    assert httpx.get(upload["download"], follow_redirects=True).content == b"hello"


def test_two_further_releases_at_once_have_nothing_to_do():
    command = ["docker", "compose", "--env-file", os.environ["ENV_FILE"], "run", "--rm", "-T", "--no-deps", "release"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for run in runs:
        out, _ = run.communicate(timeout=120)
        assert run.returncode == 0
        assert "database: nothing to do" in out
        assert "storage: nothing to do" in out


def test_an_image_runs_as_any_user_on_a_read_only_root():
    image = inspect("web")["Image"]
    command = "python manage.py check && curl --version >/dev/null && touch /tmp/x && ! touch /mayfly/x 2>/dev/null"
    hardened = ["--user", "12345:12345", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]
    answer = subprocess.run(
        ["docker", "run", "--rm", *hardened, "--env", "SECRET_KEY=x", image, "sh", "-c", command],
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    assert "no issues" in answer.stdout


def test_an_image_contains_no_test_and_no_secret():
    image = inspect("web")["Image"]
    files = subprocess.run(
        ["docker", "run", "--rm", image, "find", "/mayfly"], check=True, capture_output=True, text=True
    ).stdout
    assert "/mayfly/app/manage.py" in files
    assert not re.search(r"test_|conftest|\.env|/data/|\.sqlite3", files)


def test_metrics_are_not_reachable_through_nginx():
    assert httpx.get(f"{URL}/metrics").status_code == 404


def test_web_streams_a_large_form_in_little_memory(visitor):
    """A container of 512 MB could not hold two such forms of 90 MB in memory."""
    size = 90_000_000
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', visitor.browser.get("/files/").text)[1]
    response = visitor.browser.post(
        "/files/",
        data={"csrfmiddlewaretoken": token},
        files={"file": ("large.bin", bytes(size))},
        headers={"Origin": URL},
        timeout=120,
    )
    assert response.status_code == 303
    statuses = compose("exec", "-T", "web", "sh", "-c", "cat /proc/[0-9]*/status")
    assert max(int(kilobytes) for kilobytes in re.findall(r"VmHWM:\s+(\d+) kB", statuses)) < 200_000
