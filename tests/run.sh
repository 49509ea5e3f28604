#!/usr/bin/env bash
# Builds everything and runs every test. Installs what the tests need and the machine lacks, and closes with one line:
# N passed, N failed
set -uo pipefail
cd "$(dirname "$0")/.."

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

need_package() {
  command -v "$1" >/dev/null 2>&1 && return 0
  echo "installing $2: the tests need $1" >&2
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "$1 is missing and this system has no apt-get: install it and run again" >&2
    exit 1
  fi
  [ -n "${package_lists_fresh:-}" ] || { as_root apt-get update -qq >/dev/null && package_lists_fresh=1; }
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null || exit 1
}

need_package chromium chromium
# An S3-compatible server for the tests of archives comes from npm.
need_package node nodejs
need_package npm npm
# Debian keeps the server's programs out of the path. The tests start servers of their own: none is to be made beside them.
if [ -z "$(compgen -G '/usr/lib/postgresql/*/bin/initdb')" ] && ! command -v initdb >/dev/null 2>&1; then
  need_package pg_createcluster postgresql-common
  as_root sed -i -E 's/^#?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  need_package initdb postgresql
fi

# The tests start many processes, each for some seconds: what keeps .NET's compiled code from being written to takes a twentieth of a start's processor time.
export DOTNET_EnableWriteXorExecute=0

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

dotnet build IotaOrleans.sln -c Release || { echo "the build failed" >&2; echo "0 passed, 1 failed"; exit 1; }

status=0
for project in IotaOrleans.Tests IotaOrleans.ClusterTests; do
  dotnet test "tests/$project" -c Release --no-build --nologo \
    --logger "console;verbosity=minimal" --logger "trx;LogFileName=$project.trx" --results-directory "$results" \
    --blame-hang-timeout 30m "$@" || status=1
done

count() { sed -n "s/.*<Counters.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$results"/*.trx 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'; }
passed=$(count passed)
failed=$(( $(count total) - passed ))
# A test host that died leaves no counters: that is a failure too.
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
