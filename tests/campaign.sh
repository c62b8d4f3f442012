#!/bin/bash
# The crash campaign (`make campaign`): seeded runs in which something breaks at a chosen moment, first in memory, then on a real engine, each judged
# by what is there at the end: nothing twice, nothing left over, no volume lost, nothing touched that is not ours, an empty next plan.
#
#   tests/campaign.sh [BUILD]      BUILD is the folder with evenkeel, tests/golden and tests/engine/eio.so (build)
#
# CAMPAIGN_RUNS (1000): runs on the engine, and as many in memory. CAMPAIGN_FIRST (0): the first seed. CAMPAIGN_SEED=N: only that one, told in full.
# CAMPAIGN_JOBS (3 x cores): runs at a time. CAMPAIGN_ONLY: one kind (nth rain kill full eio engine). CAMPAIGN_MODERN=1: the newer engine.
# The last line is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:-build}
engine=tests/engine/engine.sh
runs=${CAMPAIGN_RUNS:-1000} first=${CAMPAIGN_FIRST:-0} more=()
[ -z "${CAMPAIGN_SEED:-}" ] || { first=$CAMPAIGN_SEED runs=1 && more+=(--verbose --keep); }
[ -z "${CAMPAIGN_ONLY:-}" ] || more+=(--only "$CAMPAIGN_ONLY")
modern=()
[ -z "${CAMPAIGN_MODERN:-}" ] || modern=(--modern)
main=
spare=
child=

die() {
    echo "campaign.sh: $*" >&2
    exit 1
}

# shellcheck disable=SC2317,SC2329
clean_up() {
    trap - EXIT INT TERM
    [ -z "$child" ] || { kill -TERM "$child" 2>/dev/null && wait "$child"; } || true
    for dir in "$main" "$spare"; do
        [ -z "$dir" ] || "$engine" stop "$dir" || true
    done
}

[ "$(id -u)" = 0 ] || die "the engines it starts need root"
PATH=$PATH:/usr/sbin:/sbin command -v dockerd >/dev/null || die "no dockerd (tests/deps.sh engine installs one)"
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

new_engine() {
    local dir
    dir=$(mktemp -d /tmp/evk.XXXXXX)
    "$engine" start "$dir" --netns "${modern[@]}" >/dev/null
    DOCKER_HOST=unix://$dir/docker.sock tests/engine/standins.sh --no-pull busybox:stable 2>/dev/null
    echo "$dir"
}

status=0
echo "in memory: $runs seeds from $first"
memory=$("$build/tests/golden" --campaign "$first" "$runs") || status=1
printf '%s\n' "$memory" | tail -n 40

echo "on the engine: $runs seeds from $first"
main=$(new_engine)
spare=$(new_engine)
log=$(mktemp)
# In the background, because bash acts on Ctrl-C only while it waits in this way.
python3 tests/engine/campaign.py --engine "$main/docker.sock" --folder "$main" --spare "$spare" --evenkeel "$(realpath "$build")/evenkeel" \
    --eio "$(realpath "$build")/tests/engine/eio.so" --first "$first" --runs "$runs" --jobs "${CAMPAIGN_JOBS:-$(($(nproc) * 3))}" "${more[@]}" \
    </dev/null > >(tee "$log") 2>&1 &
child=$!
wait "$child" || status=1
child=
read -r passed _ failed _ <<<"$(tail -n 1 <<<"$memory")"
read -r p _ f _ s _ <<<"$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)"
rm -f "$log"
echo "$((passed + ${p:-0})) passed, $((failed + ${f:-1})) failed, ${s:-0} skipped"
exit $status
