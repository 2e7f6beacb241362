#!/usr/bin/env bash
# As root: gives the folders to user postgres and becomes it. As anyone else: changes no owner.
# With an empty $PGDATA: makes the cluster, the user and the database, then runs /docker-entrypoint-initdb.d.
set -euo pipefail
[[ ${1:-} != -* ]] || set -- postgres "$@"
[[ ${1:-} == postgres ]] || exec "$@"

if [[ $(id -u) == 0 ]]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres {} +
  chmod 700 "$PGDATA"
  exec gosu postgres "$0" "$@"
fi

setting() { # NAME DEFAULT: $NAME, or what the file named in $NAME_FILE holds
  local file=${1}_FILE
  if [[ ${!file:-} ]]; then cat "${!file}"; else printf '%s' "${!1:-${2:-}}"; fi
}

if [[ ! -s $PGDATA/PG_VERSION ]]; then
  user=$(setting POSTGRES_USER postgres)
  db=$(setting POSTGRES_DB "$user")
  password=$(setting POSTGRES_PASSWORD)
  auth=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  [[ $password || $auth == trust ]] || { echo 'Error: database is uninitialized and POSTGRES_PASSWORD is not set' >&2; exit 1; }
  mkdir -p "$PGDATA"
  # The arguments may hold quotes, as in the official image: hence eval.
  eval 'initdb --username="$user" --pwfile=<(printf "%s\n" "$password")' "$(setting POSTGRES_INITDB_ARGS)"
  printf '\nhost all all all %s\n' "$auth" >>"$PGDATA/pg_hba.conf"

  # The server that sets things up has the command's own options but no network: nobody takes it for the ready one.
  options=
  (($# == 1)) || printf -v options '%q ' "${@:2}"
  pg_ctl -D "$PGDATA" -o "$options-c listen_addresses=''" -w start
  sql=(psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username "$user")
  [[ $db == postgres ]] || "${sql[@]}" --dbname postgres --set db="$db" <<<'CREATE DATABASE :"db";'
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
      *.sh) if [[ -x $script ]]; then "$script"; else bash "$script"; fi ;;
      *.sql) "${sql[@]}" --dbname "$db" -f "$script" ;;
      *.sql.gz) gunzip -c "$script" | "${sql[@]}" --dbname "$db" ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
