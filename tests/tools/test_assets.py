"""bin/assets: the browser bundle is built from its sources, once."""

import pytest

from .conftest import Checkout

BUNDLE = "services/app/mayfly/pages/static/mayfly/bundle"


@pytest.fixture
def sources(installed: Checkout) -> Checkout:
    for name in (".npmrc", "build.js", "package.json", "package-lock.json", "src/main.js", "src/page/index.js"):
        installed.write(f"services/assets/{name}", f"// {name}\n")
    (installed.folder / BUNDLE).parent.mkdir(parents=True)
    installed.fake(
        "npm",
        {
            "ci *": 'mkdir -p node_modules; exit "${CI_STATUS:-0}"',
            "run --silent lint": "echo linted; exit 1",
            "run --silent types": "echo checked",
            "run *": '[ -z "${BUILD_STATUS:-}" ] || exit 1; mkdir "$OUT"; cat src/main.js >"$OUT/upload.js"',
        },
    )
    return installed


def test_the_bundle_is_built_with_locked_packages_and_only_once(sources):
    assert sources.run("assets").stdout == "Installing assets.txt into .venv\nBuilding the browser bundle\n"
    assert (sources.folder / BUNDLE / "upload.js").read_text() == "// src/main.js\n"
    assert sources.calls("npm") == ["npm ci --silent", "npm run --silent build"]
    assert sources.run("assets").stdout == ""
    assert len(sources.calls("npm")) == 2


def test_a_changed_source_is_built_with_the_same_packages(sources):
    sources.run("assets")
    (sources.folder / BUNDLE / "old.js").touch()
    sources.write("services/assets/src/main.js", "// changed\n")
    assert sources.run("assets").stdout == "Building the browser bundle\n"
    assert (sources.folder / BUNDLE / "upload.js").read_text() == "// changed\n"
    assert not (sources.folder / BUNDLE / "old.js").exists()
    assert sources.calls("npm") == ["npm ci --silent", *["npm run --silent build"] * 2]


def test_changed_packages_are_fetched_again(sources):
    sources.run("assets")
    sources.write("services/assets/package-lock.json", "{}")
    sources.run("assets")
    assert sources.calls("npm") == ["npm ci --silent", "npm run --silent build"] * 2


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ("CI_STATUS", "The packages of services/assets could not be installed"),
        ("BUILD_STATUS", "The browser bundle could not be built"),
    ],
)
def test_a_failed_build_says_so_keeps_the_old_bundle_and_is_tried_again(sources, step, what):
    sources.run("assets")
    sources.write("services/assets/package.json", "// changed\n")
    said = sources.refuses("assets", **{step: "1"})
    assert f"{what}; above is what npm said." in said
    assert (sources.folder / BUNDLE / "upload.js").exists()
    assert "Building the browser bundle" in sources.run("assets").stdout


def test_two_at_once_build_once(sources):
    both = [sources.start("assets") for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert sources.calls("npm") == ["npm ci --silent", "npm run --silent build"]
    for process in both:
        process.communicate()


def test_scripts_run_with_the_packages_and_without_a_build(sources):
    assert sources.run("assets", "types").stdout == "Installing assets.txt into .venv\nchecked\n"
    assert sources.calls("npm") == ["npm ci --silent", "npm run --silent types"]


def test_a_failed_script_lets_the_next_one_run_and_fails_at_the_end(sources):
    sources.refuses("assets", "lint", "types")
    assert sources.calls("npm") == ["npm ci --silent", "npm run --silent lint", "npm run --silent types"]
