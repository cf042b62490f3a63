#!/usr/bin/env bash
# Tests the life cycle of certificates with strongSwan's pki, certmonger and jscep: renewal, manual
# approval, revocation, and the rollover to an authority's next key.
#
#   tests/interop/lifecycle.sh API_URL TOKEN FOLDER      works in the current folder, which is empty
set -euo pipefail
api=$1 token=$2 tools=$3

call() { # METHOD PATH [BODY [IF-MATCH]]: prints the response, or fails with its error message
    status=$(curl -sS -o answer -D headers -w '%{http_code}' -X "$1" -H "Authorization: Bearer $token" ${4:+-H "If-Match: $4"} \
        ${3:+--data "$3"} "$api$2")
    if [ "$status" -ge 400 ]; then
        echo "$1 $2: $status $(cat answer)" >&2
        return 1
    fi
    cat answer
}
# In AWS an edit takes effect after SETTLE seconds, because functions cache profiles.
settle() { sleep "${SETTLE:-0}"; }
step() { echo "== $*"; }
# Unlike the other clients, Java ignores http_proxy.
proxy=$(sed -En 's,^http://([^:]+):([0-9]+)/?$,-Dhttp.proxyHost=\1 -Dhttp.proxyPort=\2 -Dhttp.nonProxyHosts=,p' <<<"${http_proxy:-}")
# shellcheck disable=SC2086 # two words or none
jscep() { java $proxy -cp "$tools/jscep:$tools/jscep/*" Scep "$@"; }
serial() { openssl x509 -in "$1" -noout -serial | cut -d= -f2; }
verify() { # CERTIFICATE [CA]: verifies it with the authority's certificate and CRL
    curl -fsS "$(openssl x509 -in "$1" -noout -ext crlDistributionPoints | sed -n 's/.*URI://p')" >crl.der
    openssl crl -inform DER -in crl.der >crl.pem
    openssl verify -x509_strict -crl_check -CAfile "${2:-ca.pem}" -CRLfile crl.pem "$1"
}
approve() { # SUBJECT [ACTION [BODY]]: waits for the pending transaction, then approves or rejects it
    for _ in $(seq 100); do
        uuid=$(call GET '/scepTransactions?status=PENDING' | jq -r --arg name "$1" '.items[] | select(.subject | contains($name)) | .uuid')
        [ -n "$uuid" ] && break
        sleep 0.2
    done
    call GET "/scepTransactions/$uuid" >/dev/null
    seen=$(sed -n 's/^etag: *\("[^"]*"\).*/\1/Ip' headers)
    call POST "/scepTransactions/$uuid/${2:-approve}" "${3:-}" "$seen"
}
challenge=s3cret

step "an authority, and a profile whose certificates may be renewed immediately"
authority=$(call POST /authorities '{"name": "life-ca", "subject": "CN=Life CA,O=Corp", "keyAlgorithm": "RSA_2048"}' | jq -r .uuid)
ra=$(call POST "/authorities/$authority/raCertificates" '{"commonName": "Life RA"}' | jq -r .uuid)
ra_profile=$(call POST "/authorities/$authority/raProfiles" '{"name": "life", "enabled": true}' | jq -r .uuid)
profile=$(call POST /scepProfiles "{\"name\": \"life\", \"caCertificateUuid\": \"$ra\", \"raProfileUuid\": \"$ra_profile\",
    \"challengePassword\": \"$challenge\", \"renewalThreshold\": 400}" | jq -r .uuid)
call PATCH "/scepProfiles/$profile/enable"
settle
url=$(call GET "/scepProfiles/$profile" | jq -r .scepUrl)
curl -fsS "$url?operation=GetCACaps" | grep -qx Renewal

step "strongSwan renews with a new key (RenewalReq)"
pki --scepca --url "$url" --caout ca.pem --raout ra.pem --outform pem --force
fingerprint=$(openssl x509 -in ca.pem -noout -fingerprint -sha256)
[ "$(call GET "/authorities/$authority" | jq -r .certificate.fingerprintSha256)" = "${fingerprint#*=}" ]
strongswan() { # NAME SUBJECT ARGUMENTS…
    name=$1 dn=$2
    shift 2
    openssl genrsa -traditional -out "$name.key" 2048 2>/dev/null
    pki --scep --url "$url" --in "$name.key" --dn "$dn" --cacert-enc ra.pem --cacert-sig ra.pem --cacert ca.pem \
        --cipher aes --digest sha256 --outform pem "$@" >"$name.crt"
}
strongswan sw 'C=US, O=Corp, CN=sw' --password "$challenge"
strongswan sw2 'C=US, O=Corp, CN=sw' --cert sw.crt --key sw.key
verify sw2.crt
[ "$(serial sw.crt)" != "$(serial sw2.crt)" ]
[ "$(openssl x509 -in sw2.crt -noout -pubkey)" = "$(openssl pkey -in sw2.key -pubout)" ]
if strongswan sw3 'C=US, O=Corp, CN=other' --cert sw.crt --key sw.key 2>log; then
    echo "a renewal for another subject was taken" >&2
    exit 1
fi

step "certmonger renews with the same key, and with a new one"
export url challenge folder=$PWD HOME=$PWD/home
mkdir -p "$HOME"
dbus-run-session -- bash -euo pipefail -c '
    /usr/lib/certmonger/certmonger-session -n -d 2 >certmonger.log 2>&1 &
    daemon=$!
    trap "kill $daemon" EXIT
    serial() { openssl x509 -in device.crt -noout -serial 2>/dev/null || true; }
    for _ in $(seq 100); do getcert list-cas -s >/dev/null 2>&1 && break; sleep 0.1; done
    getcert add-scep-ca -s -c scepter -u "$url"
    for _ in $(seq 100); do getcert list-cas -s -c scepter | grep -q "ca-type: EXTERNAL" && break; sleep 0.1; done
    sleep 3
    settled() { # LAST: a certificate that is not this one
        for _ in $(seq 300); do
            getcert list -s -i device | grep -q "status: MONITORING" && [ "$(serial)" != "$1" ] && return 0
            sleep 0.1
        done
        getcert list -s -i device
        tail -n 40 certmonger.log
        exit 1
    }
    getcert request -s -c scepter -f "$folder/device.crt" -k "$folder/device.key" -N "C=US,O=Corp,CN=cm" -L "$challenge" -I device -g 2048
    settled ""
    first=$(serial) key=$(openssl x509 -in device.crt -noout -pubkey)
    getcert resubmit -s -i device
    settled "$first"
    second=$(serial)
    [ "$(openssl x509 -in device.crt -noout -pubkey)" = "$key" ]
    getcert rekey -s -i device -g 2048
    settled "$second"
    [ "$(openssl x509 -in device.crt -noout -pubkey)" != "$key" ]
'
verify device.crt
call GET '/certificates?subject=cm' | jq -e '.items | length == 3' >/dev/null
call GET "/certificates/$(call GET "/certificates?serialNumber=$(serial device.crt)" | jq -r '.items[0].uuid')" | jq -e .predecessorUuid >/dev/null

step "jscep renews with a new key (PKCSReq)"
jscep enrol "$url" "$challenge" js js >js.crt
jscep renew "$url" js js2 >js2.crt
verify js2.crt
cmp <(jscep getcert "$url" js2 "$(serial js.crt)") js.crt

step "every client waits for an administrator"
call PUT "/scepProfiles/$profile" '{"requireManualApproval": true}' >/dev/null
settle
strongswan swp 'C=US, O=Corp, CN=swp' --password "$challenge" --interval 1 --maxpolltime 60 &
approve CN=swp
wait $!
verify swp.crt
if jscep enrol "$url" "$challenge" jsp jsp 2>log; then
    echo "what waits was issued" >&2
    exit 1
fi
grep -q PENDING log
if jscep poll "$url" jsp 2>log; then exit 1; fi
grep -q PENDING log
approve CN=jsp
jscep poll "$url" jsp >jsp.crt
verify jsp.crt
if jscep enrol "$url" "$challenge" jsr jsr 2>log; then exit 1; fi
approve CN=jsr reject '{"reason": "not ours"}'
if jscep poll "$url" jsr 2>log; then
    echo "what was rejected was issued" >&2
    exit 1
fi
grep -q 'FAILURE badRequest' log
call PUT "/scepProfiles/$profile" '{"requireManualApproval": false}' >/dev/null
settle

step "revoked certificates are on the CRL, and are not renewed"
call POST "/certificates/$(call GET "/certificates?serialNumber=$(serial js2.crt)" | jq -r '.items[0].uuid')/revoke" '{"reason": "keyCompromise"}'
if verify js2.crt 2>log; then
    echo "a revoked certificate verifies" >&2
    exit 1
fi
grep -q 'certificate revoked' log
openssl crl -in crl.pem -noout -text | grep -q 'Key Compromise'
jscep getcrl "$url" js | cmp - crl.pem
if jscep renew "$url" js2 js3 2>log; then
    echo "a revoked certificate was renewed" >&2
    exit 1
fi
grep -q 'FAILURE badRequest' log

step "rollover: the next key is announced, then issues"
call POST "/authorities/$authority/rollover" | jq -r .next.pem >next.pem
settle
curl -fsS "$url?operation=GetCACaps" | grep -qx GetNextCACert
jscep nextca "$url" >announced.pem
grep -qF "$(sed -n 2p next.pem)" announced.pem
curl -fsS -D headers "$url?operation=GetNextCACert" >next.der
grep -qi '^content-type: application/x-x509-next-ca-cert' headers
openssl cms -verify -inform DER -in next.der -CAfile ca.pem -certfile ra.pem -purpose any -binary 2>/dev/null |
    openssl pkcs7 -inform DER -print_certs -noout | grep -q 'subject=O = Corp, CN = Life CA'
call POST "/authorities/$authority/rollover/activate" | jq -e '.next == null' >/dev/null
settle
# The previous RA key still decrypts requests, but the new CA key issues. strongSwan does not trust
# it yet.
strongswan late 'C=US, O=Corp, CN=late' --password "$challenge"
pki --scepca --url "$url" --caout ca2.pem --raout ra2.pem --outform pem --force
cmp <(openssl x509 -in ca2.pem -outform DER) <(openssl x509 -in next.pem -outform DER)
mv ra2.pem ra.pem
cp ca.pem ca1.pem
mv ca2.pem ca.pem
strongswan new 'C=US, O=Corp, CN=new' --password "$challenge"
verify new.crt
verify late.crt
# Earlier certificates remain valid until they expire, and are renewed with the new key.
verify sw2.crt ca1.pem
strongswan sw4 'C=US, O=Corp, CN=sw' --cert sw2.crt --key sw2.key
verify sw4.crt
echo "done"
