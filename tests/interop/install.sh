#!/usr/bin/env bash
# Installs the tests' dependencies other than Rust: the SCEP clients (Debian packages, Maven
# Central, Go modules), openssl and curl; Chromium, and from npm what drives it and an IAM policy
# simulator; and from PyPI schemathesis, SAM, template linters and an AWS emulator.
#
#   tests/interop/install.sh FOLDER      builds unpackaged tools in FOLDER; skips what exists
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)

packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need openssl openssl
need curl curl
need jq jq
need cmake cmake
need cc gcc
need strip binutils
need node nodejs
need npm npm
need go golang-go
need javac default-jdk-headless
need mvn maven
need scepclient scep
need chromium chromium
need dbus-run-session dbus
# tests/clock.sh changes the clock with it.
need faketime faketime
[ -x /usr/lib/certmonger/scep-submit ] || packages+=(certmonger)
need pki strongswan-pki
# strongSwan's pki needs the curl plugin for HTTP, and the extra plugins for CMS with SHA-1.
ls /usr/lib/ipsec/plugins/libstrongswan-curl.so >/dev/null 2>&1 || packages+=(libstrongswan-standard-plugins libstrongswan-extra-plugins libcharon-extra-plugins)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3 python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -q
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "${packages[@]}"
fi

if [ ! -x "$folder/scepclient-aes" ]; then
    build=$(mktemp -d)
    cp "$here"/micromdm/{go.mod,go.sum,tools.go} "$build"
    (
        cd "$build"
        go mod vendor
        cp "$here/micromdm/aes.go.txt" vendor/github.com/micromdm/scep/v2/cmd/scepclient/aes.go
        go build -mod=vendor -o "$folder/scepclient-aes" github.com/micromdm/scep/v2/cmd/scepclient
    )
    rm -rf "$build"
fi

if [ ! -f "$folder/jscep/Scep.class" ]; then
    mvn -q -B -f "$here/jscep/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder/jscep"
    javac -cp "$folder/jscep/*" -d "$folder/jscep" "$here/jscep/Scep.java"
fi

node_tools() { # NAME: installs the packages that tests/NAME locks, unless they are installed
    cmp -s "$here/../$1/package-lock.json" "$folder/$1/installed" && return
    mkdir -p "$folder/$1"
    cp "$here/../$1"/package{,-lock}.json "$folder/$1"
    npm ci --prefix "$folder/$1" --silent --no-audit --no-fund
    cp "$here/../$1/package-lock.json" "$folder/$1/installed"
}
node_tools deployer
node_tools console

python_tool() { # NAME PROGRAM PACKAGES…: creates a virtual environment unless PROGRAM exists
    name=$1 program=$2
    shift 2
    [ -x "$folder/$name/bin/$program" ] && return
    python3 -m venv "$folder/$name"
    "$folder/$name/bin/pip" install -q --disable-pip-version-check "$@"
}
python_tool schemathesis schemathesis schemathesis==4.32.5
python_tool sam sam aws-sam-cli==1.170.0 cfn-lint==1.58.0
python_tool aws aws awscli==1.45.11
python_tool checkov checkov checkov==3.3.30
python_tool ministack ministack 'ministack[full]==1.5.33' boto3 cryptography
