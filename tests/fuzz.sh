#!/bin/bash
# Builds each tests/fuzz/fuzz_*.c with clang's libFuzzer and both sanitizers and runs it for FUZZ_SECONDS (60) on its corpus. What it finds is
# left under build/fuzz and named.
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
passed=0 failed=0
make -s -j"$(nproc)" CC=clang SAN=address,undefined,fuzzer-no-link build/variant-clang-address-undefined-fuzzer-no-link/libevenkeel.a || exit 1
lib=build/variant-clang-address-undefined-fuzzer-no-link/libevenkeel.a
mkdir -p build/fuzz
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    # shellcheck disable=SC2046
    clang -std=c17 -D_GNU_SOURCE -I. -include spec/base/banned.h -g -O1 -fsanitize=address,undefined,fuzzer \
        $(pkg-config --cflags libcurl yaml-0.1 jansson libarchive zlib libsodium) -o "build/fuzz/$name" "$source" $lib \
        $(pkg-config --libs libcurl yaml-0.1 jansson sqlite3 libcrypto libarchive zlib libsodium) -linotifytools -lcivetweb -lm || { failed=$((failed + 1)); continue; }
    mkdir -p "build/fuzz/$name.new"
    if "build/fuzz/$name" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$name-" "build/fuzz/$name.new" "tests/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1; then
        passed=$((passed + 1))
        echo "ok   $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log") inputs in $seconds s"
    else
        failed=$((failed + 1))
        echo "FAIL $name:"
        grep -E 'SUMMARY|ERROR|Test unit written' "build/fuzz/$name.log" | head -n 5
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ] && [ $passed -gt 0 ]
