#!/bin/bash
# The committed schemas are the ones that the tables give today.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
for file in app.schema.json config.schema.json compose.md; do
    build/evenkeel schema "${file%%.*}" >"$work/now"
    if ! diff -u "schemas/$file" "$work/now" >"$work/diff"; then
        echo "schemas/$file is stale: run \`make schemas\` and commit the result"
        head -n 20 "$work/diff"
        bad=1
    fi
done
exit $bad
