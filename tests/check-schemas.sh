#!/bin/bash
# The committed schemas, and the table of fields in README.md, are the ones that the tables give today.
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
if ! diff -u <(sed -n '/^<!-- drift:/,/^<!-- \/drift/{/^<!--/d;p}' README.md) <(build/evenkeel schema drift) >"$work/diff"; then
    echo "the table of fields in README.md is stale: put the output of \`evenkeel schema drift\` there"
    head -n 20 "$work/diff"
    bad=1
fi
exit $bad
