#!/usr/bin/env bash
# Writes a software bill of materials for each binary, and for the packages of npm in the console,
# CycloneDX 1.5 in JSON: infra/sbom.sh FOLDER
#
# It is based on Cargo.lock and the crates that cargo has fetched for a build, and on the console's
# package-lock.json. The same commit gives the same files on every machine.
set -euo pipefail
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
# Optimisation would take longer than it saves.
command -v cargo-cyclonedx >/dev/null ||
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install cargo-cyclonedx --quiet --locked --version 0.5.9
# Fails if Cargo.lock does not match the manifests, because cargo-cyclonedx would edit it.
cargo fetch --locked --quiet
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) CARGO_NET_OFFLINE=true \
    cargo cyclonedx --format json --spec-version 1.5 --describe binaries --no-build-deps --quiet
for file in functions/*/*_bin.cdx.json; do
    # The location of the checkout must not show in the result.
    sed "s|file://$PWD|file://.|g" "$file" >"$folder/$(basename "$file" _bin.cdx.json).cdx.json"
    rm "$file"
done
# What the tests start is not delivered.
rm -f tests/*_bin.cdx.json
# npm names each file by a random number and the time.
npm sbom --prefix shared/console --sbom-format cyclonedx --omit dev --package-lock-only |
    node -e '
        const bill = JSON.parse(require("fs").readFileSync(0));
        delete bill.serialNumber;
        bill.metadata.timestamp = new Date(process.argv[1] * 1000).toISOString();
        console.log(JSON.stringify(bill, null, 2));
    ' "$(git log -1 --format=%ct)" >"$folder/console-packages.cdx.json"
ls "$folder"/*.cdx.json
