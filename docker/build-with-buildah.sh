#!/usr/bin/env bash
# Builds docker/Dockerfile where there is no Docker engine, with Debian's buildah, as root:
#   apt-get install buildah debootstrap
#   docker/build-with-buildah.sh [TAG [OPTION OF BUILDAH BUILD ...]]
# The base image is pulled as with Docker or, with BASE=debootstrap, made once from Debian's own
# packages under the tag that the Dockerfile names. It does not build serving.Dockerfile, whose
# base is no Debian.
set -euo pipefail
cd "$(dirname "$0")/.."
export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
tag=${1:-ggngan}
shift || true
base=$(sed -n 's/^FROM //p' docker/Dockerfile)
release=${base##*-} # bookworm, whose Python is the 3.11 that the tag names

make_base() {
    local folder container
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' RETURN
    debootstrap --variant=minbase --include=ca-certificates,python3-dev,python3-venv \
        "$release" "$folder"
    rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$folder" /
    buildah config --env PATH=/usr/local/bin:/usr/bin:/bin --cmd python3 "$container"
    buildah commit --quiet --rm "$container" "$base"
}

if [[ ${BASE:-pull} == debootstrap ]]; then
    buildah inspect --type image "$base" >/dev/null 2>&1 || make_base
    set -- --pull-never "$@"
fi
buildah build --file docker/Dockerfile --tag "$tag" "$@" .
