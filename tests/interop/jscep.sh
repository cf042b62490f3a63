#!/usr/bin/env bash
# Enrols with jscep, which sends BER throughout, and asks for certificate and CRL.
#
#   tests/interop/jscep.sh URL CHALLENGE FOLDER      leaves device.crt and ca.pem in the current folder
set -euo pipefail
url=$1 challenge=$2 tools=$3
scep() { java -cp "$tools/jscep:$tools/jscep/*" Scep "$@"; }
curl -fsS "$url?operation=GetCACert" | openssl pkcs7 -inform DER -print_certs | awk '/BEGIN/{n++} n==2' | sed '/END/q' >ca.pem
[ "$(scep caps "$url" | grep -c -e AES -e SCEPStandard -e Renewal -e SHA-512)" -ge 3 ]
scep enrol "$url" "$challenge" device device >device.crt
openssl verify -x509_strict -CAfile ca.pem device.crt
openssl x509 -in device.crt -noout -subject -ext subjectAltName | tee device.txt
grep -q 'subject=O = Corp, CN = device' device.txt
grep -q 'DNS:device.example.com' device.txt
if scep enrol "$url" "not $challenge" other other 2>log; then
    echo "a wrong challengePassword was taken" >&2
    exit 1
fi
grep -q 'FAILURE badRequest' log
# The certificate again, and the CRL that it is not on.
serial=$(openssl x509 -in device.crt -noout -serial | cut -d= -f2)
cmp <(scep getcert "$url" device "$serial") device.crt
scep getcrl "$url" device >crl.pem
openssl verify -x509_strict -crl_check -CAfile ca.pem -CRLfile crl.pem device.crt
