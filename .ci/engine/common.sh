# shellcheck shell=bash
# up, down and test source this.
root=${ENGINE_ROOT:-/opt/docker-engine}  # the engine's programs, images, volumes and log
# shellcheck disable=SC2034 # `up` reads it
socket=${ENGINE_SOCKET:-/run/docker.sock}
[[ -z ${ENGINE_SOCKET:-} ]] || export DOCKER_HOST=unix://$ENGINE_SOCKET
PATH=$PATH:/usr/sbin:/sbin:$root/usr/bin

say() { printf 'engine: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

engine_answers() { docker info >/dev/null 2>&1; }

alive() { [[ $(tr -d '\0' 2>/dev/null <"/proc/$1/cmdline") ]]; } # unlike kill -0, false for a zombie

# The process id of this root's dockerd, if it runs. After a crash the number in the pid file may belong to another program.
engine_pid() {
  local pid
  pid=$(cat "$root/run/docker.pid" 2>/dev/null) || return
  tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF "$root/data" && echo "$pid"
}

# Remove the pid files and the containerd that a dockerd killed with -9 leaves, because the next one would not start.
sweep() {
  local command pid
  for command in /proc/[0-9]*/cmdline; do
    tr '\0' '\n' 2>/dev/null <"$command" | grep -qxF "$root/run/containerd/containerd.toml" || continue
    pid=${command//[^0-9]/}
    kill -9 "$pid" 2>/dev/null || ! alive "$pid" || die "containerd ($pid) of an earlier dockerd does not end"
  done
  rm -f "$root/run/docker.pid" "$root/run/containerd/containerd.pid"
}

# Allow one `up` or `down` at a time. Lock 9 ends with the process, so dockerd must not inherit it.
lock() {
  [[ $(id -u) == 0 ]] || die "needs root: try again with sudo"
  mkdir -p "$root/run"
  exec 9>"$root/lock"
  flock -n 9 && return
  say "another up or down is at work on $root: waiting for it"
  flock -w 1200 9 || die "it still holds $root/lock after 20 minutes: look at it (fuser -v $root/lock), end it and try again"
}
