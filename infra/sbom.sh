#!/usr/bin/env bash
# Writes what each binary is made of, as CycloneDX 1.5 in JSON: infra/sbom.sh FOLDER
#
# By Cargo.lock, and from what cargo has fetched for a build. The same commit gives the same files,
# whatever the machine.
set -euo pipefail
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
# Built without optimisation, which takes longer than it saves here.
command -v cargo-cyclonedx >/dev/null ||
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install cargo-cyclonedx --quiet --locked --version 0.5.9
# Fails where Cargo.lock does not fit the manifests: cargo-cyclonedx would edit it.
cargo fetch --locked --quiet
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) CARGO_NET_OFFLINE=true \
    cargo cyclonedx --format json --spec-version 1.5 --describe binaries --no-build-deps --quiet
for file in functions/*/*_bin.cdx.json; do
    # Where the checkout lies is no part of what it holds.
    sed "s|file://$PWD|file://.|g" "$file" >"$folder/$(basename "$file" _bin.cdx.json).cdx.json"
    rm "$file"
done
ls "$folder"/*.cdx.json
