"""`python -m tests.stack.faults`: the process of a world, which its environment describes; `worlds.py` starts it."""

import django

from mayfly import settings


def main() -> None:
    settings.choose()
    django.setup()
    from .process import serve  # its imports want Django to be set up

    serve()


main()
