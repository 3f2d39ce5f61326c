#!/usr/bin/env bash
# Builds docker/Dockerfile with buildah, where no Docker engine runs.
set -euo pipefail
cd "$(dirname "$0")/.."
export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
buildah build --file docker/Dockerfile --tag "${1:-ggngan}" .
