#!/bin/bash
# The committed schemas are the ones that the tables give today.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
for kind in app config; do
    build/evenkeel schema $kind >"$work/$kind"
    if ! diff -u "schemas/$kind.schema.json" "$work/$kind" >"$work/diff"; then
        echo "schemas/$kind.schema.json is stale: run \`make schemas\` and commit the result"
        head -n 20 "$work/diff"
        bad=1
    fi
done
# So is the table of the policy's words in the README.
while IFS= read -r line; do
    if ! grep -qxF -- "$line" README.md; then
        echo "README.md lacks the line that \`evenkeel schema policy\` prints: $line"
        bad=1
    fi
done < <(build/evenkeel schema policy)
exit $bad
