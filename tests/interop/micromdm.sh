#!/usr/bin/env bash
# Enrols with micromdm's scepclient over POST. The packaged version sends single DES and must be
# refused with badAlg; the one that install.sh builds with AES gets a certificate. The client
# encrypts to every certificate of GetCACert: with an EC authority the packaged version fails on its
# own, while the newer one has an option to select the recipient.
#
#   tests/interop/micromdm.sh URL CHALLENGE FOLDER
#
# Writes device.crt and ca.pem to the current folder.
set -euo pipefail
url=$1 challenge=$2 tools=$3
curl -fsS "$url?operation=GetCACert" | openssl pkcs7 -inform DER -print_certs | awk '/BEGIN/{n++} n==2' | sed '/END/q' >ca.pem

if openssl x509 -in ca.pem -noout -text | grep -q 'Public Key Algorithm: rsaEncryption'; then
    mkdir des && cd des
    if scepclient -server-url "$url" -private-key device.key -certificate device.crt -challenge "$challenge" -cn device >log 2>&1; then
        echo "single DES was accepted" >&2
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
