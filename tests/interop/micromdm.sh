#!/usr/bin/env bash
# Enrols with micromdm's scepclient, by POST. As packaged it sends single DES and must be refused with badAlg; built with
# AES (install.sh) it gets its certificate. It encrypts to every certificate of GetCACert: with an EC authority the packaged
# one gives up by itself, the newer one has an option.
#
#   tests/interop/micromdm.sh URL CHALLENGE FOLDER      leaves device.crt and ca.pem in the current folder
set -euo pipefail
url=$1 challenge=$2 tools=$3
curl -fsS "$url?operation=GetCACert" | openssl pkcs7 -inform DER -print_certs | awk '/BEGIN/{n++} n==2' | sed '/END/q' >ca.pem

if openssl x509 -in ca.pem -noout -text | grep -q 'Public Key Algorithm: rsaEncryption'; then
    mkdir des && cd des
    if scepclient -server-url "$url" -private-key device.key -certificate device.crt -challenge "$challenge" -cn device >log 2>&1; then
        echo "single DES was taken" >&2
        exit 1
    fi
    grep -q 'badAlg' log
    cd ..
fi

"$tools/scepclient-aes" -server-url "$url" -private-key device.key -certificate device.crt -challenge "$challenge" \
    -cn device -key-encipherment-selector -organization Corp -ou Devices -country US
openssl verify -x509_strict -CAfile ca.pem device.crt
openssl x509 -in device.crt -noout -subject | tee device.txt
grep -q 'CN = device' device.txt
