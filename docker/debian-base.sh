#!/usr/bin/env bash
# Stands in for the Python image where no registry can be reached: Debian bookworm with its own Python 3.11,
# tagged with the name the Dockerfile asks for. For proving the Dockerfile, not for publishing. As root.
set -euo pipefail
name=${1:?the name to tag}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for program in buildah debootstrap; do
    command -v "$program" >/dev/null || { echo "apt-get install --no-install-recommends buildah debootstrap" >&2; exit 1; }
done
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv,python3-pip bookworm "$folder/root" \
    http://deb.debian.org/debian >/dev/null
rm -rf "$folder"/root/var/cache/apt/archives/*.deb
# As in the published image.
ln -s /usr/bin/python3 "$folder/root/usr/local/bin/python"

container=$(buildah from scratch)
buildah add --quiet "$container" "$folder/root" / >/dev/null
buildah config --env PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin "$container"
buildah commit --quiet --rm "$container" "$name"
