"""`python -m mayfly_cli` is `mayfly`."""

from .commands import main

main()
