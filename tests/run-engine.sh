#!/bin/bash
# Runs the engine tests (tests/engine/test_*.sh) on engines that are started for them, and closes with
# "N passed, N failed, N skipped".
#
#   tests/run-engine.sh [--modern] [--browser] [PART OF A NAME...]
#
# --browser runs tests/engine/browser_*.sh instead: what people see, in a real browser (tests/deps.sh browser installs one).
# If DOCKER_HOST is set, its engine is used instead; --modern always starts one, of a newer version
# (see tests/engine/engine.sh). EVENKEEL_TEST_TIMEOUT is each script's time limit in seconds (300).
# EVENKEEL_TEST_LANES engines stand side by side and take the next script each (2 with two cores or more; most scripts
# mostly wait); with more than one a script's lines come when it has ended.
set -euo pipefail

cd "$(dirname "$0")/.."
engine=tests/engine/engine.sh
limit=${EVENKEEL_TEST_TIMEOUT:-300}
modern=()
kind=test
while [[ ${1:-} == --* ]]; do
    case $1 in
    --modern) modern=(--modern) ;;
    --browser) kind=browser ;;
    *)
        echo "run-engine.sh: unknown option $1 (known: --modern, --browser)" >&2
        exit 2
        ;;
    esac
    shift
done

passed=0 failed=0 skipped=0
lanes=()
engines=()
work=$(mktemp -d)
: >"$work/counts"

# shellcheck disable=SC2317,SC2329
clean_up() {
    local one
    for one in "${lanes[@]}"; do
        kill -TERM "$one" 2>/dev/null || true
    done
    for one in "${lanes[@]}"; do
        wait "$one" || true
    done
    for one in "${engines[@]}"; do
        "$engine" stop "$one" || true
    done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

close_with_counts() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
    exit
}

skip_everything() {
    echo "skip engine tests: $1"
    skipped=1
    close_with_counts
}

selected() {
    local part
    [ $# -gt 1 ] || return 0
    for part in "${@:2}"; do
        [[ $(basename "$1") != *"$part"* ]] || return 0
    done
    return 1
}

# Nothing can be fetched from where the tests run.
if [ $kind = browser ] && command -v npm >/dev/null; then
    tests/engine/tools.sh playwright >/dev/null || skip_everything "no driver for the browser"
fi

# run_one SCRIPT [ENGINE'S FOLDER]: its output, then what it counted. Uses lane's variables.
run_one() {
    local started=$SECONDS status=0 log=$mine.log inside=() counts printer
    [ -z "${2:-}" ] || inside=("$engine" exec "$2")
    printf '%s\n' "$(basename "$1" .sh)"
    tee "$log" <"$mine.pipe" | sed -u 's/^/    /' &
    printer=$!
    # In the background, because bash acts on a signal only while it waits in this way.
    "${inside[@]}" timeout --kill-after=20 "$limit" bash "$1" </dev/null >"$mine.pipe" 2>&1 &
    child=$!
    wait "$child" || status=$?
    child=
    wait "$printer"
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1 || true)
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        echo "    FAIL $(basename "$1"): not done within $limit s"
        counts=${counts:-0 passed, 1 failed, 0 skipped}
    elif [ -z "$counts" ]; then
        echo "    FAIL $(basename "$1"): ended with status $status and without a result"
        counts='0 passed, 1 failed, 0 skipped'
    fi
    echo "$counts" >>"$work/counts"
    echo "    ($((SECONDS - started)) s)"
}

# Takes the first line of the queue; fails when there is none.
next_script() {
    local first
    exec 9>"$work/lock"
    flock 9
    first=$(head -n 1 "$work/queue")
    sed -i 1d "$work/queue"
    exec 9>&-
    [ -n "$first" ] && echo "$first"
}

# lane [ENGINE'S FOLDER]: runs what is queued, one after another.
lane() {
    local script child= mine=$work/$BASHPID
    # timeout passes the signal on to everything that the test started.
    trap '[ -z "$child" ] || { kill -TERM "$child" 2>/dev/null && wait "$child"; } || true; exit 143' TERM
    trap - EXIT
    mkfifo "$mine.pipe"
    if [ -n "${1:-}" ]; then
        export DOCKER_HOST=unix://$1/docker.sock EVENKEEL_TEST_ENGINE_DIR=$1
    fi
    while script=$(next_script); do
        if [ "$count" = 1 ]; then
            run_one "$script" "${1:-}"
        else
            run_one "$script" "${1:-}" >"$mine.block"
            flock "$work/lock" cat "$mine.block"
        fi
    done
}

# Starts an engine with the images that tests need.
prepare_engine() {
    "$engine" start "$1" --netns "${modern[@]}" >"$work/$(basename "$1").log"
    DOCKER_HOST=unix://$1/docker.sock tests/engine/standins.sh --no-pull 2>/dev/null
}

for script in "tests/engine/${kind}"_*.sh; do
    [ ! -e "$script" ] || ! selected "$script" "$@" || echo "$script"
done >"$work/queue"
waiting=$(wc -l <"$work/queue")

count=1
if [ -z "${DOCKER_HOST:-}" ] || [ ${#modern[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] || skip_everything "a private engine needs root (or set DOCKER_HOST)"
    PATH=$PATH:/usr/sbin:/sbin command -v dockerd >/dev/null ||
        skip_everything "no dockerd (tests/deps.sh engine installs one)"
    if [ ${#modern[@]} -gt 0 ]; then
        "$engine" fetch-modern || skip_everything "the newer engine could not be fetched"
    fi
    count=${EVENKEEL_TEST_LANES:-$(($(nproc) > 1 ? 2 : 1))}
    [ "$count" -le "$waiting" ] || count=$((waiting > 1 ? waiting : 1))
    # What test_todo.sh cannot fetch from inside.
    [ "${EVENKEEL_TEST_SLOW:-}" != yes ] || tests/engine/real_roots.sh >/dev/null || true
    for ((i = 0; i < count; i++)); do
        engines[i]=$(mktemp -d /tmp/evk.XXXXXX)
        prepare_engine "${engines[i]}" &
        lanes[i]=$!
    done
    for ((i = 0; i < count; i++)); do
        wait "${lanes[i]}"
    done
    lanes=()
    for ((i = 0; i < count; i++)); do
        lane "${engines[i]}" &
        lanes[i]=$!
    done
else
    lane &
    lanes[0]=$!
fi
for one in "${lanes[@]}"; do
    wait "$one" || true
done
lanes=()

while read -r p _ f _ s _; do
    passed=$((passed + p)) failed=$((failed + ${f%,})) skipped=$((skipped + s))
done <"$work/counts"
# A script that a lane took and never counted is none that passed.
[ "$(wc -l <"$work/counts")" = "$waiting" ] || failed=$((failed + 1))
close_with_counts
