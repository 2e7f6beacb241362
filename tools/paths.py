"""Where things are in this checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENV = ROOT / ".env"
ENV_DESCRIBED = ROOT / ".env.var"
SERVICES = ROOT / "services"
APP = SERVICES / "app"
ASSETS = SERVICES / "assets"
REQUIREMENTS = SERVICES / "requirements"
VENV = ROOT / ".venv"
VENV_BIN = VENV / "bin"
VENV_PYTHON = VENV_BIN / "python"
RUN = ROOT / ".run"  # everything that `make run` keeps, and the log of `make up`


def shown(file: Path) -> str:
    """The path as people see it: relative to the checkout, if it is inside."""
    return str(file.relative_to(ROOT) if file.is_relative_to(ROOT) else file)
