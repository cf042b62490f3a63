#!/usr/bin/env bash
# Enrols with jscep, which sends BER throughout.
#
#   tests/interop/jscep.sh URL CHALLENGE FOLDER      leaves device.crt and ca.pem in the current folder
set -euo pipefail
url=$1 challenge=$2 tools=$3
curl -fsS "$url?operation=GetCACert" | openssl pkcs7 -inform DER -print_certs | awk '/BEGIN/{n++} n==2' | sed '/END/q' >ca.pem
java -cp "$tools/jscep:$tools/jscep/*" Enrol "$url" "$challenge" device >device.crt
openssl verify -x509_strict -CAfile ca.pem device.crt
openssl x509 -in device.crt -noout -subject -ext subjectAltName | tee device.txt
grep -q 'subject=O = Corp, CN = device' device.txt
grep -q 'DNS:device.example.com' device.txt
if java -cp "$tools/jscep:$tools/jscep/*" Enrol "$url" "not $challenge" other 2>log; then
    echo "a wrong challengePassword was taken" >&2
    exit 1
fi
grep -q 'FAILURE badRequest' log
