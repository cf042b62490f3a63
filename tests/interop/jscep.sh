#!/usr/bin/env bash
# Enrols with jscep, which encodes every message in BER, and requests a certificate and a CRL.
#
#   tests/interop/jscep.sh URL CHALLENGE FOLDER
#
# Writes device.crt and ca.pem to the current folder.
set -euo pipefail
url=$1 challenge=$2 tools=$3
scep() { java -cp "$tools/jscep:$tools/jscep/*" Scep "$@"; }
curl -fsS "$url?operation=GetCACert" | openssl pkcs7 -inform DER -print_certs | awk '/BEGIN/{n++} n==2' | sed '/-END/q' >ca.pem
[ "$(scep caps "$url" | grep -c -e AES -e SCEPStandard -e Renewal -e SHA-512)" -ge 3 ]
scep enrol "$url" "$challenge" device device >device.crt
openssl verify -x509_strict -CAfile ca.pem device.crt
openssl x509 -in device.crt -noout -subject -ext subjectAltName | tee device.txt
grep -q 'subject=O = Corp, CN = device' device.txt
grep -q 'DNS:device.example.com' device.txt
if scep enrol "$url" "not $challenge" other other 2>log; then
    echo "a wrong challengePassword was accepted" >&2
    exit 1
fi
grep -q 'FAILURE badRequest' log
# GetCert returns the certificate again, and GetCRL a CRL that does not contain it.
serial=$(openssl x509 -in device.crt -noout -serial | cut -d= -f2)
cmp <(scep getcert "$url" device "$serial") device.crt
scep getcrl "$url" device >crl.pem
openssl verify -x509_strict -crl_check -CAfile ca.pem -CRLfile crl.pem device.crt
