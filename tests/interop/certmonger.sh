#!/usr/bin/env bash
# Enrols with certmonger over GET: its session daemon drives its helper scep-submit.
#
#   tests/interop/certmonger.sh URL CHALLENGE
#
# Writes device.crt and ca.pem to the current folder.
set -euo pipefail
export url=$1 challenge=$2 folder=$PWD
export HOME=$PWD/home
mkdir -p "$HOME"
# certmonger's view of the CA, from its helper: the RA certificate first, then the authority's.
/usr/lib/certmonger/scep-submit -u "$url" -C | awk '/BEGIN/{n++} n==2' | sed '/-END/q' >ca.pem
/usr/lib/certmonger/scep-submit -u "$url" -c | grep -qx 'SCEPStandard'

dbus-run-session -- bash -euo pipefail -c '
    /usr/lib/certmonger/certmonger-session -n -d 2 >certmonger.log 2>&1 &
    daemon=$!
    trap "kill $daemon" EXIT
    for _ in $(seq 100); do getcert list-cas -s >/dev/null 2>&1 && break; sleep 0.1; done
    getcert add-scep-ca -s -c scepter -u "$url"
    for _ in $(seq 100); do getcert list-cas -s -c scepter | grep -q "ca-type: EXTERNAL" && break; sleep 0.1; done
    sleep 3
    getcert request -s -c scepter -f "$folder/device.crt" -k "$folder/device.key" -N "C=US,O=Corp,CN=device" \
        -D device.example.com -L "$challenge" -I device -g 2048
    for _ in $(seq 300); do getcert list -s -i device | grep -q "status: MONITORING" && exit 0; sleep 0.1; done
    getcert list -s -i device
    tail -n 40 certmonger.log
    exit 1
'
openssl verify -x509_strict -CAfile ca.pem device.crt
openssl x509 -in device.crt -noout -subject -ext subjectAltName | tee device.txt
grep -q 'subject=C = US, O = Corp, CN = device' device.txt
grep -q 'DNS:device.example.com' device.txt
