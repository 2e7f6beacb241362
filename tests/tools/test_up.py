"""`make up` names every obstacle in a sentence, before or after it asks Docker."""

import json

import pytest

from tools import up

from .conftest import Checkout, answering, listening


class Stack:
    """The checkout with a fake Docker, whose answers are `answers` and `containers`."""

    def __init__(self, checkout: Checkout):
        self.checkout = checkout
        self.answers = {
            "version *": "echo 28.2.2",
            "compose version *": "echo 2.40.1",
            "compose ps *": f"cat {checkout.folder}/containers",
            "compose logs *": 'echo "the last words of $7"',
            "volume inspect *": "exit 1",
        }
        self.containers: list[dict] = []

    def prepare(self) -> None:
        self.checkout.write("containers", "".join(f"{json.dumps(container)}\n" for container in self.containers))
        self.checkout.fake("docker", self.answers)

    def up(self, *arguments: str, **variables: str):
        self.prepare()
        return self.checkout.run("up", *arguments, **variables)

    def refuses(self, **variables: str) -> str:
        self.prepare()
        return self.checkout.refuses("up", **variables)

    @property
    def log(self) -> str:
        return (self.checkout.folder / ".run" / "up.log").read_text()

    def has(self, service: str, *, state: str = "running", health: str = "", code: int = 0, port: int = 0) -> None:
        publishers = [{"PublishedPort": port}] if port else None
        container = {
            "ID": f"{service}-1",
            "Service": service,
            "State": state,
            "Health": health,
            "ExitCode": code,
            "Publishers": publishers,
        }
        self.containers.append(container | {"Status": f"{state} ({code})"})


@pytest.fixture
def stack(checkout: Checkout, port: int) -> Stack:
    checkout.write(".env", "SITE=mine\n")
    checkout.environment |= dict.fromkeys(up.PORTS, str(port))
    return Stack(checkout)


def test_up_without_docker_names_both_ways_out(checkout):
    said = checkout.refuses("up", PATH=str(checkout.commands))
    assert "Docker is not installed. Install it (https://docs.docker.com/get-docker/), or use `make run`" in said
    assert not checkout.env.exists()


def test_podman_in_dockers_place_is_named(stack):
    """Its version is lower than any of Docker's that would do, which would be the wrong reason."""
    stack.answers = {"--version": "echo podman version 5.4.2"} | stack.answers
    said = stack.refuses()
    assert "`docker` is Podman on this machine" in said
    assert "make run" in said


def test_up_asks_to_start_a_silent_engine(stack):
    stack.answers["version *"] = "echo 'Cannot connect to the Docker daemon' >&2; exit 1"
    said = stack.refuses()
    assert "Docker does not answer. Start it (Docker Desktop, or `sudo systemctl start docker`)" in said
    assert "It said: Cannot connect to the Docker daemon" in said


def test_a_socket_without_permission_names_the_group(stack):
    stack.answers["version *"] = "echo 'permission denied while trying to connect' >&2; exit 1"
    assert "Add yourself to its group (`sudo usermod -aG docker $USER`)" in stack.refuses()


def test_an_old_engine_is_named_with_the_version_that_is_needed(stack):
    stack.answers["version *"] = "echo 24.0.7"
    assert "Docker 24.0.7 is too old: Mayfly needs 25 or later." in stack.refuses()


@pytest.mark.parametrize(
    "answer",
    ["echo 2.25.0", "echo v2.24.7-desktop.1", "echo 1.29.2", "echo \"'compose' is not a docker command\" >&2; exit 1"],
)
def test_a_missing_or_old_compose_plugin_is_named(stack, answer):
    stack.answers["compose version *"] = answer
    assert "Docker's Compose plugin is missing or older than 2.26. Install it" in stack.refuses()
    assert not stack.checkout.calls("docker compose build")


def test_a_first_run_writes_env(stack):
    stack.checkout.env.unlink()
    stack.answers["compose up *"] = "exit 1"
    assert "Wrote .env with secrets of its own" in stack.up().stdout
    assert stack.checkout.variables()["SECRET_KEY"]


@pytest.mark.parametrize("port", ["80800", "0", "http", "8080x", "٣"])
def test_an_invalid_port_is_named_with_its_variable(stack, port):
    said = stack.refuses(HTTP_PORT=port)
    assert f"HTTP_PORT in .env is '{port}', and has to be a number from 1 to 65535." in said
    assert not stack.checkout.calls("docker compose up")


def test_a_taken_port_is_named_with_every_variable_to_change(stack):
    with listening() as taken:
        with stack.checkout.env.open("a") as file:
            file.write(f"AWS_S3_PUBLIC_ENDPOINT_URL=http://localhost:{taken}\n")
        said = stack.refuses(S3_PORT=str(taken))
    assert f"Port {taken} is taken by another program. End that, or put another port into S3_PORT in .env, " in said
    assert "and the same into AWS_S3_PUBLIC_ENDPOINT_URL, and run `make up` once more." in said
    assert not stack.checkout.calls("docker compose up")


def test_a_port_held_by_the_stack_itself_is_no_obstacle(stack):
    with answering(200) as port:
        stack.has("nginx", port=port)
        assert stack.up(HTTP_PORT=str(port)).returncode == 0


def test_a_port_in_env_counts_unless_the_shell_has_another(stack):
    stack.checkout.write(".env", "HTTP_PORT=http\n")
    assert "HTTP_PORT in .env is 'ftp'" in stack.refuses(HTTP_PORT="ftp")
    del stack.checkout.environment["HTTP_PORT"]
    assert "HTTP_PORT in .env is 'http'" in stack.refuses()


def test_compose_gets_no_value_of_the_shell_for_a_variable_of_env(stack):
    stack.checkout.write(".env", "SITE=mine\nREDIS_URL=redis://:secret@redis\n")
    stack.answers["compose up *"] = 'echo "redis: ${REDIS_URL:-none}, site: ${OTHER:-none}"'
    with answering(200) as http:
        stack.has("nginx", port=http)
        stack.up(HTTP_PORT=str(http), REDIS_URL="redis://elsewhere", OTHER="kept")
    assert "redis: none, site: kept" in stack.log


def test_a_ready_stack_shows_every_address(stack, port):
    with answering(200) as http:
        stack.has("nginx", port=http)
        stack.has("flower")
        stack.has("localstack")
        done = stack.up(HTTP_PORT=str(http))
    assert done.returncode == 0, done.stdout
    assert f"Mayfly   http://localhost:{http}\n" in done.stdout
    assert f"Flower   http://localhost:{port}   name and password: FLOWER_BASIC_AUTH in .env" in done.stdout
    assert f"S3       http://localhost:{port}\n" in done.stdout
    [call] = stack.checkout.calls("docker compose up")
    assert {"--no-build", "--detach", "--wait"} <= set(call.split())
    assert stack.checkout.calls("docker compose build")


def test_a_server_of_ones_own_shows_its_address_and_no_other(stack):
    with stack.checkout.env.open("a") as file:
        file.write("SITE_URL=https://drop.example.org\n")
    with answering(200) as http:
        stack.has("nginx", port=http)
        done = stack.up(HTTP_PORT=str(http))
    assert "  Mayfly   https://drop.example.org\n" in done.stdout
    assert "Flower" not in done.stdout
    assert "S3" not in done.stdout.split("Mayfly")[1]


def test_each_service_has_one_line_and_docker_speaks_to_the_log(stack):
    stack.answers["compose build"] = "echo the steps of a build"
    stack.answers["compose up *"] = "echo the steps of a start >&2"
    with answering(200) as http:
        stack.has("nginx", port=http, health="healthy")
        stack.has("web", health="healthy")
        stack.has("release", state="exited")
        done = stack.up(HTTP_PORT=str(http))
    lines = [line.split()[:2] for line in done.stdout.splitlines() if line.endswith(" s")]
    assert lines == [["images", "built"], ["nginx", "healthy"], ["web", "healthy"], ["release", "done"]]
    assert "the steps" not in done.stdout
    assert "All output: .run/up.log" in done.stdout
    assert stack.log == "the steps of a build\nthe steps of a start\n"


def test_a_service_has_its_line_as_soon_as_it_is_healthy(stack):
    """Compose ends only once the test has seen that line's container listed."""
    folder = stack.checkout.folder
    stack.answers["compose up *"] = f"mv {folder}/later {folder}/containers; while [ ! -e seen ]; do sleep 0.05; done"
    stack.answers["compose ps *"] = f"cat {folder}/containers; grep -q redis {folder}/containers && touch seen; true"
    with answering(200) as http:
        stack.has("nginx", port=http, health="healthy")
        stack.has("redis", health="healthy")
        stack.prepare()
        (folder / "containers").rename(folder / "later")
        stack.containers.pop()
        done = stack.up(HTTP_PORT=str(http))
    assert done.returncode == 0, done.stdout
    lines = [line.split()[0] for line in done.stdout.splitlines() if line.endswith(" s")]
    assert lines == ["images", "redis", "nginx"]  # nginx was there before, and might have been replaced


def test_a_failed_build_ends_with_the_last_lines_of_its_log(stack):
    stack.answers["compose build"] = "seq 100; echo 'no space left on device'; exit 17"
    said = stack.refuses()
    assert "no space left on device" in said
    assert "\n100\n" in said
    assert "\n50\n" not in said
    assert "An image was not built; above is the end of .run/up.log" in said
    assert not stack.checkout.calls("docker compose up")


def test_a_start_without_containers_ends_with_the_words_of_compose(stack):
    stack.answers["compose up *"] = "echo 'SITE_URL is missing a value' >&2; exit 1"
    said = stack.refuses()
    assert "SITE_URL is missing a value" in said
    assert "The stack did not come up; above is the end of .run/up.log." in said


def test_a_stack_without_flower_does_not_need_its_port(stack):
    with answering(200) as http, listening() as taken:
        stack.has("nginx", port=http)
        assert stack.up(HTTP_PORT=str(http), FLOWER_HTTP_PORT=str(taken), COMPOSE_PROFILES="").returncode == 0


def test_watching_begins_once_the_stack_is_ready(stack):
    stack.answers["compose watch *"] = 'echo "with $COMPOSE_FILE"'
    with answering(200) as http:
        stack.has("nginx", port=http)
        done = stack.up("--watch", HTTP_PORT=str(http))
    assert "with docker-compose.yml:services/watch.yml" in done.stdout
    assert stack.checkout.calls()[-1] == "docker compose watch --no-up"


def test_up_ends_with_the_output_of_failed_containers(stack):
    stack.answers["compose up *"] = "exit 1"
    stack.has("release", state="exited", code=1)
    stack.has("worker", state="restarting")
    stack.has("web", health="unhealthy")
    stack.has("nginx", health="starting")
    stack.has("localstack", state="exited", code=0)
    said = stack.refuses()
    assert "---- release: exited (1)\nthe last words of release" in said
    assert "the last words of worker" in said
    assert "the last words of web" in said
    assert "words of nginx" not in said
    assert "words of localstack" not in said
    assert "The stack did not come up; above is what the ones that failed said last. `make logs` shows all" in said


def test_up_ends_with_the_output_of_slow_containers_if_none_failed(stack):
    stack.answers["compose up *"] = "exit 1"
    stack.has("web", health="starting")
    stack.has("postgres", health="healthy")
    said = stack.refuses()
    assert "the last words of web" in said
    assert "words of postgres" not in said


def test_a_database_older_than_env_is_found_before_anything_is_built(stack):
    stack.checkout.env.unlink()
    stack.answers["volume inspect *"] = "exit 0"
    said = stack.refuses()
    assert "The database keeps the password that it was made with" in said
    assert "Put the old one back into .env" in said
    assert "or begin with an empty database: make down ARGS=--volumes." in said
    assert stack.checkout.calls("docker volume") == ["docker volume inspect mayfly_postgres"]
    assert not stack.checkout.calls("docker compose up")


def test_a_database_of_another_project_is_no_obstacle(checkout):
    stack = Stack(checkout)
    stack.answers |= {
        "volume inspect mayfly_postgres": "exit 0",
        "volume inspect *": "exit 1",
        "compose up *": "exit 1",
    }
    stack.refuses(COMPOSE_PROJECT_NAME="other")
    assert checkout.calls("docker volume") == ["docker volume inspect other_postgres"]
    assert checkout.calls("docker compose up")


def test_a_database_older_than_an_existing_env_is_no_obstacle(stack):
    stack.answers["volume inspect *"] = "exit 0"
    with answering(200) as http:
        stack.has("nginx", port=http)
        assert stack.up(HTTP_PORT=str(http)).returncode == 0


def test_a_password_that_postgres_refuses_leads_to_the_ways_out(stack):
    stack.answers["compose up *"] = "exit 1"
    stack.answers["compose logs *"] = """echo 'FATAL:  password authentication failed for user "mayfly"'"""
    stack.has("release", state="exited", code=1)
    said = stack.refuses()
    assert "---- release: exited (1)" in said
    assert "POSTGRES_PASSWORD in .env is another one. Put the old one back into .env" in said
    assert "make down ARGS=--volumes" in said
    assert "The stack did not come up" not in said


def test_up_names_what_is_missing_after_its_time_limit(monkeypatch, capsys):
    monkeypatch.setattr(up, "READY_SECONDS", 0)
    with answering(503, b'{"beat": "never ran"}') as port:
        assert not up.ready(str(port))
    assert capsys.readouterr().err == '\n/health/ready: {"beat": "never ran"}\n'


def test_a_port_without_an_answer_is_not_ready(monkeypatch, capsys, port):
    monkeypatch.setattr(up, "READY_SECONDS", 0)
    assert not up.ready(str(port))
    assert "Connection refused" in capsys.readouterr().err
