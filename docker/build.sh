#!/usr/bin/env bash
# Builds both images with whatever can: Docker, Podman, or Buildah, which needs no engine (and runs as root without
# user namespaces). TAG=1.2.3 names the version, IMAGES="platform" builds only that.
set -euo pipefail
cd "$(dirname "$0")/.."
TAG=${TAG:-latest}
BASE=$(sed -n 's/^ARG BASE=//p' docker/Dockerfile)

if docker info >/dev/null 2>&1; then
    build=(docker build)
elif command -v podman >/dev/null; then
    build=(podman build)
elif command -v buildah >/dev/null; then
    export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
    build=(buildah build --format docker --layers)
    # Where no registry can be reached, Debian itself takes the place of the base.
    buildah pull --quiet --policy missing "$BASE" >/dev/null 2>&1 || docker/debian-base.sh "$BASE" >/dev/null
    # What pip is told of this machine: wheels that lie here, the certificates of a proxy.
    for path in ${PIP_FIND_LINKS:-} ${PIP_CERT:-}; do build+=(--volume "$path:$path:ro"); done
    [ -z "${PIP_CERT:-}" ] || build+=(--build-arg "PIP_CERT=$PIP_CERT")
else
    echo "docker, podman or buildah is needed: apt-get install --no-install-recommends buildah debootstrap" >&2
    exit 1
fi
[ -z "${PIP_FIND_LINKS:-}" ] || build+=(--build-arg "PIP_FIND_LINKS=$PIP_FIND_LINKS")
[ -z "${PIP_EXTRA_INDEX_URL+set}" ] || build+=(--build-arg "PIP_EXTRA_INDEX_URL=$PIP_EXTRA_INDEX_URL")

for image in ${IMAGES:-platform engine}; do
    "${build[@]}" --file docker/Dockerfile --target "$image" --tag "dramatis/$image:$TAG" .
done
