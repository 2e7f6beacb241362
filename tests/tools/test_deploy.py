"""`make deploy` before it reaches Heroku. tests/stack/dyno/test_deploy.py has the whole way."""

import json

import pytest

from .conftest import Checkout

COMPLETE = dict.fromkeys(
    ("PROD_SETTINGS", "ALLOWED_HOSTS", "USE_S3", "DATABASE_URL", "REDIS_URL", "SECRET_KEY"), "x"
) | dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_STORAGE_BUCKET_NAME"), "x")
NEEDED = {"SECRET_KEY": {"description": "Signs cookies and boxes."}, "AWS_ACCESS_KEY_ID": {"description": "A key."}}


@pytest.fixture
def heroku(checkout: Checkout) -> Checkout:
    """The checkout with fakes of docker and heroku. `describe` sets the properties of the app."""
    checkout.write("app.json", json.dumps({"env": NEEDED}))
    checkout.environment["APP"] = "drop"
    checkout.fake("docker", {"run *": "exit 1"})
    describe(checkout)
    return checkout


def describe(checkout: Checkout, *, stack: str = "container", config: dict[str, str] = COMPLETE) -> None:
    checkout.write("info", json.dumps({"app": {"stack": {"name": stack}, "web_url": "https://drop.example/"}}))
    checkout.write("config", json.dumps(config))
    checkout.fake("heroku", {"apps:info *": "cat info", "config *": "cat config"})


def test_deploy_requires_the_name_of_an_app(heroku):
    assert "Which app? make deploy APP=name" in heroku.refuses("deploy", APP="")


def test_a_missing_program_is_named(checkout):
    said = checkout.refuses("deploy", APP="drop", PATH=str(checkout.commands))
    assert "docker is not installed; docs/heroku.md says what is needed." in said


def test_an_app_on_another_stack_gets_the_command_that_changes_it(heroku):
    describe(heroku, stack="heroku-24")
    assert "Run `heroku stack:set container --app drop` and try again." in heroku.refuses("deploy")


def test_missing_variables_are_named_before_anything_is_built(heroku):
    describe(
        heroku, config={name: value for name, value in COMPLETE.items() if name not in ("SECRET_KEY", "REDIS_URL")}
    )
    said = heroku.refuses("deploy")
    assert "SECRET_KEY: Signs cookies and boxes." in said
    assert "drop lacks SECRET_KEY, REDIS_URL. Set them: heroku config:set --app drop" in said
    assert not heroku.calls("docker")


def test_a_command_of_heroku_that_fails_shows_its_words(heroku):
    heroku.fake("heroku", {"apps:info *": "echo 'Invalid credentials' >&2; exit 1"})
    assert "`heroku apps:info --app drop --json` failed:\nInvalid credentials" in heroku.refuses("deploy")


def test_nothing_is_pushed_if_the_check_of_the_settings_fails(heroku):
    assert "`docker` failed; above is what it said. Nothing after it was done." in heroku.refuses("deploy")
    assert "preflight --origin https://drop.example" in heroku.calls("docker")[-1]
    assert not [call for call in heroku.calls() if "push=true" in call or "container:release" in call]


def test_a_dry_run_shows_every_step_and_takes_none(heroku):
    done = heroku.run("deploy", DRY_RUN="1")
    assert done.returncode == 0, done.stdout
    for step in ("apps:info", "buildx build", "preflight", "push=true", "container:release web worker release"):
        assert step in done.stdout
    assert heroku.calls() == []
