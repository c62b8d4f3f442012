#!/bin/bash
# Random mixes of own and foreign objects and random operations on both (removal_mix.py): whatever happens, the foreign set is unchanged, no volume is
# lost, and only what may go has gone. EVENKEEL_TEST_SEED chooses; EVENKEEL_TEST_SLOW=yes takes more, and other ones each time.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
[ -n "${EVENKEEL_TEST_ENGINE_DIR:-}" ] || skip_all "everything on the engine is looked at, and this one is not private"

seed=${EVENKEEL_TEST_SEED:-11} seeds=1 seconds=12
[ -z "${EVENKEEL_TEST_SLOW:-}" ] || seed=${EVENKEEL_TEST_SEED:-$(date +%s)} seeds=6 seconds=30
own=()
options=()
if unshare --mount --propagation private true 2>/dev/null; then
    own=(unshare --mount --propagation private)
    options=(--mounts)
fi
for ((i = 0; i < seeds; i++)); do
    if "${own[@]}" python3 "$engine_dir/removal_mix.py" --engine "${DOCKER_HOST#unix://}" --evenkeel "$EVENKEEL" --seed $((seed + i)) --seconds $seconds \
        "${options[@]}" >"$work/mix.log" 2>&1; then
        pass "foreign objects and volumes stay, seed $((seed + i))"
    else
        fail "foreign objects and volumes stay" "again: EVENKEEL_TEST_SEED=$((seed + i)) tests/run-engine.sh removal_mix"
    fi
    cat "$work/mix.log"
done
