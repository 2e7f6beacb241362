#!/bin/sh
# Options alone are redis-server's. Root becomes redis if it may; any other user stays what it is.
set -eu
case "${1:-}" in -* | *.conf) set -- redis-server "$@" ;; esac
if [ "${1:-}" = redis-server ]; then
  as_redis='setpriv --reuid=redis --regid=redis --clear-groups'
  # shellcheck disable=SC2086 # several words on purpose
  if [ "$(id -u)" = 0 ] && $as_redis true 2>/dev/null; then
    find . ! -user redis -exec chown redis {} +
    exec $as_redis "$0" "$@"
  fi
  umask 0077
  # The official build has protected mode off. Options that follow still win; a configuration file has to come first.
  case "${2:-}" in
    -v | --version | -h | --help | --check-system) ;;
    '' | -*) shift && set -- redis-server --protected-mode no "$@" ;;
    *) file=$2 && shift 2 && set -- redis-server "$file" --protected-mode no "$@" ;;
  esac
fi
exec "$@"
