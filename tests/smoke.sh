#!/usr/bin/env bash
# Tries a deployed server from outside: the step after `sam deploy`, see docs/deploy.md.
# `tests/smoke.sh --help` describes its use. It needs bash, curl, jq and openssl 1.1.1 or newer; no
# SCEP client, because none lets its caller choose how a message is written into a URL.
set -euo pipefail
umask 077

describe_use() {
    cat <<'END'
tests/smoke.sh [OPTIONS] API_URL TOKEN

Makes an authority and profiles of its own on a server, enrols by GET and POST as devices do, and
removes what it made. Prints a line for each check; exits with 0 if all passed, 1 if one failed, and
2 if it could not begin.

  API_URL              the management API: the output ApiUrl of the stack, or http://HOST:PORT/api/v1
  TOKEN                a token with the scopes read, write and approve; - reads it from standard input

  --authority NAME     use this authority, and make none. Without it, the key of the authority that
                       is made remains in KMS: the last lines say how to delete it
  --edge URL           also try the edge, at the host of this URL (output EdgeScepUrl), over http
  --reader TOKEN       also try a token with the scope read alone
  --access-log GROUP   also look for each request in the access log of API Gateway, the log group
                       /scepter/STACK/api. Needs the AWS CLI and logs:FilterLogEvents
  --settle SECONDS     how long an edit takes to be seen; 6 if not given (ProfilesMaxAgeSeconds + 1)
  --bytes SIZE         size of the longest message that is sent by GET; 6000 if not given, 5000 at
                       the edge
  --help               print this

A server behind a proxy or with a certificate of its own: set http_proxy, https_proxy or
CURL_CA_BUNDLE, which curl reads.
END
}
refuse_use() { printf '%s\nSee tests/smoke.sh --help.\n' "$*" >&2; exit 2; }

authority_name='' edge='' reader='' access_log='' settle=6 longest=6000
while [ $# -gt 0 ]; do
    case $1 in
        --help) describe_use; exit 0 ;;
        --authority | --edge | --reader | --access-log | --settle | --bytes)
            [ $# -ge 2 ] || refuse_use "$1 needs a value."
            case $1 in
                --authority) authority_name=$2 ;;
                --edge) edge=$2 ;;
                --reader) reader=$2 ;;
                --access-log) access_log=$2 ;;
                --settle) settle=$2 ;;
                --bytes) longest=$2 ;;
            esac
            shift 2 ;;
        --*) refuse_use "There is no option $1." ;;
        *) break ;;
    esac
done
[ $# -eq 2 ] || refuse_use "An API URL and a token are needed."
for number in "$settle" "$longest"; do
    [[ $number =~ ^[0-9]{1,5}$ ]] || refuse_use "$number is not a number."
done
[[ $1 =~ ^https?://[^/?#]+(/.*)?$ ]] || refuse_use "$1 is not a URL."
base=${1%/}
base=${base%/api/v1}
token=$2
[ "$token" != - ] || IFS= read -r token || [ -n "$token" ] || refuse_use "There is no token on standard input."
if [ -n "$edge" ]; then
    [[ $edge =~ ^https?://[^/?#]+ ]] || refuse_use "$edge is not a URL."
    edge=http://${BASH_REMATCH[0]#*://}
fi
for program in curl jq openssl ${access_log:+aws}; do
    command -v "$program" >/dev/null || refuse_use "$program is not installed."
done

folder=$(mktemp -d)
cd "$folder"
passed=0 failed=0
made=() # what is removed at the end: METHOD PATH, last first
key=''
: >request-ids
dispatched=0 # GET requests of SCEP at API Gateway

# ---- Output
step() { printf '== %s\n' "$*"; }
pass() { passed=$((passed + 1)); printf 'ok      %s\n' "$*"; }
fail() { failed=$((failed + 1)); printf 'FAILED  %s\n' "$*"; }
# Ends the run at what the rest depends on.
give_up() { fail "$*"; exit 1; }
summarise() {
    local code=$?
    trap - EXIT
    remove_what_was_made
    cd /
    rm -rf "$folder"
    if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then
        fail "the script ended early, with exit code $code"
    fi
    if [ -n "$key" ]; then
        printf 'The key of the authority remains in KMS, 1.00 USD a month. To delete it:\n'
        printf '    aws kms schedule-key-deletion --pending-window-in-days 7 --key-id %s\n' "$key"
    fi
    printf '%s checks passed, %s failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ] || exit 1
}
trap summarise EXIT
trap 'exit 1' HUP INT TERM

# ---- HTTP
status=000
fetch() { # NAME CURL_ARGUMENTS…: the body to the file NAME, the head to NAME.head, and sets status
    local name=$1
    shift
    : >"$name"
    : >"$name.head"
    status=$(curl -sS --max-time 60 -o "$name" -D "$name.head" -w '%{http_code}' "$@" 2>"$name.error") || status=000
    # API Gateway names each request so, and its access log as well.
    sed -n 's/^apigw-requestid: *\([A-Za-z0-9=_-]*\).*/\1/Ip' "$name.head" >>request-ids
}
expect() { # STATUS[|STATUS] WHAT CURL_ARGUMENTS…: one check; the body is in the file `answer`
    local wanted=$1 what=$2
    shift 2
    fetch answer "$@"
    if [[ $status =~ ^($wanted)$ ]]; then
        pass "$what: $status"
        return 0
    fi
    fail "$what: $status instead of ${wanted/|/ or }: $(head -c 300 answer answer.error 2>/dev/null | tr -cd '[:print:] ')"
    return 1
}
# Arguments of a process can be read by others on the same machine, files of mode 600 cannot.
printf 'Authorization: Bearer %s\n' "$token" >authorization
printf 'Authorization: Bearer %s\n' "$reader" >reader
call() { # METHOD PATH [BODY]: prints the answer, or fails
    local method=$1 path=$2
    printf '%s' "${3:-}" >body
    fetch called -X "$method" -H @authorization ${3:+--data-binary @body} "$base/api/v1$path"
    case $status in
        2??) cat called ;;
        *)
            printf '        %s %s: %s %s\n' "$method" "$path" "$status" "$(cat called called.error)" >&2
            return 1 ;;
    esac
}
remove_what_was_made() {
    local index
    for ((index = ${#made[@]} - 1; index >= 0; index--)); do
        # shellcheck disable=SC2086 # METHOD PATH [BODY] have no blanks
        call ${made[index]} >/dev/null || fail "remove ${made[index]}"
    done
}

# ---- DER, as hexadecimal digits
to_hex() { od -An -v -tx1 | tr -d ' \n'; }
from_hex() { # shellcheck disable=SC2059 # the format is the octets
    printf "$(sed 's/../\\x&/g')"
}
der() { # TAG CONTENT…
    local tag=$1 content length
    shift
    content=$(printf '%s' "$@")
    length=$((${#content} / 2))
    if [ "$length" -lt 128 ]; then printf '%s%02x%s' "$tag" "$length" "$content"
    elif [ "$length" -lt 256 ]; then printf '%s81%02x%s' "$tag" "$length" "$content"
    else printf '%s82%04x%s' "$tag" "$length" "$content"
    fi
}
attribute() { der 30 "$1" "$(der 31 "$2")"; } # OID VALUE
printable() { der 13 "$(printf '%s' "$1" | to_hex)"; }
data=06092a864886f70d010701 signed_data=06092a864886f70d010702
sha256=300d06096086480165030402010500 rsa_encryption=300d06092a864886f70d0101010500

# ---- A device
make_device() { # NAME CHALLENGE [PADDING]: NAME.key, NAME.pem (self-signed), NAME.csr
    printf '%s\n' '[req]' prompt=no distinguished_name=name attributes=attributes '[name]' "CN=$1" \
        '[attributes]' "challengePassword=$2" >"$1.conf"
    openssl req -new -newkey rsa:2048 -nodes -keyout "$1.key" -config "$1.conf" -outform DER -out "$1.csr" 2>/dev/null
    # The server ignores what a client's own certificate says beside its key, such as this comment.
    printf '%s\n' '[req]' prompt=no distinguished_name=name x509_extensions=more '[name]' "CN=$1" \
        '[more]' "nsComment=$(printf '%*s' "${3:-1}" '' | tr ' ' x)" >"$1.conf"
    openssl req -x509 -new -key "$1.key" -days 1 -config "$1.conf" -out "$1.pem"
}
build_message() { # NAME: NAME.message, a PKCSReq to the RA in ra.pem (RFC 8894, section 3.2)
    local name=$1 certificate envelope attributes issuer serial
    certificate=$(openssl x509 -in "$name.pem" -outform DER | to_hex)
    openssl cms -encrypt -binary -aes-128-cbc -outform DER -in "$name.csr" -out "$name.envelope" ra.pem
    envelope=$(to_hex <"$name.envelope")
    # A set is sorted in DER, by its octets.
    attributes=$({
        attribute 06092a864886f70d010903 "$data"; echo
        attribute 06092a864886f70d010904 "$(der 04 "$(openssl dgst -sha256 -binary "$name.envelope" | to_hex)")"; echo
        attribute 060a6086480186f845010902 "$(printable 19)"; echo
        attribute 060a6086480186f845010905 "$(der 04 "$(openssl rand -hex 16)")"; echo
        attribute 060a6086480186f845010907 "$(printable "$name-$(openssl rand -hex 8)")"; echo
    } | LC_ALL=C sort | tr -d '\n')
    der 31 "$attributes" | from_hex | openssl dgst -sha256 -sign "$name.key" -binary >"$name.signature"
    # The certificate's second INTEGER is its serial number, and its third SEQUENCE its issuer: the
    # first is what is signed, the second an algorithm.
    openssl asn1parse -in "$name.pem" >"$name.parsed"
    serial=$(take_element "$name.parsed" "$certificate" INTEGER 1)
    issuer=$(take_element "$name.parsed" "$certificate" SEQUENCE 2)
    der 30 "$signed_data" "$(der a0 "$(der 30 020101 "$(der 31 "$sha256")" \
        "$(der 30 "$data" "$(der a0 "$(der 04 "$envelope")")")" "$(der a0 "$certificate")" \
        "$(der 31 "$(der 30 020101 "$(der 30 "$issuer" "$serial")" "$sha256" "$(der a0 "$attributes")" \
            "$rsa_encryption" "$(der 04 "$(to_hex <"$name.signature")")")")")")" | from_hex >"$name.message"
}
take_element() { # PARSED HEX TYPE N: the Nth element of this type at depth 2, as hexadecimal digits
    local offset length
    read -r offset length < <(sed -n "s/^ *\([0-9]*\):d=2 *hl= *\([0-9]*\) *l= *\([0-9]*\) *[a-z]*: $3.*/\1 \2 \3/p" "$1" |
        awk -v n="$4" 'NR == n { print $1, $2 + $3 }')
    printf '%s' "${2:offset * 2:length * 2}"
}
read_text() { # OID: the text of this attribute of the CertRep in `answer`
    openssl asn1parse -inform DER -in answer 2>/dev/null | grep -A 2 -F "OBJECT            :$1" |
        sed -n 's/.*STRING *://p' | head -n 1
}
expect_refusal() { # WHAT
    if [ "$status" = 200 ] && [ "$(read_text 2.16.840.1.113733.1.9.3)" = 2 ]; then
        pass "$1: refused"
    else
        fail "$1: not refused, with $status"
    fi
}
receive() { # NAME WHAT: checks the CertRep in `answer` and takes the certificate from it into NAME.crt
    local name=$1 what=$2
    if [ "$status" != 200 ]; then
        fail "$what: $status $(head -c 300 answer | tr -cd '[:print:] ')$(cat answer.error)"
        return 1
    fi
    if [ "$(read_text 2.16.840.1.113733.1.9.3)" != 0 ]; then
        fail "$what: not SUCCESS: failInfo $(read_text 2.16.840.1.113733.1.9.4) $(read_text 1.3.6.1.5.5.7.24.1)"
        return 1
    fi
    openssl cms -verify -inform DER -binary -in answer -CAfile ca.pem -certfile ra.pem -purpose any -out reply 2>errors &&
        openssl cms -decrypt -inform DER -binary -in reply -recip "$name.pem" -inkey "$name.key" -out chain 2>errors &&
        openssl pkcs7 -inform DER -in chain -print_certs 2>errors | openssl x509 -out "$name.crt" 2>errors &&
        openssl verify -partial_chain -trusted ca.pem "$name.crt" >errors 2>&1 &&
        [ "$(openssl x509 -in "$name.crt" -noout -pubkey)" = "$(openssl pkey -in "$name.key" -pubout)" ] ||
        { fail "$what: the reply is not a certificate of the request: $(cat errors)"; return 1; }
    pass "$what: a certificate"
}
# The message in a query, as clients write it: every character of base64 that means something else
# there is escaped.
escape() { openssl base64 -A -in "$1" | sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g'; }
# As clients that keep the lines of base64, such as sscep.
escape_lines() { openssl base64 -in "$1" | sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g; s/$/%0A/' | tr -d '\n'; }
enrol_by_get() { # NAME WHAT URL ESCAPE
    build_message "$1"
    # A long URL does not fit into an argument of every system, so curl reads it from a file.
    printf 'url = "%s?operation=PKIOperation&message=%s"\n' "$3" "$("$4" "$1.message")" >url
    dispatched=$((dispatched + 1))
    fetch answer --config url
    receive "$1" "$2, $(wc -c <"$1.message" | tr -d ' ') octets" || true
}
enrol_by_post() { # NAME WHAT URL
    build_message "$1"
    fetch answer -H 'Content-Type: application/x-pki-message' --data-binary "@$1.message" "$3?operation=PKIOperation"
    receive "$1" "$2"
}
make_long_device() { # NAME SIZE: a device whose message has about this size
    make_device "$1" "$challenge"
    build_message "$1"
    local missing=$(($2 - $(wc -c <"$1.message")))
    [ "$missing" -le 0 ] || make_device "$1" "$challenge" "$missing"
}

# ---- Management
began=$(date +%s)
step "management at $base/api/v1"
expect 200 "the OpenAPI document, without a token" "$base/api/v1/openapi.json" || true
expect 401 "no token" "$base/api/v1/authorities" || true
expect 401 "a wrong token" -H 'Authorization: Bearer wrong' "$base/api/v1/authorities" || true
expect 200 "the token" -H @authorization "$base/api/v1/authorities" || give_up "the token is not accepted"
if [ -n "$reader" ]; then
    expect 200 "a token with the scope read reads" -H @reader "$base/api/v1/authorities" || true
    expect 403 "a token with the scope read does not write" -H @reader -X POST --data '{}' "$base/api/v1/authorities" || true
fi

step "an authority and its profiles"
unique=$(openssl rand -hex 4)
name=smoke-$unique
challenge=$(openssl rand -hex 16)
if [ -n "$authority_name" ]; then
    authority=$(call GET /authorities | jq -r --arg name "$authority_name" '.[] | select(.name == $name) | .uuid')
    [ -n "$authority" ] || give_up "there is no authority $authority_name"
else
    authority_name=$name
    answer=$(call POST /authorities "{\"name\": \"$name\", \"subject\": \"CN=$name\", \"keyAlgorithm\": \"EC_P256\", \"validity\": \"P1D\"}") ||
        give_up "make an authority"
    authority=$(jq -r .uuid <<<"$answer")
    made+=("DELETE /authorities/$authority?force=true")
    # Another key store has no ARN, and nothing that is left to pay.
    key=$(jq -r '.keyReference | select(type == "string" and startswith("arn:")) // empty' <<<"$answer")
fi
make() { # PATH BODY: makes an object and sets uuid
    local answer
    answer=$(call POST "$1" "$2") || give_up "POST $1"
    uuid=$(jq -r .uuid <<<"$answer")
}
make "/authorities/$authority/raCertificates" '{"commonName": "Smoke RA", "validity": "P1D"}'
ra=$uuid
made+=("DELETE /authorities/$authority/raCertificates/$ra")
make "/authorities/$authority/raProfiles" "{\"name\": \"$name\", \"enabled\": true, \"certificateTemplate\": {\"validity\": \"PT1H\"}}"
ra_profile=$uuid
made+=("DELETE /authorities/$authority/raProfiles/$ra_profile")
make /scepProfiles "{\"name\": \"$name\", \"caCertificateUuid\": \"$ra\", \"raProfileUuid\": \"$ra_profile\", \"challengePassword\": \"$challenge\"}"
profile=$uuid
made+=("DELETE /scepProfiles/delete/force [\"$profile\"]")
call PATCH "/scepProfiles/$profile/enable" >/dev/null || give_up "enable the SCEP Profile"
pass "an authority, an RA certificate, an RA Profile and a SCEP Profile"
sleep "$settle"

# ---- SCEP
path=/api/v1/protocols/scep/$name/pkiclient.exe
scep=$base$path
step "SCEP at $scep"
expect 200 "GetCACaps" "$scep?operation=GetCACaps" || give_up "no answer to GetCACaps"
for capability in POSTPKIOperation SHA-256 AES; do
    if grep -q "^$capability" answer; then
        pass "capability $capability"
    else
        fail "capability $capability: $(tr '\r\n' '  ' <answer)"
    fi
done
expect 200 "HEAD of GetCACaps" --head "$scep?operation=GetCACaps" || true
expect 200 "GetCACert" "$scep?operation=GetCACert" || give_up "no answer to GetCACert"
openssl pkcs7 -inform DER -in answer -print_certs 2>/dev/null | awk '/BEGIN/ { n++ } n { print >("got" n ".pem") }' || true
for certificate in got*.pem; do
    [ -e "$certificate" ] || give_up "GetCACert returned no certificates"
    case $(openssl x509 -in "$certificate" -noout -text) in
        *CA:TRUE*) cat "$certificate" >>ca.pem ;;
        *) cp "$certificate" ra.pem ;;
    esac
done
[ -s ca.pem ] && [ -s ra.pem ] || give_up "GetCACert returned no CA or no RA certificate"
pass "the certificates of the CA and the RA"
expect 404 "no such profile" "$base/api/v1/protocols/scep/$name-no/pkiclient.exe?operation=GetCACaps" || true
# Two routes of API Gateway take a PUT: that of SCEP answers 405, and that of administration asks for
# a token. Without an operation, it may not send a request to itself again.
expect '400|404' "no operation" "$scep" || true
expect '405|401' "PUT" -X PUT "$scep" || true

step "enrolment"
# The GET answers are 404, 400 or a broken message if a gateway decodes the query and writes it anew.
make_device post "$challenge"
enrol_by_post post "POST" "$scep" || give_up "no certificate by POST"
make_device get "$challenge"
enrol_by_get get "GET with %2B and %2F" "$scep" escape
make_device lines "$challenge"
enrol_by_get lines "GET with %0A" "$scep" escape_lines
make_long_device long "$longest"
enrol_by_get long "GET" "$scep" escape
make_device wrong "$(openssl rand -hex 16)"
build_message wrong
fetch answer --data-binary @wrong.message -H 'Content-Type: application/x-pki-message' "$scep?operation=PKIOperation"
expect_refusal "a wrong challengePassword"

if [ -n "$edge" ]; then
    step "the edge at $edge"
    expect 200 "GetCACaps over http" "$edge$path?operation=GetCACaps" || true
    make_device edge-post "$challenge"
    enrol_by_post edge-post "POST over http" "$edge$path" || true
    # CloudFront takes URLs of 8,192 octets.
    make_long_device edge-get $((longest < 5000 ? longest : 5000))
    enrol_by_get edge-get "GET over http" "$edge$path" escape
    dispatched=$((dispatched - 1)) # the edge sends it where it is answered
fi

step "inventory, revocation and CRL"
crl=$base/crl/$authority_name.crl
named=$(openssl x509 -in post.crt -noout -ext crlDistributionPoints 2>/dev/null | sed -n 's/.*URI://p' | head -n 1)
if [ -n "$named" ]; then
    expect 200 "the CRL that certificates name, $named" "$named" || true
else
    fail "certificates name no CRL"
fi
expect 200 "HEAD of the CRL" --head "$crl" || true
expect 200 "the CRL" "$crl" || true
tag=$(sed -n 's/^etag: *\("[^"]*"\).*/\1/Ip' answer.head)
if [ -n "$tag" ]; then
    expect 304 "the CRL, unchanged" -H "If-None-Match: $tag" "$crl" || true
else
    fail "the CRL has no ETag"
fi
for certificate in *.crt; do
    serial=$(openssl x509 -in "$certificate" -noout -serial | cut -d= -f2)
    uuid=$(call GET "/certificates?serialNumber=$serial" | jq -r '.items[0].uuid // empty') || true
    if [ -z "$uuid" ] || ! call POST "/certificates/$uuid/revoke" '{"reason": "cessationOfOperation"}' >/dev/null; then
        fail "find and revoke ${certificate%.crt}, $serial"
    fi
done
sleep "$settle"
expect 200 "the CRL after revocation" "$crl" || true
openssl crl -inform DER -in answer -out crl.pem 2>errors || true
openssl verify -crl_check -partial_chain -trusted ca.pem -CRLfile crl.pem post.crt >errors 2>&1 || true
if grep -q 'certificate revoked' errors; then
    pass "the CRL has the revoked certificate"
else
    fail "the CRL: $(cat errors)"
fi

# ---- The access log
search_access_log() { # FIELD VALUE: the number of lines since the beginning in which the field matches
    # The AWS CLI prints one number for each page of the answer.
    aws logs filter-log-events --log-group-name "$access_log" --start-time $((began * 1000)) \
        --filter-pattern "{ \$.$1 = \"$2\" }" --query 'length(events)' --output text |
        awk '{ sum += $1 } END { print sum + 0 }'
}
if [ -n "$access_log" ]; then
    step "the access log $access_log"
    [ -s request-ids ] || fail "no answer had an apigw-requestid"
    # The log arrives within a minute or two; the last request's line shows that it has.
    for _ in $(seq 24); do
        [ "$(search_access_log requestId "$(tail -n 1 request-ids)")" = 0 ] || break
        sleep 5
    done
    wrong=''
    while IFS= read -r id; do
        count=$(search_access_log requestId "$id")
        [ "$count" = 1 ] || wrong="$wrong $id:$count"
    done <request-ids
    count=$(wc -l <request-ids | tr -d ' ')
    if [ -z "$wrong" ]; then
        pass "$count requests, a line each"
    else
        fail "requests with another number of lines than 1:$wrong"
    fi
    # Each GET of SCEP is sent to the API a second time, at a path with its operation.
    count=$(search_access_log routeKey '*/internal/scep/*')
    if [ "$count" -ge "$dispatched" ]; then
        pass "$dispatched GET requests of SCEP, a second line each"
    else
        fail "$count second lines for $dispatched GET requests of SCEP"
    fi
fi
