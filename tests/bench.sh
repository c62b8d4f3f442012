#!/bin/bash
# Runs the benchmark (`make bench`) on an engine that is started for it and ended after it, with everything on it. Its table goes to
# standard output, what it does meanwhile to standard error, and the figures to BUILD/bench.json.
#
#   tests/bench.sh [BUILD]        BUILD is the folder with evenkeel and tests/bench (build)
#
# BENCH_QUICK=1: fewer rounds and objects, a few minutes. BENCH_ONLY="change cold": only these parts (planner requests change cold
# looks builds ingress rejoin fields compose files door; all but planner, looks, builds, compose, files and door need what requests learns). BENCH_KEEP=1: keeps the logs and specs. BENCH_MODERN=1: the newer engine.
# Exit status: 0 all targets met, 1 one missed, 2 it did not work.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:-build}
engine=tests/engine/engine.sh
dir=
child=
status=0

die() {
    echo "bench.sh: $*" >&2
    exit 2
}

# shellcheck disable=SC2317,SC2329
clean_up() {
    trap - EXIT INT TERM
    [ -z "$child" ] || { kill -TERM "$child" 2>/dev/null && wait "$child"; } || true
    [ -z "$dir" ] || "$engine" stop "$dir/engine" || true
    if [ -n "$dir" ] && [ -n "${BENCH_KEEP:-}" ]; then
        echo "bench.sh: logs and specs are in $dir" >&2
    elif [ -n "$dir" ]; then
        rm -rf --one-file-system "$dir"
    fi
}

[ "$(id -u)" = 0 ] || die "the engine it starts needs root"
PATH=$PATH:/usr/sbin:/sbin command -v dockerd >/dev/null || die "no dockerd (tests/deps.sh engine installs one)"
[ -x "$build/evenkeel" ] && [ -x "$build/tests/bench" ] || die "not built yet: make bench"

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
dir=$(mktemp -d /tmp/evb.XXXXXX)
mkdir "$dir/engine" "$dir/work"
options=(--netns)
[ -z "${BENCH_MODERN:-}" ] || options+=(--modern)
"$engine" start "$dir/engine" "${options[@]}" >/dev/null
export DOCKER_HOST=unix://$dir/engine/docker.sock
tests/engine/standins.sh --no-pull busybox:stable traefik:v3.7 2>/dev/null

# Compose v2, to be compared with: the one of the newer engine's distribution.
cached=${EVENKEEL_TEST_CACHE:-$HOME/.cache/evenkeel-tests}/engine26/bin/cli-plugins/docker-compose
if [ -z "${BENCH_COMPOSE:-}" ] && why=$("$engine" fetch-modern 2>&1); then
    export BENCH_COMPOSE=$cached
fi
export BENCH_NO_COMPOSE=${why:-}

# nginx, to be compared with as a server of the same bytes.
if [ -z "${BENCH_NGINX:-}" ]; then
    BENCH_NGINX=$(command -v nginx || tests/engine/tools.sh nginx 2>/dev/null) || BENCH_NO_NGINX="no nginx, and the package cannot be fetched"
fi
export BENCH_NGINX BENCH_NO_NGINX=${BENCH_NO_NGINX:-}

# In the background, because bash acts on Ctrl-C only while it waits in this way.
"$engine" exec "$dir/engine" "$build/tests/bench" "$DOCKER_HOST" "$(realpath "$build")/evenkeel" "$dir/work" \
    "$build/bench.json" </dev/null &
child=$!
wait "$child" || status=$?
child=
if [ "$status" -gt 1 ]; then
    for log in "$dir"/work/*.log; do
        [ ! -s "$log" ] || { echo "last lines of $(basename "$log"):" && tail -n 15 "$log" | sed 's/^/  | /'; } >&2
    done
fi
exit "$status"
