#!/usr/bin/env python
"""Django's command line for Mayfly; the settings module is chosen as everywhere, see mayfly/settings."""

import sys

from mayfly import settings


def main() -> None:
    settings.choose()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
