#!/bin/bash
# Runs the engine tests (tests/engine/test_*.sh) one after another on one engine that is started
# for them, and closes with "N passed, N failed, N skipped".
#
#   tests/run-engine.sh [--modern] [--browser] [PART OF A NAME...]
#
# --browser runs tests/engine/browser_*.sh instead: what people see, in a real browser (tests/deps.sh browser installs one).
# If DOCKER_HOST is set, its engine is used instead; --modern always starts one, of a newer version
# (see tests/engine/engine.sh). EVENKEEL_TEST_TIMEOUT is each script's time limit in seconds (300).
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
dir=
child=
work=$(mktemp -d)
log=$work/log
mkfifo "$work/output"

# shellcheck disable=SC2317,SC2329
clean_up() {
    # timeout passes the signal on to everything that the test started.
    [ -z "$child" ] || { kill -TERM "$child" 2>/dev/null && wait "$child"; } || true
    rm -rf "$work"
    [ -z "$dir" ] || "$engine" stop "$dir" || true
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

inside=()
if [ -z "${DOCKER_HOST:-}" ] || [ ${#modern[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] || skip_everything "a private engine needs root (or set DOCKER_HOST)"
    PATH=$PATH:/usr/sbin:/sbin command -v dockerd >/dev/null ||
        skip_everything "no dockerd (tests/deps.sh engine installs one)"
    if [ ${#modern[@]} -gt 0 ]; then
        "$engine" fetch-modern || skip_everything "the newer engine could not be fetched"
    fi
    dir=$(mktemp -d /tmp/evk.XXXXXX)
    "$engine" start "$dir" --netns "${modern[@]}" >"$log"
    export DOCKER_HOST=unix://$dir/docker.sock EVENKEEL_TEST_ENGINE_DIR=$dir
    tests/engine/standins.sh --no-pull 2>/dev/null
    # What test_todo.sh cannot fetch from inside.
    [ "${EVENKEEL_TEST_SLOW:-}" != yes ] || tests/engine/real_roots.sh >/dev/null || true
    inside=("$engine" exec "$dir")
fi

for script in "tests/engine/${kind}"_*.sh; do
    [ -e "$script" ] || continue
    selected "$script" "$@" || continue
    started=$SECONDS
    printf '%s\n' "$(basename "$script" .sh)"
    status=0
    tee "$log" <"$work/output" | sed -u 's/^/    /' &
    printer=$!
    # In the background, because bash acts on Ctrl-C only while it waits in this way.
    "${inside[@]}" timeout --kill-after=20 "$limit" bash "$script" </dev/null >"$work/output" 2>&1 &
    child=$!
    wait "$child" || status=$?
    child=
    wait "$printer"
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1 || true)
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        echo "    FAIL $(basename "$script"): not done within $limit s"
        counts=${counts:-0 passed, 1 failed, 0 skipped}
    elif [ -z "$counts" ]; then
        echo "    FAIL $(basename "$script"): ended with status $status and without a result"
        counts='0 passed, 1 failed, 0 skipped'
    fi
    read -r p _ f _ s _ <<<"$counts"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    echo "    ($((SECONDS - started)) s)"
done
close_with_counts
