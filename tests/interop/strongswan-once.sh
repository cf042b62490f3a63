#!/usr/bin/env bash
# Enrols two devices with strongSwan's pki by the same one-time challenge: the second is refused.
#
#   tests/interop/strongswan-once.sh URL CHALLENGE
set -euo pipefail
url=$1 challenge=$2
pki --scepca --url "$url" --caout ca.pem --raout ra.pem --outform pem --force

enrol() { # NAME
    openssl genrsa -traditional -out "$1.key" 2048
    pki --scep --url "$url" --in "$1.key" --dn "C=US, O=Corp, CN=$1" --password "$challenge" \
        --cipher aes --digest sha256 --cacert-enc ra.pem --cacert-sig ra.pem --cacert ca.pem \
        --outform pem >"$1.crt"
}

enrol first
openssl verify -x509_strict -CAfile ca.pem first.crt
if enrol second 2>second.log; then
    echo "a one-time challenge was accepted twice" >&2
    exit 1
fi
cat second.log
grep -q badRequest second.log || grep -qi "bad request\|not permitted" second.log
