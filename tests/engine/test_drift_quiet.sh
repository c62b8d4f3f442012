#!/bin/bash
# Never cries wolf: after an apply the next plan is empty, drift is empty, and a second apply writes nothing to the engine, for random apps over all
# fields (EVENKEEL_TEST_SEED chooses them; 20 services, 80 with EVENKEEL_TEST_SLOW=yes, 500 with EVENKEEL_TEST_SLOW=all), and for the specs of the golden plans (some of them;
# all with EVENKEEL_TEST_SLOW=all). What fails is made smaller, key by key, as long as it still fails.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

# The same ones each time, so that a change is judged by what it changes; others where there is time for what they find.
seed=${EVENKEEL_TEST_SEED:-7} batches=2 share=20 alone=4
[ -z "${EVENKEEL_TEST_SLOW:-}" ] || seed=${EVENKEEL_TEST_SEED:-$(date +%s)} batches=8 share=60 alone=12
[ "${EVENKEEL_TEST_SLOW:-}" != all ] || batches=50 share=1000 alone=1000

# What this engine, or this machine, cannot do at all.
cannot=()
[ "$(api GET /version | jq -r '.ApiVersion | split(".")[1] | tonumber')" -ge 43 ] || cannot+=(annotations)
all_caps=$(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1))
[ $((16#$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status))) = $all_caps ] || cannot+=(privileged)

# An image that says everything that an image can say.
api POST '/containers/create?name=rich' '{"Image": "busybox:stable", "Cmd": ["true"]}' >/dev/null
api POST '/commit?container=rich&repo=evenkeel-test/rich&tag=1' '{
    "User": "1000:1000", "WorkingDir": "/srv/", "StopSignal": "SIGQUIT", "Env": ["PATH=/bin:/usr/bin:/sbin", "A=image", "B=image"],
    "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["sleep 100000"], "ExposedPorts": {"80/tcp": {}, "443/tcp": {}}, "Volumes": {"/cache/": {}},
    "Labels": {"both": "image", "of-image": "yes"}, "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 1000000000, "Retries": 5}}' >/dev/null
api DELETE '/containers/rich?force=1'

# events SINCE: what changed in the engine since then, health checks left out
events() {
    local now
    now=$(date +%s.%N)
    engine_curl "/events?since=$1&until=$now" --max-time 5 | jq -c 'select((.Action // .status // "") | test("^(exec|health)") | not) | [.Type, .Action]' | head -n 5
}
# quiet: nothing to do, no drift, and a second apply leaves the engine alone. Says what is wrong.
quiet() {
    local found since
    found=$({ evenkeel drift --json || true; } | jq -c '[.drift[] | select(.left == "no") | {object, field, want, have}]')
    [ "$found" = "[]" ] || { echo "drift: $found" && return 1; }
    [ "$(exit_of plan)" = 0 ] || { echo "plan: $({ plan || true; } | head -n 6)" && return 1; }
    since=$(date +%s.%N)
    apply >"$work/again" 2>&1 || { echo "apply again: $(tail -n 3 "$work/again")" && return 1; }
    found=$(events "$since")
    [ -z "$found" ] || { echo "written: $found" && return 1; }
}
# fails_alone FILE: the app of this file is not quiet.
fails_alone() {
    cp "$1" "$root/smaller.yaml"
    "$EVENKEEL" validate "$root/smaller.yaml" >/dev/null 2>&1 || return 1
    apply >/dev/null 2>&1 || return 1
    ! quiet >/dev/null
}
# shrink SERVICE FILE: prints the smallest app that still fails.
shrink() {
    local key
    jq --arg s "$1" '.app = "smaller" | .services = {($s): .services[$s]}' "$2" >"$work/small"
    while read -r key; do
        jq --arg s "$1" --arg k "$key" 'del(.services[$s][$k])' "$work/small" >"$work/try"
        if fails_alone "$work/try"; then cp "$work/try" "$work/small"; fi
    done < <(jq -r --arg s "$1" '.services[$s] | keys[] | select(. != "image" and . != "command")' "$work/small")
    jq -c . "$work/small"
}

# --- random ones
for ((i = 1; i <= batches; i++)); do
    python3 "$engine_dir/random_specs.py" "$seed" "r$i" 10 ${cannot[@]+"${cannot[@]}"} | write_file "r$i.yaml"
    if ! out=$(apply 2>&1); then
        fail "random apps, seed $seed, r$i: apply" "$(tail -n 4 <<<"$out")"
    elif out=$(quiet); then
        pass "random apps, seed $seed, r$i (10 services)"
    else
        bad=$(grep -oE "r$i-s[0-9]+-1" <<<"$out" | head -n 1 | sed 's/^[^-]*-//; s/-1$//')
        fail "random apps, seed $seed, r$i" "$out${bad:+; the smallest that fails: $(shrink "$bad" "$root/r$i.yaml")}"
    fi
    rm -f "$root/r$i.yaml" "$root/smaller.yaml"
    wipe_engine
done

# --- the specs of the golden plans: most at once, each app called after its case
# goes_along FILE: one app on images that serve by themselves; nothing in it that two apps cannot both have, and nothing that waits for an end or for a router.
goes_along() {
    [ "$(grep -cE '^(app|name|override):' "$1")" = 1 ] && grep -qE '^app: [a-z0-9-]+$' "$1" || return 1
    ! grep -qE '^---|container_name|external|adopt|compose-project|route|source:|build:|devices|gpus|subnet|_address|name:|state:|hold|driver:|pull_policy|command|entrypoint|healthcheck|service_(completed|healthy)|restart: "?(no|on)' "$1" || return 1
    ! grep -qE '(ports|volumes):.*["[ ][0-9/.~]' "$1" || return 1
    ! grep -oE 'image: *"?[^ ,}"]+' "$1" | grep -qvE '(nginx:1.27-alpine|mariadb:10.11)$'
}
declare -A known
cases=0 others=()
while read -r dir; do
    case=$(basename "$dir")
    text=x$(grep -v '^#' "$dir/desired.yaml" || true)
    [ -z "${known[$text]:-}" ] || continue
    known[$text]=$case
    if [ $cases -lt $share ] && goes_along "$dir/desired.yaml"; then
        sed -E "0,/^app:/s/^app: .*/app: $case/; s/mariadb:10.11/nginx:1.27-alpine/" "$dir/desired.yaml" | write_file "$case.yaml"
        if "$EVENKEEL" validate "$root/$case.yaml" >/dev/null 2>&1; then
            cases=$((cases + 1))
            continue
        fi
        rm "$root/$case.yaml"
    fi
    others+=("$dir")
done < <(find "$repo/tests/plan" -mindepth 2 -maxdepth 2 -name desired.yaml -printf '%h\n' | sort | shuf --random-source=<(yes "$seed"))
check "golden plans: enough of them go along" test "$cases" -ge 20
if ! out=$(timeout 120 "$EVENKEEL" apply "${flags[@]}" --state "$state" --docker "$DOCKER_HOST" 2>&1); then
    fail "golden plans, seed $seed: apply" "$(grep -E ' is (Degraded|Refused|Missing|OutOfSync)' <<<"$out" | head -n 4)"
elif out=$(quiet); then
    pass "golden plans, seed $seed ($cases apps)"
else
    fail "golden plans, seed $seed" "$out"
fi

# --- and others alone; whether one can be brought up here at all is not the question
unable=
for dir in "${others[@]:0:$alone}"; do
    wipe_engine
    rm -rf "${root:?}"/* "$state/overrides"
    find "$dir" -maxdepth 1 -name '*.yaml' -exec cp {} "$root/" \;
    [ ! -d "$dir/overrides" ] || cp -r "$dir/overrides" "$state/overrides"
    if ! timeout 12 "$EVENKEEL" apply "${flags[@]}" --state "$state" --docker "$DOCKER_HOST" >/dev/null 2>&1; then
        unable+=" $(basename "$dir")"
    elif out=$(quiet); then
        pass "golden plan $(basename "$dir"), alone"
    else
        fail "golden plan $(basename "$dir")" "$out"
    fi
done
[ -z "$unable" ] || echo "not brought up here:$unable"
