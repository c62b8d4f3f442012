#!/bin/bash
# The committed schemas, and the table of fields in README.md, are the ones that the tables give today.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
for file in app.schema.json config.schema.json compose.md openapi.json; do
    build/evenkeel schema "${file%%.*}" >"$work/now"
    if ! diff -u "schemas/$file" "$work/now" >"$work/diff"; then
        echo "schemas/$file is stale: run \`make schemas\` and commit the result"
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
# And the API is described in a way that a strict reader takes.
tests/check-openapi.py schemas/openapi.json || bad=1
if ! diff -u <(sed -n '/^<!-- drift:/,/^<!-- \/drift/{/^<!--/d;p}' README.md) <(build/evenkeel schema drift) >"$work/diff"; then
    echo "the table of fields in README.md is stale: put the output of \`evenkeel schema drift\` there"
    head -n 20 "$work/diff"
    bad=1
fi
exit $bad
