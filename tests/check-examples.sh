#!/bin/bash
# Every example validates without an error or a warning, and holds at least one app.
set -uo pipefail
cd "$(dirname "$0")/.."
passed=0 failed=0
for dir in examples/*/; do
    [ "$dir" != examples/monitoring/ ] || continue # no specs; tests/check-metrics.py reads it
    output=$(build/evenkeel validate "$dir" 2>&1) && ok=yes || ok=
    if [ -n "$ok" ] && [[ $output == *": 0 errors, 0 warnings"* ]] && [[ $output != *" 0 apps"* ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $dir: $output"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ] && [ $passed -gt 0 ]
