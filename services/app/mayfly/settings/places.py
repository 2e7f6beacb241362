"""Where things are on disk."""

from pathlib import Path

from . import variables

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# What has no service of its own: SQLite and the folder storage.
DATA_DIR = Path(variables.text("DATA_DIR", default=str(BASE_DIR / "data")))
