#!/usr/bin/env bash
# Installs the Debian packages that tests need and this machine lacks. Does nothing where all are there.
set -euo pipefail

missing=()
# The tests start servers of their own, on data of their own: only the programs are needed.
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
# Jupyter's client executes the notebooks; Deno's kernel comes from npm.
/usr/bin/python3 -c "import nbclient, nbformat" 2>/dev/null || missing+=(python3-nbclient)

[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "These Debian packages are needed for the tests; install them as root: ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# The package would set up and start a server of the machine's own.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
