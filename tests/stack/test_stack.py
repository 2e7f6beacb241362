"""The stack itself: hardened containers, health, queues, the bucket's own rules."""

import json
import os
import re
import subprocess
import time

import httpx
import kombu
import pytest

from .conftest import BUCKET, URL, compose, until

SERVICES = {"nginx", "web", "worker", "beat", "flower", "postgres", "redis", "localstack"}


def inspect(service: str) -> dict:
    container = compose("ps", "--all", "--quiet", service).strip()
    return json.loads(subprocess.run(["docker", "inspect", container], check=True, capture_output=True).stdout)[0]


def test_every_service_is_there_and_healthy():
    listed = [json.loads(line) for line in compose("ps", "--format", "json").splitlines()]
    assert {service["Service"] for service in listed} == SERVICES
    assert {service["Health"] for service in listed} == {"healthy"}


def test_the_release_step_ended_well():
    state = inspect("release")["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)


@pytest.mark.parametrize("service", sorted(SERVICES | {"release"}))
def test_a_container_can_write_nowhere_and_has_no_privilege(service):
    host = inspect(service)["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert not host["Privileged"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_port_is_open_on_this_machine_alone(service):
    bindings = inspect(service)["HostConfig"]["PortBindings"] or {}
    assert {binding["HostIp"] for ports in bindings.values() for binding in ports} <= {"127.0.0.1"}


@pytest.mark.parametrize("service", ["web", "worker", "beat", "flower", "nginx", "postgres", "redis"])
def test_a_process_is_not_root(service):
    assert compose("exec", "-T", service, "id", "-u").strip() != "0"


def test_web_and_worker_share_every_layer():
    web, worker = (
        json.loads(
            subprocess.run(
                ["docker", "image", "inspect", inspect(name)["Image"]], check=True, capture_output=True
            ).stdout
        )[0]["RootFS"]["Layers"]
        for name in ("web", "worker")
    )
    assert web == worker


def test_ready_tells_that_everything_answers():
    until(lambda: httpx.get(f"{URL}/health/ready").status_code == 200, seconds=30)
    assert httpx.get(f"{URL}/health/ready").json() == {
        "status": "ok",
        "checks": {"database": "ok", "storage": "ok", "redis": "ok", "beat": "ok", "sweep": "ok"},
    }


def test_a_request_id_is_kept_or_made_and_logged():
    made = "test-" + os.urandom(8).hex()
    httpx.get(f"{URL}/images/", headers={"X-Request-Id": made})
    until(lambda: f"id={made}" in compose("logs", "--no-color", "web"), seconds=10)


def test_logs_hold_no_token_and_no_name(visitor):
    name = "private-" + os.urandom(8).hex()
    upload = visitor.upload(b"hello", name=name)
    httpx.put(f"{URL}/{name}", content=b"hello")
    httpx.get(upload["download"])
    time.sleep(1)
    logs = compose("logs", "--no-color", "web", "nginx", "worker")
    assert name not in logs
    assert upload["id"] not in logs
    assert "X-Amz-Signature" not in logs


def test_flower_wants_a_password_and_sees_both_workers():
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
        until(lambda: 20 < channel.client.llen("previews") < 40, seconds=30)  # the backlog is being worked on
        upload = visitor.upload(b"hello", lifetime=1)
        assert until(lambda: not bucket.has(upload), seconds=15) < 15
        assert channel.client.llen("previews") > 20
        channel.client.delete("previews")


def test_the_bucket_is_closed_and_has_its_own_last_net(bucket):
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
def test_only_pages_of_ours_may_send_to_the_bucket(visitor, origin, allowed):
    [part] = visitor.sign(visitor.begin(b"hello"), 1)
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    answer = httpx.options(part["url"], headers=headers)
    assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed


def test_localstack_restarted_has_its_bucket_again(visitor, bucket):
    compose("restart", "--timeout", "5", "localstack")
    until(lambda: inspect("localstack")["State"]["Health"]["Status"] == "healthy", seconds=60)
    assert bucket.client.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    upload = visitor.upload(b"hello")
    assert httpx.get(upload["download"], follow_redirects=True).content == b"hello"


def test_releases_again_and_twice_at_once_have_nothing_to_do():
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


def test_an_image_holds_no_test_and_no_secret():
    image = inspect("web")["Image"]
    files = subprocess.run(
        ["docker", "run", "--rm", image, "find", "/mayfly"], check=True, capture_output=True, text=True
    ).stdout
    assert "/mayfly/app/manage.py" in files
    assert not re.search(r"test_|conftest|\.env|/data/|\.sqlite3", files)


def test_metrics_are_not_reachable_from_outside():
    assert httpx.get(f"{URL}/metrics").status_code == 404


def test_a_large_form_is_flat_in_memory(visitor):
    """90 MB through a container that may have 512: twice at once it would not fit if it were held."""
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
