#!/bin/bash
# A share of the crash campaign (campaign.py): agents of several owners on one engine, each with a proxy, a kill or a failing disk of its own, and one
# engine that is killed. Which seeds is told; EVENKEEL_TEST_SEED is the first of them, EVENKEEL_TEST_SLOW=yes takes more. `make campaign` takes a thousand.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
[ "$(id -u)" = 0 ] || skip_all "a small disk and a private engine need root"

# The quick share is always of the same seeds: what is new is found by the long ones.
first=${EVENKEEL_TEST_SEED:-1000}
share=(--runs 8 --seconds 25)
if [ "${EVENKEEL_TEST_SLOW:-}" = yes ]; then
    first=${EVENKEEL_TEST_SEED:-$((${EPOCHREALTIME/./} % 1000000 / 20 * 20))}
    share=(--runs 80 --seconds 200)
fi
echo "     (from seed $first)"

shim=$(dirname "$EVENKEEL")/tests/engine/eio.so
[ ! -e "$shim" ] || share+=(--eio "$shim")
spare=$(mktemp -d /tmp/evk.XXXXXX)
modern=()
if [ -n "${EVENKEEL_TEST_ENGINE_DIR:-}" ] && grep -qx modern=yes "$EVENKEEL_TEST_ENGINE_DIR/engine.state"; then
    modern=(--modern)
fi
# shellcheck disable=SC2317,SC2329
end_spare() {
    [ ! -e "$spare/engine.state" ] || "$engine_dir/engine.sh" stop "$spare"
    rm -rf "$spare"
}
trap 'end_spare; finish' EXIT
if "$engine_dir/engine.sh" start "$spare" --netns "${modern[@]}" >"$work/spare.log" 2>&1; then
    DOCKER_HOST=unix://$spare/docker.sock "$engine_dir/standins.sh" --no-pull busybox:stable 2>/dev/null
    share+=(--spare "$spare")
fi

python3 "$engine_dir/campaign.py" --engine "${DOCKER_HOST#unix://}" --evenkeel "$EVENKEEL" --first "$first" --jobs $(($(nproc) * 3)) \
    "${share[@]}" >"$work/campaign.log" 2>&1 || true
grep -v '^[0-9]* passed' "$work/campaign.log" || true
read -r p _ f _ s _ <<<"$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$work/campaign.log" || echo "0 passed, 1 failed, 0 skipped")"
passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
check "runs were lived" test "$p" -ge 5
