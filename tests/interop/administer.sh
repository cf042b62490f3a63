#!/usr/bin/env bash
# Sets up an empty server with curl and enrols a device with strongSwan's pki, following the order
# of docs/administration.md.
#
#   tests/interop/administer.sh API_URL TOKEN      works in the current folder, which is empty
set -euo pipefail
api=$1 token=$2

call() { # METHOD PATH [BODY]: prints the response, or fails with its error message
    status=$(curl -sS -o answer -w '%{http_code}' -X "$1" -H "Authorization: Bearer $token" ${3:+--data "$3"} "$api$2")
    if [ "$status" -ge 400 ]; then
        echo "$1 $2: $status $(cat answer)" >&2
        return 1
    fi
    cat answer
}
refused() { # STATUS TEXT METHOD PATH [BODY]: expects an error with this status and text
    wanted=$1 text=$2
    shift 2
    if call "$@" 2>why; then
        echo "$* was not refused" >&2
        exit 1
    fi
    grep -qF ": $wanted " why && grep -qF "$text" why || { cat why >&2; exit 1; }
}
# In AWS an edit takes effect after SETTLE seconds, because functions cache profiles.
settle() { sleep "${SETTLE:-0}"; }
step() { echo "== $*"; }

step "a root, and a subordinate of an external root"
call POST /authorities '{"name": "corp-root", "subject": "CN=Corp Root,O=Corp", "keyAlgorithm": "EC_P384", "validity": "P20Y"}' >root.json
[ "$(jq -r .state root.json)" = ACTIVE ]
sub=$(call POST /authorities '{"name": "corp-ca", "kind": "SUBORDINATE", "subject": "CN=Corp Device CA,O=Corp", "keyAlgorithm": "EC_P256"}' | jq -r .uuid)
call GET "/authorities/$sub/csr" >sub.csr
openssl req -in sub.csr -noout -verify
cat >openssl.cnf <<'END'
[req]
distinguished_name = dn
x509_extensions = ca
[dn]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
openssl req -x509 -new -newkey rsa:3072 -noenc -keyout outside.key -days 3650 -subj "/O=Outside/CN=Outside Root" -config openssl.cnf -out outside.pem
openssl x509 -req -in sub.csr -CA outside.pem -CAkey outside.key -CAcreateserial -days 1825 -extfile openssl.cnf -extensions ca -out sub.pem
refused 422 "the issuer's certificate is missing" POST "/authorities/$sub/certificate" "$(jq -n --rawfile c sub.pem '{certificate: $c}')"
call POST "/authorities/$sub/certificate" "$(jq -n --rawfile c sub.pem --rawfile r outside.pem '{certificate: $c, chain: [$r]}')" >sub.json
[ "$(jq -r .state sub.json)" = ACTIVE ]

step "an RA certificate, an RA Profile with rules, a SCEP Profile"
ra=$(call POST "/authorities/$sub/raCertificates" '{"commonName": "Corp Device RA", "keyAlgorithm": "RSA_2048", "validity": "P2Y"}' | jq -r .uuid)
call GET "/scepProfiles/caCertificates?intuneEnabled=false" | jq -e --arg ra "$ra" 'any(.uuid == $ra)' >/dev/null
ra_profile=$(call POST "/authorities/$sub/raProfiles" '{
    "name": "routers", "description": "Routers",
    "certificateTemplate": {
        "validity": "P90D",
        "subject": {"allowed": ["CN", "O"], "fixed": {"O": "Corp"}, "commonNamePattern": "router-[0-9]+(\\.corp\\.example)?"},
        "subjectAltName": {"types": ["dns"], "patterns": {"dns": ".*\\.corp\\.example"}},
        "extendedKeyUsage": ["clientAuth", "serverAuth"]
    }}' | jq -r .uuid)
challenge="chal'lenge"
scep_profile=$(call POST /scepProfiles "$(jq -n --arg ra "$ra" --arg challenge "$challenge" '{
    name: "routers", caCertificateUuid: $ra, enableChallengePassword: true, challengePassword: $challenge,
    includeCaCertificate: true, certificateAssociations: {owner: "network", groups: ["routers"]}}')" | jq -r .uuid)

step "links in both directions"
scep_url=$(call PATCH "/raProfiles/$ra_profile/protocols/scep/activate/$scep_profile" '{"issueCertificateAttributes": []}' | jq -r .url)
call PATCH "/scepProfiles/$scep_profile/raProfiles/$ra_profile"
default_url=$(call GET "/scepProfiles/$scep_profile" | jq -r .scepUrl)
[ "$default_url" != "$scep_url" ]
caps() { curl -sS -o caps -w '%{http_code}' "$1?operation=GetCACaps"; }
[ "$(caps "$default_url")" = 403 ] && grep -q 'the SCEP Profile is disabled' caps
call PATCH /scepProfiles/enable "[\"$scep_profile\"]" | jq -e '. == []' >/dev/null
settle
[ "$(caps "$scep_url")" = 403 ] && grep -q 'the RA Profile is disabled' caps
call PATCH "/authorities/$sub/raProfiles/$ra_profile/enable"
settle

step "a device enrols at either URL"
pki --scepca --url "$default_url" --caout ca.pem --raout ra.pem --outform pem --force
enrol() { # NAME URL CN
    openssl genrsa -traditional -out "$1.key" 2048 2>/dev/null
    pki --scep --url "$2" --in "$1.key" --dn "CN=$3" --san "$1.corp.example" --password "$challenge" \
        --cacert-enc ra.pem --cacert-sig ra.pem --cacert ca.pem --cipher aes --digest sha256 --outform pem >"$1.crt"
}
enrol router-1 "$default_url" router-1
enrol router-2 "$scep_url" router-2.corp.example
for device in router-1 router-2; do
    openssl verify -x509_strict -CAfile outside.pem -untrusted sub.pem "$device.crt"
done
openssl x509 -in router-1.crt -noout -subject -ext subjectAltName,extendedKeyUsage | tee router-1.txt
grep -q 'O = Corp, CN = router-1' router-1.txt
grep -q 'DNS:router-1.corp.example' router-1.txt
grep -q 'TLS Web Client Authentication, TLS Web Server Authentication' router-1.txt

step "a rule refuses, and an edit applies to the next request"
if enrol laptop "$default_url" laptop 2>log; then
    echo "a CN that matches no pattern was taken" >&2
    exit 1
fi
call PUT "/raProfiles/$ra_profile" '{"certificateTemplate": {"validity": "P30D"}}' >/dev/null
settle
enrol laptop "$default_url" laptop
call PATCH "/scepProfiles/$scep_profile/disable"
settle
[ "$(caps "$default_url")" = 403 ]
call PATCH "/scepProfiles/$scep_profile/enable"
settle
[ "$(caps "$default_url")" = 200 ]

step "the inventory"
[ "$(call GET "/certificates?raProfileUuid=$ra_profile&status=VALID" | jq '.items | length')" = 3 ]
call GET "/certificates?subject=router-1" >found.json
[ "$(jq -r '.items[0].subject' found.json)" = "CN=router-1,O=Corp" ]
uuid=$(jq -r '.items[0].uuid' found.json)
call GET "/certificates/$uuid/pem" >downloaded.pem
cmp <(openssl x509 -in downloaded.pem -outform DER) <(openssl x509 -in router-1.crt -outform DER)
[ "$(call GET "/certificates/$uuid" | jq -r .certificateAssociations.owner)" = network ]
[ "$(call GET "/certificates?serialNumber=$(openssl x509 -in router-1.crt -noout -serial | cut -d= -f2)" | jq -r '.items[0].uuid')" = "$uuid" ]
call GET "/scepTransactions?status=ISSUED" | jq -e --arg uuid "$uuid" 'any(.items[]; .certificateUuid == $uuid and .raProfile.name == "routers")' >/dev/null
first=$(call GET "/certificates?limit=1")
call GET "/certificates?limit=2&cursor=$(jq -r .cursor <<<"$first")" | jq -e '.items | length == 2' >/dev/null
call GET "/auditRecords?objectUuid=$scep_profile" | jq -e '[.items[].action] == ["enable", "disable", "enable", "edit", "create"]' >/dev/null
call GET "/auditRecords?limit=500" >records.json
if grep -qF "$challenge" records.json; then
    echo "the challengePassword is in a record" >&2
    exit 1
fi

step "objects with dependents are not deleted"
refused 422 "Dependent RA Profiles (1): routers" DELETE "/scepProfiles/$scep_profile"
refused 422 "Dependent SCEP Profiles (1): routers" DELETE "/raProfiles/$ra_profile"
call DELETE /scepProfiles/delete/force "[\"$scep_profile\"]" | jq -e '. == []' >/dev/null
settle
[ "$(caps "$scep_url")" = 403 ]
[ "$(caps "$default_url")" = 404 ]
call DELETE "/authorities/$sub/raProfiles/$ra_profile"
call DELETE "/authorities/$sub/raCertificates/$ra"
refused 422 "valid and not revoked" DELETE "/authorities/$sub"
call DELETE "/authorities/$sub?force=true"
[ "$(call GET "/certificates?subject=router" | jq '.items | length')" = 2 ]
echo "done"
