#!/usr/bin/env bash
# Installs the servers that tests run against: PostgreSQL, Redis and, for S3, Ceph's RADOS Gateway. The broker
# comes with the Python packages. Nothing is started here: tests start and end their own. Repeatable.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

SERVERS=(redis-server radosgw ceph-mon ceph-osd ceph-common)
# Any version of PostgreSQL will do.
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || SERVERS+=(postgresql)

install_packages "${SERVERS[@]}" || die \
    "the tests need ${SERVERS[*]}. As root: apt-get install --no-install-recommends ${SERVERS[*]}"
say "servers ready"
