#!/usr/bin/env bash
# LOCALSTACK_NAME is another way to write NAME. The hooks of boot.d run first; the supervisor starts LocalStack.
set -euo pipefail
for name in "${!LOCALSTACK_@}"; do
  case $name in LOCALSTACK_HOST*) ;; *) export "${name#LOCALSTACK_}=${!name}" ;; esac
done
mkdir -p /var/lib/localstack/logs
# shellcheck source=/dev/null
. /opt/code/localstack/.venv/bin/activate
[[ ! -d /etc/localstack/init/boot.d ]] || python3 -m localstack.runtime.init BOOT
exec localstack-supervisor
