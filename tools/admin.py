"""Make an account for the admin: `make admin`, in the stack of `make up` or else in what `make run` keeps.

It asks for a name and a password, unless ADMIN_NAME and ADMIN_PASSWORD have them. With --run it means `make run`, even
while a stack is up. The password goes through a pipe, because every process of this machine can see arguments.
"""

import getpass
import os
import subprocess
import sys

from .paths import APP, ROOT, RUN, VENV_PYTHON
from .processes import call, output

DATABASE = RUN / "data" / "db.sqlite3"


def main() -> None:
    os.chdir(ROOT)
    if "--run" not in sys.argv and _stack_is_up():
        command = ["docker", "compose", "exec", "--no-TTY", "web", "python", "manage.py"]
        environment = dict(os.environ)
    elif DATABASE.exists():
        command = [str(VENV_PYTHON), str(APP / "manage.py")]
        environment = os.environ | {
            "SETTINGS_MODULE_PATH": "mayfly.settings.development",
            "SECRET_KEY": "not-used-here",  # an account needs no signature
            "DATABASE_URL": f"sqlite:///{DATABASE}",
        }
    else:
        sys.exit("There is no Mayfly yet to log in to. Run `make up` or `make run` first.")
    name = os.environ.get("ADMIN_NAME") or input("Name: ")
    password = os.environ.get("ADMIN_PASSWORD") or _typed()
    done = subprocess.run([*command, "operator", name], env=environment, input=password, text=True)
    sys.exit(done.returncode)


def _stack_is_up() -> bool:
    try:
        return bool(output("docker", "compose", "ps", "--status", "running", "--quiet", "web").stdout.strip())
    except OSError:  # no Docker
        return False


def _typed() -> str:
    password = getpass.getpass("Password, at least 12 characters: ")
    if getpass.getpass("Once more: ") != password:
        sys.exit("The two differ. Run `make admin` once more.")
    return password


if __name__ == "__main__":
    call(main)
