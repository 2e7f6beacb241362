"""Places on disk."""

from pathlib import Path

from . import variables

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# SQLite and the folder storage, for a machine without the services that replace them.
DATA_DIR = Path(variables.text("DATA_DIR", default=str(BASE_DIR / "data")))
