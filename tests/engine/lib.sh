# shellcheck shell=bash
# What the engine tests (tests/engine/test_*.sh) share; to be sourced first. A test calls
# need_engine, then pass, fail or skip for each thing it shows. The exit trap ends the agent, and
# the engine if this script started it, and prints "N passed, N failed, N skipped".
#
# DOCKER_HOST names a running engine to use; otherwise a private one is started. On an engine that
# is not private only objects with the label evenkeel.owner are ever removed.
# EVENKEEL is the program under test (build/evenkeel); EVENKEEL_TEST_KEEP=1 keeps the files.
set -euo pipefail
export LC_ALL=C.UTF-8

test_args=("$@")
engine_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$engine_dir/../.." && pwd)
EVENKEEL=${EVENKEEL:-$repo/build/evenkeel}
[[ $EVENKEEL == /* ]] || EVENKEEL=$PWD/$EVENKEEL
# shellcheck source=tests/engine/api.sh
. "$engine_dir/api.sh"

passed=0 failed=0 skipped=0
work=$(mktemp -d /tmp/evk-test.XXXXXX)
root=$work/apps
state=$work/state
agent_log=$work/agent.log
agent_pid=
agent_status=
flags=(--root "$root") # which roots, and whatever else each call shall have; a test may change it
mkdir -p "$root" "$state"

# --- results -------------------------------------------------------------------------------------

pass() {
    passed=$((passed + 1))
    echo "ok   $1"
}

fail() {
    failed=$((failed + 1))
    echo "FAIL $1: ${2:-no reason given}"
}

skip() {
    skipped=$((skipped + 1))
    echo "skip $1: ${2:-no reason given}"
}

# check NAME COMMAND...: passes if the command succeeds; its output is shown if it does not.
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        pass "$name"
    else
        fail "$name" "$* failed${output:+: $output}"
    fi
}

# same NAME EXPECTED ACTUAL
same() {
    if [ "$2" = "$3" ]; then
        pass "$1"
    else
        fail "$1" "expected \"$2\", got \"$3\""
    fi
}

# wait_until SECONDS COMMAND...: repeats a silent command until it succeeds. Seconds may be 0.5.
wait_until() {
    local end wait
    printf -v wait '%.0f' "${1}e6"
    end=$((${EPOCHREALTIME/./} + wait))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
        sleep 0.05
    done
}

finish() {
    local status=$?
    trap - EXIT
    set +e
    if [ $status != 0 ]; then
        fail "$(basename "$0")" "ended early with status $status"
    fi
    [ -z "$agent_pid" ] || stop_agent
    # Helpers left in the background would keep the output open.
    # shellcheck disable=SC2046
    kill $(jobs -p) 2>/dev/null
    if [ $failed -gt 0 ] && [ -s "$agent_log" ]; then
        echo "last lines of the agent's log:"
        tail -n 30 "$agent_log" | sed 's/^/  | /'
    fi
    if [ -n "${EVENKEEL_TEST_ENGINE_OWNED:-}" ]; then
        "$engine_dir/engine.sh" stop "$EVENKEEL_TEST_ENGINE_DIR" || fail "stopping the engine" "see above"
    elif [ -n "${DOCKER_HOST:-}" ] && engine_answers; then
        wipe_engine
    fi
    if [ -n "${EVENKEEL_TEST_KEEP:-}" ]; then
        echo "files are in $work"
    else
        rm -rf "$work"
    fi
    echo "$passed passed, $failed failed, $skipped skipped"
    [ $failed = 0 ]
    exit
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- the engine ----------------------------------------------------------------------------------

# skip_all REASON: ends the script with one skip.
skip_all() {
    skip "$(basename "$0" .sh)" "$1"
    exit 0
}

# own_engine WHY: for tests that stop or kill an engine. Sets own, its folder (not started yet), engine, the script that starts it, and modern, the option
# for the kind that the other tests run on; DOCKER_HOST is its socket.
# shellcheck disable=SC2034
own_engine() {
    [ "$(id -u)" = 0 ] || skip_all "$1 a private one, and that needs root"
    PATH=$PATH:/usr/sbin:/sbin command -v dockerd >/dev/null || skip_all "no dockerd (tests/deps.sh engine installs one)"
    modern=()
    if [ -n "${EVENKEEL_TEST_ENGINE_DIR:-}" ] && grep -qx modern=yes "$EVENKEEL_TEST_ENGINE_DIR/engine.state"; then
        modern=(--modern)
    fi
    own=$(mktemp -d /tmp/evk.XXXXXX)
    engine=$engine_dir/engine.sh
    unset EVENKEEL_TEST_ENGINE_OWNED EVENKEEL_TEST_ENGINE_DIR
    export DOCKER_HOST=unix://$own/docker.sock
}

# need_engine: afterwards DOCKER_HOST names an engine with the stand-in images and nothing else of
# ours on it. A private engine has a network namespace of its own, where its published ports
# answer: the script is started again in there.
need_engine() {
    local dir
    if [ -n "${DOCKER_HOST:-}" ]; then
        engine_answers || { fail need_engine "DOCKER_HOST=$DOCKER_HOST does not answer" && exit 0; }
        if [ -z "${EVENKEEL_TEST_ENGINE_DIR:-}" ]; then
            "$engine_dir/standins.sh"
        fi
        wipe_engine
        return
    fi
    [ "$(id -u)" = 0 ] || skip_all "a private engine needs root (or set DOCKER_HOST)"
    PATH=$PATH:/usr/sbin:/sbin command -v dockerd >/dev/null ||
        skip_all "no dockerd (tests/deps.sh engine installs one)"
    dir=$(mktemp -d /tmp/evk.XXXXXX)
    "$engine_dir/engine.sh" start "$dir" --netns >/dev/null
    rm -rf "$work"
    trap - EXIT
    export DOCKER_HOST=unix://$dir/docker.sock EVENKEEL_TEST_ENGINE_DIR=$dir EVENKEEL_TEST_ENGINE_OWNED=yes
    "$engine_dir/standins.sh" --no-pull 2>/dev/null || { "$engine_dir/engine.sh" stop "$dir" && exit 1; }
    exec "$engine_dir/engine.sh" exec "$dir" bash "$0" ${test_args[@]+"${test_args[@]}"}
}

# api METHOD PATH [JSON]: prints the answer's body; fails, with the body on standard error, on 400+.
api() {
    local method=$1 path=$2 answer code
    shift 2
    [ $# -eq 0 ] || set -- -H 'Content-Type: application/json' --data-binary "$1"
    answer=$(engine_curl "$path" -X "$method" --max-time 60 -w '\n%{http_code}' "$@") || return 1
    code=${answer##*$'\n'}
    answer=${answer%$'\n'*}
    if [ "$code" -ge 400 ]; then
        echo "$method $path: $code $answer" >&2
        return 1
    fi
    [ -z "$answer" ] || printf '%s\n' "$answer"
}

# inspect CONTAINER FILTER: one value of a container by jq.
inspect() {
    api GET "/containers/$1/json" | jq -r "$2"
}

gone() {
    ! inspect "$1" .Id >/dev/null 2>&1
}

# snapshot [NAME...]: identity and start of containers (all of ours by default): equal before and
# after means that nobody touched them.
snapshot() {
    local name
    # shellcheck disable=SC2046
    [ $# -gt 0 ] || set -- $(owned containers '.Names[0][1:]' | sort)
    for name in "$@"; do
        inspect "$name" '"\(.Name) \(.Id[:12]) \(.State.StartedAt) \(.State.Status)"' 2>&1
    done
    return 0
}

docker_running() {
    [ "$(inspect "$1" .State.Running 2>/dev/null)" = true ]
}

# owned KIND [FILTER]: objects with evenkeel's label; KIND is containers, networks or volumes.
owned() {
    local filter=${2:-.}
    case $1 in
    containers) api GET '/containers/json?all=1&filters=%7B%22label%22:%5B%22evenkeel.owner%22%5D%7D' | jq -r ".[] | $filter" ;;
    networks) api GET '/networks?filters=%7B%22label%22:%5B%22evenkeel.owner%22%5D%7D' | jq -r ".[] | $filter" ;;
    volumes) api GET '/volumes?filters=%7B%22label%22:%5B%22evenkeel.owner%22%5D%7D' | jq -r ".Volumes // [] | .[] | $filter" ;;
    esac
}

delete_each() {
    local item
    while read -r item; do
        [ -n "$item" ] || continue
        engine_curl "$1/$item$2" -X DELETE --max-time 30 -o /dev/null || true
    done
}

# wipe_engine: removes what evenkeel made; on a private engine every container, network and volume.
wipe_engine() {
    if [ -n "${EVENKEEL_TEST_ENGINE_DIR:-}" ]; then
        api GET '/containers/json?all=1' | jq -r '.[].Id' | delete_each /containers '?force=1&v=1'
        api GET '/networks?filters=%7B%22type%22:%5B%22custom%22%5D%7D' | jq -r '.[].Id' | delete_each /networks ''
        api GET /volumes | jq -r '.Volumes // [] | .[].Name' | delete_each /volumes '?force=1'
    else
        owned containers .Id | delete_each /containers '?force=1&v=1'
        owned networks .Id | delete_each /networks ''
    fi
}

# --- the program under test ----------------------------------------------------------------------

# write_file PATH: standard input becomes that file below $root, renamed into place at once.
write_file() {
    local path=$root/$1
    mkdir -p "$(dirname "$path")"
    cat >"$(dirname "$path")/.new.$$"
    mv "$(dirname "$path")/.new.$$" "$path"
}

# sleeper APP [LINE...]: an app of one busybox that sleeps, in APP.yaml, with these lines added.
sleeper() {
    {
        printf 'app: %s\nimage: busybox:stable\ncommand: ["sleep", "100000"]\nstop_signal: SIGKILL\n' "${1##*/}"
        [ $# -lt 2 ] || printf '%s\n' "${@:2}"
    } | write_file "$1.yaml"
}

# evenkeel COMMAND [ARGUMENTS...]: with this test's root, state and engine.
evenkeel() {
    local command=$1
    shift
    "$EVENKEEL" "$command" "${flags[@]}" --state "$state" --docker "$DOCKER_HOST" "$@"
}

# exit_of COMMAND...: prints its exit status, and nothing else.
exit_of() {
    local status=0
    "$@" >/dev/null 2>&1 || status=$?
    echo $status
}

# app_state APP, app_why APP: what `evenkeel status` says of it (whose exit status tells whether all are well).
app_state() {
    { evenkeel status "$1" --json 2>/dev/null || true; } | jq -r '.apps[0].state'
}

app_why() {
    { evenkeel status "$1" --json 2>/dev/null || true; } | jq -r '.apps[0].why // ""'
}

is() {
    [ "$(app_state "$2")" = "$1" ]
}

# held_hash: what `plan` wants to have confirmed
held_hash() {
    { evenkeel plan --json 2>/dev/null || true; } | jq -r '.held[0].hash // ""'
}

# states: "blog=Synced shop=Frozen"
states() {
    { evenkeel status --json 2>/dev/null || true; } | jq -r '[.apps[] | "\(.app)=\(.state)"] | join(" ")'
}

states_are() {
    [ "$(states)" = "$1" ]
}

# becomes NAME STATES [SECONDS]: passes once all apps are in these states.
becomes() {
    if wait_until "${3:-20}" states_are "$2"; then
        pass "$1"
    else
        fail "$1" "expected \"$2\", got \"$(states)\": $({ evenkeel status 2>&1 || true; } | tail -n +2)"
    fi
}

# says NAME WORDS TEXT: passes if the words are in the text.
says() {
    if [[ $3 == *"$2"* ]]; then
        pass "$1"
    else
        fail "$1" "\"$2\" is not in \"${3:0:2000}\""
    fi
}

apply() {
    evenkeel apply "$@"
}

plan() {
    evenkeel plan "$@"
}

# start_agent [OPTIONS...]: in the background; its log is appended to $agent_log.
start_agent() {
    [ -z "$agent_pid" ] || stop_agent
    "$EVENKEEL" agent "${flags[@]}" --state "$state" --docker "$DOCKER_HOST" "$@" >>"$agent_log" 2>&1 &
    agent_pid=$!
}

# An ended child stays there as a zombie until it is waited for.
ended() {
    [[ ! -e /proc/$1 || $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) == [ZX]* ]]
}

agent_running() {
    [ -n "$agent_pid" ] && kill -0 "$agent_pid" 2>/dev/null
}

# stop_agent [SIGNAL]: TERM by default; kills it after 15 s. Its exit status is in agent_status.
stop_agent() {
    local signal=${1:-TERM} pid=$agent_pid
    [ -n "$pid" ] || return 0
    agent_pid=
    kill -s "$signal" "$pid" 2>/dev/null || true
    # bash would report a killed job on standard error.
    if ! wait_until 15 ended "$pid" 2>/dev/null; then
        kill -s KILL "$pid" 2>/dev/null || true
        fail "stopping the agent" "still there 15 s after $signal"
    fi
    agent_status=0
    wait "$pid" 2>/dev/null || agent_status=$?
    if [ "$signal" != KILL ] && [ "$agent_status" -gt 0 ] && [ "$agent_status" != $((128 + $(kill -l "$signal"))) ]; then
        fail "the agent's end" "exit status $agent_status after SIG$signal"
    fi
    if grep -qE '(ERROR: |SUMMARY: )[A-Za-z]*Sanitizer|runtime error:' "$agent_log"; then
        fail "sanitizers" "$(grep -hE 'SUMMARY: |runtime error:' "$agent_log" | head -n 3 | tr '\n' ' ')"
    fi
}
