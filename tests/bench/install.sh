#!/usr/bin/env bash
# Installs the servers that `cargo bench -p scepter-tests --bench compare` measures beside this one:
# micromdm's scepserver, a Debian package, and step-ca, built from its Go module.
#
#   tests/bench/install.sh FOLDER      builds step-ca in FOLDER; skips what exists
set -euo pipefail
mkdir -p "$1"
folder=$(cd "$1" && pwd)

packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need openssl openssl
need scepserver scep
need go golang-go
if [ ${#packages[@]} -gt 0 ]; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -q
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "${packages[@]}"
fi

# Without cgo, because that needs a library for smart cards, and the database is written in Go.
[ -x "$folder/step-ca" ] ||
    GOBIN="$folder" CGO_ENABLED=0 go install -trimpath github.com/smallstep/certificates/cmd/step-ca@v0.30.2
