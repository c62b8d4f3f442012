#!/bin/bash
# The whole test run behind `make check` (and, with --all, `make check-all`): installs what is missing, builds with every
# warning an error, checks the walls of the house, runs unit and golden tests, then everything on a real engine. Each part
# prints its own "N passed, N failed, N skipped"; the last line is their sum.
set -uo pipefail
cd "$(dirname "$0")/.."

all=
[ "${1:-}" != --all ] || all=yes
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
jobs=$(nproc)

# part TITLE COMMAND...: its counts are taken from its last line of counts; without one it counts as one test.
part() {
    local title=$1 status=0 counts p f s begin=$SECONDS
    shift
    echo "== $title"
    "$@" >"$log" 2>&1 || status=$?
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1)
    if [ -n "$counts" ]; then
        read -r p _ f _ s _ <<<"$counts"
        f=${f%,} s=${s:-0}
        grep -vE '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | grep -vE '^  (CC|TEST|LINK) ' | sed 's/^/   /'
        [ "$status" = 0 ] || [ "$f" -gt 0 ] || f=1
    else
        p=1 f=0 s=0
        if [ "$status" != 0 ]; then
            p=0 f=1
            tail -n 60 "$log" | sed 's/^/   /'
        fi
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    echo "   $p passed, $f failed, $s skipped ($((SECONDS - begin)) s)"
}

tests/deps.sh test && tests/deps.sh engine || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

part "build (every warning is an error)" make -j"$jobs" WERROR=1 all unit-programs engine-programs
part "layers" make -s check-layers
part "purity" make -s check-pure
part "headers" make -s check-headers
part "generated schemas" tests/check-schemas.sh
part "examples" tests/check-examples.sh
part "unit and golden tests" make -s unit
part "Compose files, as docker compose reads them" tests/compose-config.py
part "engine" env EVENKEEL_TEST_TIMEOUT=600 tests/run-engine.sh

if [ -n "$all" ]; then
    tests/deps.sh browser || true # not every distribution has one; then its tests are skipped
    part "pages in a browser" tests/run-engine.sh --browser
    part "newer engine" env EVENKEEL_TEST_TIMEOUT=600 tests/run-engine.sh --modern
    part "build with clang" make -j"$jobs" CC=clang DEV=1 all unit-programs
    part "unit tests, address and undefined behaviour" make -j"$jobs" -s SAN=address,undefined unit
    part "unit tests, threads" make -j"$jobs" -s SAN=thread unit
    part "build for the sanitized engine tests" make -j"$jobs" -s SAN=address,undefined all engine-programs
    part "engine, address and undefined behaviour" env EVENKEEL=build/variant-gcc-address-undefined/evenkeel \
        EVENKEEL_TEST_SLOW=yes EVENKEEL_TEST_TIMEOUT=900 tests/run-engine.sh
    part "valgrind" tests/check-valgrind.sh
    part "fuzz smoke" env FUZZ_SECONDS=20 tests/fuzz.sh
    part "formatting" tests/check-format.sh
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
