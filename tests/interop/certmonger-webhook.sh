#!/usr/bin/env bash
# Enrols with certmonger through a webhook that holds the device: an administrator approves, and the
# renewal does not ask the webhook.
#
#   tests/interop/certmonger-webhook.sh API_URL TOKEN      works in the current folder, which is empty
set -euo pipefail
api=$1 token=$2
sample=$(dirname "$0")/../../docs/webhook-receiver.py

call() { # METHOD PATH [BODY [IF-MATCH]]: prints the response, or fails with its error message
    status=$(curl -sS -o answer -D headers -w '%{http_code}' -X "$1" -H "Authorization: Bearer $token" ${4:+-H "If-Match: $4"} \
        ${3:+--data "$3"} "$api$2")
    if [ "$status" -ge 400 ]; then
        echo "$1 $2: $status $(cat answer)" >&2
        return 1
    fi
    cat answer
}
step() { echo "== $*"; }
heard() { # TYPE: how often the webhook got a message of this type
    grep -c "^$1 " heard.log || true
}

step "the sample receiver, which holds what it otherwise allows"
sed 's/"decision": "ALLOW"/"decision": "HOLD"/' "$sample" >receiver.py
if cmp -s "$sample" receiver.py; then
    echo "the sample receiver allows nothing" >&2
    exit 1
fi
WEBHOOK_SECRET=whsec_$(head -c 32 /dev/urandom | base64)
export WEBHOOK_SECRET
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
python3 receiver.py "$port" >heard.log 2>receiver.log &
receiver=$!
trap 'kill $receiver' EXIT
curl -s -o /dev/null --retry 50 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$port/"

step "a profile whose only source is the webhook, with certificates that may be renewed immediately"
authority=$(call POST /authorities '{"name": "hold-ca", "subject": "CN=Hold CA,O=Corp", "keyAlgorithm": "RSA_2048"}' | jq -r .uuid)
ra=$(call POST "/authorities/$authority/raCertificates" '{"commonName": "Hold RA"}' | jq -r .uuid)
ra_profile=$(call POST "/authorities/$authority/raProfiles" '{"name": "hold", "enabled": true}' | jq -r .uuid)
profile=$(call POST /scepProfiles "{\"name\": \"hold\", \"caCertificateUuid\": \"$ra\", \"raProfileUuid\": \"$ra_profile\",
    \"challengeSources\": [\"WEBHOOK\"], \"renewalThreshold\": 400, \"webhook\": {\"url\": \"http://127.0.0.1:$port/\",
    \"secret\": \"$WEBHOOK_SECRET\", \"notify\": [\"issued\", \"refused\"]}}" | jq -r .uuid)
call PATCH "/scepProfiles/$profile/enable"
url=$(call GET "/scepProfiles/$profile" | jq -r .scepUrl)
/usr/lib/certmonger/scep-submit -u "$url" -C | awk '/BEGIN/{n++} n==2' | sed '/-END/q' >ca.pem

step "certmonger waits for the administrator, and renews without the webhook"
export url api token folder=$PWD HOME=$PWD/home
export -f call heard
mkdir -p "$HOME"
dbus-run-session -- bash -euo pipefail -c '
    /usr/lib/certmonger/certmonger-session -n -d 2 >certmonger.log 2>&1 &
    daemon=$!
    trap "kill $daemon" EXIT
    serial() { openssl x509 -in device.crt -noout -serial 2>/dev/null || true; }
    give_up() {
        echo "$1" >&2
        getcert list -s -i device
        tail -n 40 certmonger.log
        exit 1
    }
    settled() { # LAST: a certificate that is not this one
        for _ in $(seq 300); do
            getcert list -s -i device | grep -q "status: MONITORING" && [ "$(serial)" != "$1" ] && return 0
            sleep 0.1
        done
        give_up "no certificate"
    }
    for _ in $(seq 100); do getcert list-cas -s >/dev/null 2>&1 && break; sleep 0.1; done
    getcert add-scep-ca -s -c scepter -u "$url"
    for _ in $(seq 100); do getcert list-cas -s -c scepter | grep -q "ca-type: EXTERNAL" && break; sleep 0.1; done
    sleep 3
    getcert request -s -c scepter -f "$folder/device.crt" -k "$folder/device.key" -N "O=Corp,CN=device-1" -I device -g 2048
    for _ in $(seq 300); do getcert list -s -i device | grep -q "status: CA_WORKING" && break; sleep 0.1; done
    uuid=$(call GET "/scepTransactions?status=PENDING" | jq -r ".items | if length == 1 then .[0].uuid else error end")
    [ ! -e device.crt ] && [ "$(heard scep.enrolment)" = 1 ] || give_up "the device was not held"
    call GET "/scepTransactions/$uuid" >/dev/null
    seen=$(sed -n "s/^etag: *\(\"[^\"]*\"\).*/\1/Ip" headers)
    call POST "/scepTransactions/$uuid/approve" "" "$seen"
    # certmonger asks again after a week, or when it is told to, and sends its enrolment again instead
    # of a poll: what is decided is not asked about.
    getcert refresh -s -i device
    settled ""
    first=$(serial)
    cp device.crt first.crt
    getcert resubmit -s -i device
    settled "$first"
    second=$(serial)
    getcert rekey -s -i device -g 2048
    settled "$second"
    [ "$(heard scep.enrolment)" = 1 ] || give_up "the webhook was asked again"
' || {
    cat heard.log receiver.log >&2
    exit 1
}
for certificate in first.crt device.crt; do
    openssl verify -x509_strict -CAfile ca.pem "$certificate"
    # The webhook vouched for this name, for which the device does not ask.
    openssl x509 -in "$certificate" -noout -subject -ext subjectAltName | tee device.txt
    grep -q 'subject=O = Corp, CN = device-1' device.txt
    grep -q 'DNS:device-1.corp.example' device.txt
done
# Notices are delivered after the answer to the device.
for _ in $(seq 300); do [ "$(heard scep.certificate.issued)" = 3 ] && break; sleep 0.1; done
cat heard.log
[ "$(heard scep.certificate.issued)" = 3 ] && [ "$(heard scep.request.refused)" = 0 ]
grep -q '^scep.enrolment .* CN=device-1,O=Corp$' heard.log
