"""`python -m tests.stack.faults`: the process of a world. `worlds.py` starts it; its environment selects the world."""

import django

from mayfly import settings


def main() -> None:
    settings.choose()
    django.setup()
    from .process import serve  # its imports need Django

    serve()


main()
