#!/bin/sh
# Before nginx starts, and only then: *.envsh of /docker-entrypoint.d are sourced and *.sh are run, in order of their names.
set -eu
case "${1:-}" in nginx | nginx-debug)
  for script in $(find -L /docker-entrypoint.d -type f -executable | sort -V); do
    # shellcheck source=/dev/null
    case "$script" in
      *.envsh) . "$script" ;;
      *.sh) "$script" ;;
    esac
  done
  ;;
esac
exec "$@"
