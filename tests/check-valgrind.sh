#!/bin/bash
# The unit programs and a few verbs under valgrind: no leak, no bad access. Tests that fork servers, measure time or race threads on purpose are left to
# the sanitizers.
set -uo pipefail
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "0 passed, 0 failed, 1 skipped"; exit 0; }
passed=0 failed=0
run() {
    if valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite "${@:2}" >"$log" 2>&1 || [ $? != 99 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1"
        grep -A12 '^==' "$log" | head -n 30
    fi
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for t in arena str yaml forms decode desired observed engine_encode engine_decode engine_stream bind run access sessions tokens; do
    [ -x "build/tests/unit/test_$t" ] && run "test_$t" "build/tests/unit/test_$t"
done
run validate build/evenkeel validate examples/*
run schema build/evenkeel schema app
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ] && [ $passed -gt 0 ]
