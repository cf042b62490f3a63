#!/usr/bin/env bash
# Holds the templates to cfn-lint, sam and checkov; infra/checkov.yaml has the exceptions, each with its reason.
# Holds the rules on parameters to the combinations in rules.py.
#
#   tests/cloud/lint.sh TOOLS      where tests/interop/install.sh put them
set -euo pipefail
tools=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-central-1 PATH=$tools/sam/bin:$PATH
cfn-lint template.yaml infra/edge.yaml infra/watch.yaml infra/deployer.yaml
sam validate --lint --template template.yaml >/dev/null
"$tools/checkov/bin/checkov" --config-file infra/checkov.yaml \
    --file template.yaml infra/edge.yaml infra/watch.yaml infra/deployer.yaml
"$tools/ministack/bin/python" tests/cloud/rules.py
# tests/release takes long, so that a template of another form is to be seen here.
python3 -B tests/release_archive.py --template arm64 <template.yaml >/dev/null
echo "templates: clean"
