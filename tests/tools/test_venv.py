"""bin/venv: .venv holds what a file of requirements names, and pip is asked only if it does not."""

import sys

import pytest

from tools import venv

from .conftest import Checkout

BASE = "django==5.2 \\\n    --hash=sha256:0\ncolorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:1\n"


@pytest.fixture
def base(installed: Checkout) -> str:
    return str(installed.write("services/requirements/base.txt", BASE))


@pytest.fixture
def larger(installed: Checkout, base: str) -> str:
    return str(installed.write("services/requirements/development.txt", f"{BASE}pytest==9.0\n"))


def test_packages_are_installed_by_hash_and_only_once(installed, base):
    assert installed.run("venv", base).stdout == "Installing base.txt into .venv\n"
    assert installed.run("venv", base).stdout == ""
    [call] = installed.calls("pip")
    assert call.endswith(f"install -qq --no-compile --require-hashes --requirement {base}")


def test_a_smaller_file_has_nothing_to_install_after_a_larger_one(installed, base, larger):
    installed.run("venv", larger)
    assert installed.run("venv", base).stdout == ""
    assert installed.run("venv", larger).stdout == ""
    assert len(installed.calls("pip")) == 1


def test_a_changed_version_is_installed_in_either_direction(installed, base, larger):
    installed.run("venv", larger)
    installed.write("services/requirements/base.txt", BASE.replace("5.2", "5.3"))
    assert "Installing base.txt" in installed.run("venv", base).stdout
    assert "Installing development.txt" in installed.run("venv", larger).stdout


def test_a_changed_version_of_a_package_with_an_extra_is_installed(installed):
    for version in ("5.7", "5.8"):
        file = installed.write("services/requirements/base.txt", f"celery[redis]=={version} \\\n    --hash=sha256:0\n")
        assert installed.run("venv", str(file)).stdout == "Installing base.txt into .venv\n"
    assert len(installed.calls("pip")) == 2


def test_an_unfinished_installation_is_tried_again(installed, base, larger):
    installed.run("venv", base)
    said = installed.refuses("venv", larger, PIP_STATUS="1")
    assert "The packages could not be installed; above is what pip said." in said
    assert "Installing base.txt" in installed.run("venv", base).stdout


def test_two_processes_install_once(installed, base):
    both = [installed.start("venv", base) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(installed.calls("pip")) == 1
    assert "".join(process.communicate()[0] for process in both) == "Installing base.txt into .venv\n"


def test_a_call_without_a_file_shows_the_usage(installed):
    assert "usage: bin/venv FILE" in installed.refuses("venv")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for .venv, and a silent Python that fails as often as `failures` says."""
    monkeypatch.setattr(venv, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(venv, "VENV_PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(venv, "INSTALLED", tmp_path / ".venv" / "installed.txt")
    return tmp_path


def fake_python(folder, monkeypatch, code: str) -> None:
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{code}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


def test_a_system_without_venv_names_the_package(folder, monkeypatch):
    fake_python(folder, monkeypatch, 'mkdir -p "$4"; exit 1')
    with pytest.raises(SystemExit) as end:
        venv.fill(folder / "base.txt")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert f"On Debian and Ubuntu a package is missing: install {version}" in str(end.value)
    assert not venv.VENV.exists()


@pytest.mark.parametrize("before", ["", "exec /removed/python"])
def test_a_venv_is_made_if_none_works(folder, monkeypatch, capsys, before):
    if before:
        venv.VENV_PYTHON.parent.mkdir(parents=True)
        venv.VENV_PYTHON.write_text(f"#!/bin/sh\n{before}\n")
        venv.VENV_PYTHON.chmod(0o755)
    fake_python(folder, monkeypatch, 'mkdir -p "$4/bin"; ln -sf /bin/true "$4/bin/python"')
    (folder / "base.txt").write_text(BASE)
    venv.fill(folder / "base.txt")
    assert capsys.readouterr().out == "Making a virtual environment in .venv\nInstalling base.txt into .venv\n"
    venv.fill(folder / "base.txt")
    assert capsys.readouterr().out == ""
