#!/usr/bin/env bash
# Enrols with strongSwan's pki over POST, with each algorithm that it supports.
#
#   tests/interop/strongswan.sh URL CHALLENGE
#
# Writes device.crt and ca.pem to the current folder.
set -euo pipefail
url=$1 challenge=$2
pki --scepca --url "$url" --caout ca.pem --raout ra.pem --outform pem --force

enrol() { # NAME ARGUMENTS…
    name=$1
    shift
    openssl genrsa -traditional -out "$name.key" 2048
    pki --scep --url "$url" --in "$name.key" --dn "C=US, O=Corp, CN=$name" --san "$name.example.com" \
        --cacert-enc ra.pem --cacert-sig ra.pem --cacert ca.pem --outform pem "$@" >"$name.crt"
    openssl verify -x509_strict -CAfile ca.pem "$name.crt"
    [ "$(openssl pkey -in "$name.key" -pubout)" = "$(openssl x509 -in "$name.crt" -noout -pubkey)" ]
    openssl x509 -in "$name.crt" -noout -subject -ext subjectAltName | tee "$name.txt"
    grep -q "subject=C = US, O = Corp, CN = $name" "$name.txt"
    grep -q "DNS:$name.example.com" "$name.txt"
}

enrol device --password "$challenge" --cipher aes --digest sha256
enrol des3 --password "$challenge" --cipher des3 --digest sha1
enrol pss --password "$challenge" --cipher aes --digest sha512 --rsa-padding pss
if enrol wrong --password "not $challenge" --cipher aes --digest sha256; then
    echo "a wrong challengePassword was accepted" >&2
    exit 1
fi
