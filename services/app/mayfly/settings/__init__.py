"""The choice of the settings. manage.py, wsgi.py and celery.py all ask here, so that they never differ."""

import os
from importlib import import_module
from importlib.util import find_spec

from . import variables


def choose() -> str:
    """Put the settings module into DJANGO_SETTINGS_MODULE, unless that is set, and return its name.

    SETTINGS_MODULE_PATH names it. If that is not set, PROD_SETTINGS=True means production and anything else
    development. Ends the process if there is no such module.
    """
    production = variables.flag("PROD_SETTINGS", default=False)
    module = variables.text(
        "SETTINGS_MODULE_PATH", default=f"mayfly.settings.{'production' if production else 'development'}"
    )
    if not _exists(module):
        variables.fail("SETTINGS_MODULE_PATH", f"names {module!r}, and there is no such module")
    return os.environ.setdefault("DJANGO_SETTINGS_MODULE", module)


def check() -> None:
    """Choose the settings and load them. A variable that is missing or malformed ends the process."""
    import_module(choose())


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
