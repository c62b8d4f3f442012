#!/bin/sh
# Runs every unit program and the golden plans of one build folder; closes with one line of counts.
# EVENKEEL_UPDATE=1 rewrites expected output instead of comparing.
set -u
build=${1:-build}
cd "$(dirname "$0")/.."
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for t in "$build"/tests/unit/test_*; do
    case $t in *.d) continue ;; esac
    [ -x "$t" ] || continue
    timeout 120 "$t" >"$log" 2>&1
    status=$?
    p=$(grep -c '^\[       OK \]' "$log")
    f=$(grep -c '^\[  FAILED  \] [a-z_0-9]*$' "$log")
    s=$(grep -c '^\[  SKIPPED \] [a-z_0-9]*$' "$log")
    if [ $status -ne 0 ]; then
        [ "$f" -gt 0 ] || f=1
        echo "FAIL $(basename "$t") (status $status)"
        grep -vE '^\[( RUN      |       OK |==========|  PASSED  )\]' "$log" | tail -n 60 | sed 's/^/    /'
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
if [ -x "$build/tests/golden" ]; then
    if [ -n "${EVENKEEL_UPDATE:-}" ]; then set -- --update; else set --; fi
    timeout 300 "$build/tests/golden" "$@" >"$log" 2>&1
    status=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
    p=$(echo "$line" | sed -n 's/^\([0-9]*\) passed.*/\1/p')
    f=$(echo "$line" | sed -n 's/.* \([0-9]*\) failed.*/\1/p')
    if [ $status -ne 0 ]; then
        [ "${f:-0}" -gt 0 ] || f=1
        echo "FAIL golden plans"
        tail -n 80 "$log" | sed 's/^/    /'
    fi
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0}))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $passed -gt 0 ]
