#!/usr/bin/env bash
# Holds the management API to its own OpenAPI document: no 5xx, no undocumented status, nothing that breaks a schema.
# One check is left out, that data which fits the schema is taken: a body may fit its schema and name a profile that does
# not exist.
#
#   tests/interop/schemathesis.sh API_URL TOKEN FOLDER
set -euo pipefail
api=$1 token=$2 tools=$3
here=$(cd "$(dirname "$0")" && pwd)
"$tools/schemathesis/bin/schemathesis" --config-file "$here/schemathesis.toml" run "$api/openapi.json" --url "${api%/api/v1}" -H "Authorization: Bearer $token" \
    --exclude-checks positive_data_acceptance --continue-on-failure --seed 8894 -n 20
