#!/bin/bash
# The command line as it is promised: exit codes, JSON, hints, logs, history, replay, terminals and pipes; and a state directory that is locked, corrupt,
# deleted, full or read-only.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

ek() { "$EVENKEEL" "$@"; }
mounted=()
unmount_all() {
    local place
    for place in ${mounted[@]+"${mounted[@]}"}; do umount "$place" 2>/dev/null || true; done
}
trap 'status=$?; unmount_all; (exit $status); finish' EXIT
is_json() { jq -e . >/dev/null; }

# --- verbs, help, mistakes
same "no verb" 1 "$(exit_of ek)"
same "help" 0 "$(exit_of ek help)"
verbs=$(ek help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | sort -u)
check "help lists the verbs" test "$(wc -l <<<"$verbs")" -ge 16
for verb in $verbs; do
    out=$(ek "$verb" --help 2>&1) && status=0 || status=$?
    [ "$status" = 0 ] && [[ $out == "Usage: evenkeel $verb"* ]] || fail "evenkeel $verb --help" "$status: $out"
    same "help $verb says the same" "$out" "$(ek help "$verb" 2>&1)"
done
same "version" 0 "$(exit_of ek version)"
check "version prints one" grep -qE '^evenkeel .+' <<<"$(ek version)"
same "an unknown verb" 1 "$(exit_of ek pln)"
says "has a hint" 'did you mean "plan"' "$(ek pln 2>&1 || true)"
same "an unknown flag" 1 "$(exit_of ek plan --jsno)"
says "has a hint" "evenkeel plan --help" "$(ek plan --jsno 2>&1 || true)"
same "a flag of another verb" 1 "$(exit_of ek plan --follow)"
same "a flag without its value" 1 "$(exit_of ek plan --root)"
says "has a hint" "--root" "$(ek plan --root 2>&1 || true)"
same "too many words" 1 "$(exit_of ek version now)"
same "a name that is no DNS label" 1 "$(exit_of evenkeel plan --name Not_A_Label)"
for kind in app config; do
    check "schema $kind is JSON" is_json <<<"$(ek schema $kind)"
done
check "the reference has text" test "$(ek schema reference | wc -l)" -gt 50
same "an unknown schema" 1 "$(exit_of ek schema apps)"

# --- validate
sleeper web 'volumes: ["data:/data"]'
same "validate of a good file" 0 "$(exit_of ek validate "$root/web.yaml")"
same "of a folder" 0 "$(exit_of ek validate "$root")"
same "of nothing that is there" 1 "$(exit_of ek validate "$root/none.yaml")"
printf 'app: bad\nimage: busybox:stable\nprots: ["80"]\nmem_limit: much\n' >"$work/bad.yaml"
out=$(ek validate "$work/bad.yaml" 2>&1) && status=0 || status=$?
same "of a bad one" 1 "$status"
says "the place" "bad.yaml:3:1: error: unknown key \"prots\"" "$out"
says "the nearest key" 'did you mean "ports"' "$out"
says "the source line" 'prots: ["80"]' "$out"
says "all problems in one run" "bad.yaml:4:12: error" "$out"
mkdir "$work/counted"
printf 'app: one\nsource: {bundle: one.zip}\n' >"$work/counted/one.yaml"
printf 'x' >"$work/counted/one.zip"
printf 'x' >"$work/counted/other.zip"
same "an archive that a spec names is no app of its own" "3 files, 2 apps: 0 errors, 0 warnings" "$(ek validate "$work/counted")"
printf 'app: two\nimage: busybox:stable\nports: ["8080:80"]\n' >"$work/counted/two.yaml"
printf 'app: three\nimage: busybox:stable\nports: ["8080:80"]\n' >"$work/counted/three.yaml"
out=$(ek validate "$work/counted" 2>/dev/null) && status=0 || status=$?
same "what is claimed twice" 1 "$status"
same "is one error" "5 files, 4 apps: 1 error, 0 warnings" "$(tail -n 1 <<<"$out")"
same "validate --json" 2 "$(ek validate --json "$work/bad.yaml" | jq '[.[] | select(.level == "error")] | length')"

# --- plan, apply, drift, status: codes and JSON
same "plan: there is something to do" 2 "$(exit_of plan)"
out=$(plan --json || true)
check "plan --json is JSON" is_json <<<"$out"
schema=$repo/schemas/plan.schema.json
if python3 -c 'import jsonschema' 2>/dev/null; then
    fits() { python3 -W ignore -c 'import json, sys, jsonschema; jsonschema.validate(json.load(sys.stdin), json.load(open(sys.argv[1])))' "$schema"; }
else
    fits() { jq -e '(keys - ["apps", "held", "empty"] == []) and (.apps | all(has("name") and has("state") and has("actions") and (.actions | all(has("kind")))))' >/dev/null; }
fi
check "and fits its schema" fits <<<"$out"
same "what it says" "web Missing" "$(jq -r '.apps[0] | "\(.name) \(.state)"' <<<"$out")"
says "plan in words" "create container web-app-1" "$(plan || true)"
dot=$(plan --dot || true)
if command -v dot >/dev/null; then
    check "plan --dot can be drawn" dot -Tsvg -o /dev/null <<<"$dot"
else
    check "plan --dot is a graph" eval '[[ $dot == digraph*{*-\>*}* ]]'
fi
same "status: not all is well" 2 "$(exit_of evenkeel status)"
check "status --json is JSON" is_json <<<"$(evenkeel status --json || true)"
same "apply" 0 "$(exit_of apply)"
same "plan: nothing to do" 0 "$(exit_of plan)"
check "the empty plan fits the schema" fits <<<"$(plan --json)"
same "status: all is well" 0 "$(exit_of evenkeel status)"
same "drift: none" 0 "$(exit_of evenkeel drift)"
api DELETE '/containers/web-app-1?force=1'
same "drift: found" 2 "$(exit_of evenkeel drift)"
same "drift --json" web "$({ evenkeel drift --json || true; } | jq -r '.drift[0].app')"
check "a plan that heals fits the schema" fits <<<"$(plan --json || true)"
for verb in plan apply status drift; do
    same "$verb of an app that is not there" 1 "$(exit_of evenkeel $verb wbe)"
done
says "with a hint" 'did you mean "web"' "$(plan wbe 2>&1 || true)"
before=$(plan --json || true)
same "apply of one app" 0 "$(exit_of apply web)"

# --- replay: the same plan from a saved pass
pass=$(ek replay list --state "$state" | awk '{ print $1 }' | sort -n | tail -n 1)
check "replay prints the same plan" diff <(jq -S . <<<"$before") <(ek replay --pass "$pass" --json --state "$state" | jq -S .)
same "and again" "$(ek replay --json --state "$state")" "$(ek replay --json --state "$state")"
same "of a pass that was not" 1 "$(exit_of ek replay --pass 99999999 --state "$state")"
same "of no file" 1 "$(exit_of ek replay "$work/none.json" --state "$state")"
printf '{"format": 1}' >"$work/nonsense.json"
same "of nonsense" 1 "$(exit_of ek replay "$work/nonsense.json" --state "$state")"

# --- history
out=$(ek history web --json --state "$state")
check "history --json" eval '[ "$(jq "map(select(.what == \"run\")) | length" <<<"$out")" -ge 2 ]'
says "history in words" "web" "$(ek history --state "$state")"
says "with actions" "create container web-app-1" "$(ek history --actions --state "$state")"
same "one entry" 1 "$(ek history --limit 1 --state "$state" | wc -l)"
same "of nothing" 0 "$(exit_of ek history --state "$work/never")"

# --- logs
write_file talk.yaml <<'END'
app: talk
services:
  one:
    image: busybox:stable
    command: ["sh", "-c", "for i in 1 2 3 4 5; do echo one $$i; done; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo late; printf 'bell \\a and \\033[31mred\\n'; sleep 100000"]
    stop_signal: SIGKILL
    network_mode: none
  two:
    image: busybox:stable
    command: ["sh", "-c", "echo two >&2; sleep 100000"]
    stop_signal: SIGKILL
    network_mode: none
END
apply >/dev/null
logs() { evenkeel logs "$@"; }
check "logs of both services" wait_until 5 eval '[ "$(logs talk | wc -l)" = 6 ]'
check "each line says whose it is" grep -q '^talk-two-1 *| two$' <<<"$(logs talk)"
same "of one service, without" "one 5" "$(logs talk/one | tail -n 1)"
same "of one container" "two" "$(logs talk/two/1)"
same "--tail" "one 4 one 5" "$(logs talk/one --tail 2 | tr '\n' ' ' | sed 's/ $//')"
check "--timestamps" grep -qE '^20[0-9-]+T[0-9:.]+Z? one 1' <<<"$(logs talk/one -t)"
same "of a container that is not there" 1 "$(exit_of logs talk/three)"
same "of an app that is not there" 1 "$(exit_of logs nobody)"
same "a time that is none" 1 "$(exit_of logs talk --since yesterday)"
evenkeel logs talk/one -f >"$work/follow" 2>&1 &
follower=$!
check "-f shows what was" wait_until 5 grep -q "one 5" "$work/follow"
since=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
id=$(api POST /containers/talk-one-1/exec '{"Cmd":["touch","/tmp/go"]}' | jq -r .Id)
engine_curl "/exec/$id/start" -X POST -H 'Content-Type: application/json' --data-binary '{}' --max-time 10 -o /dev/null
check "and what comes" wait_until 5 grep -q "red" "$work/follow"
same "--since" "late" "$(logs talk/one --since "$since" | head -n 1)"
same "control bytes are escaped" 0 "$(logs talk/one | tr -d '[:print:]\n' | wc -c)"
check "it goes on" kill -0 "$follower"
api DELETE '/containers/talk-one-1?force=1'
check "until the container has ended" wait_until 5 ended "$follower"
rm "$root/talk.yaml"
apply >/dev/null

# --- terminals and pipes
same "no colours in a pipe" 0 "$(evenkeel status | grep -c $'\033' || true)"
if command -v script >/dev/null; then
    screen() { TERM=xterm script -qec "$*" /dev/null </dev/null; }
    line="$EVENKEEL status --root $root --state $state --docker $DOCKER_HOST"
    check "colours on a terminal" grep -q $'\033' <<<"$(screen "$line")"
    same "none with NO_COLOR" 0 "$(NO_COLOR=1 screen "$line" | grep -c $'\033\[3' || true)"
else
    skip "colours on a terminal" "there is no script(1) here"
fi

# --- configuration: flags, then environment, then file, then defaults
cat >"$work/agent.yaml" <<END
roots: [$root]
state: $state
docker: $DOCKER_HOST
END
same "from a file" 0 "$(exit_of ek plan --config "$work/agent.yaml")"
same "from the environment" 0 "$(EVENKEEL_ROOT=$root EVENKEEL_STATE=$state EVENKEEL_DOCKER=$DOCKER_HOST exit_of ek plan)"
same "the environment before the file" 1 "$(EVENKEEL_DOCKER=unix:///nowhere exit_of ek plan --config "$work/agent.yaml")"
same "a flag before both" 0 "$(EVENKEEL_DOCKER=unix:///nowhere exit_of ek plan --config "$work/agent.yaml" --docker "$DOCKER_HOST")"
printf 'roots: [/x]\nsate: /y\n' >"$work/bad-agent.yaml"
out=$(ek plan --config "$work/bad-agent.yaml" 2>&1) && status=0 || status=$?
same "a bad file" 1 "$status"
says "with the place" "bad-agent.yaml:2:1" "$out"
same "a file that is not there" 1 "$(exit_of ek plan --config "$work/none.yaml")"

# --- two at once: one works, the other watches
for i in 1 2 3; do sleeper pair$i; done
apply >"$work/one" 2>&1 &
first=$!
status=0
apply >"$work/two" 2>&1 || status=$?
wait $first || status=$?
same "two at once" 0 "$status"
same "one of them watches" 1 "$(cat "$work/one" "$work/two" | grep -c "watching it")"
same "nothing fails" "" "$(grep -h ✗ "$work/one" "$work/two" || true)"
same "the history is not disturbed" "" "$(ls "$state"/evenkeel.db.broken-* 2>/dev/null || true)"
rm "$root"/pair[123].yaml
status=0
apply --confirm-removals "$(held_hash)" >/dev/null || status=$?
same "gone" 0 "$status"

# --- the agent and its state directory
before=$(snapshot)
start_agent
becomes "the agent finds all well" "web=Synced" 10
same "status names it" "$agent_pid" "$(evenkeel status --json | jq .agent)"
out=$(ek agent "${flags[@]}" --state "$state" --docker "$DOCKER_HOST" 2>&1) && status=0 || status=$?
same "a second one is refused" 1 "$status"
says "it says who is there" "pid $agent_pid" "$out"
same "apply beside it" 0 "$(exit_of apply)"
says "says that it only watches" "$agent_pid" "$(apply)"
: >"$agent_log"
kill -HUP "$agent_pid"
check "SIGHUP looks again" wait_until 3 grep -q SIGHUP "$agent_log"
check "and goes on" agent_running
# A run in flight: an app whose dependency will never be healthy.
write_file slow.yaml <<'END'
app: slow
services:
  ill:
    image: busybox:stable
    command: ["sleep", "100000"]
    stop_signal: SIGKILL
    network_mode: none
    healthcheck: {test: ["CMD", "false"], interval: 30s, start_period: 60s}
  after: {image: "busybox:stable", network_mode: none, depends_on: {ill: {condition: service_healthy}}}
END
check "a run in flight" wait_until 5 docker_running slow-ill-1
begin=$SECONDS
stop_agent
check "SIGTERM ends it within 10 s" test $((SECONDS - begin)) -le 10
same "with status 0" 0 "$agent_status"
start_agent
wait_until 5 grep -q "evenkeel" "$agent_log"
stop_agent INT
same "so does Ctrl-C" 0 "$agent_status"
rm "$root/slow.yaml"
apply >/dev/null
sleeper web 'volumes: ["data:/data"]' 'environment: {V: "2"}'
start_agent
check "an agent has the lock" wait_until 20 eval '[ "$(cat "$state/agent.lock")" = "$agent_pid agent" ]'
kill -STOP "$agent_pid"
apply >"$work/watching" 2>&1 &
watcher=$!
check "apply watches an agent" wait_until 20 grep -q "watching it" "$work/watching"
stop_agent KILL
status=0
wait $watcher || status=$?
same "and does it itself when that has left" true "$(inspect web-app-1 '.Config.Env | any(. == "V=2")')"
same "and all of it" 0 "$status"
before=$(snapshot)

head -c 100000 /dev/urandom >"$state/evenkeel.db"
rm -f "$state"/evenkeel.db-*
: >"$agent_log"
start_agent
becomes "with a corrupt database" "web=Synced" 10
check "a warning" wait_until 5 grep -q "warning.*evenkeel.db" "$agent_log"
check "it is set aside" eval 'ls "$state"/evenkeel.db.broken-*'
stop_agent
rm -f "$state"/evenkeel.db*
same "with a deleted one: plan" 0 "$(exit_of plan)"
same "apply" 0 "$(exit_of apply)"
rm -rf "$state"
start_agent
becomes "without any state at all" "web=Synced" 10
stop_agent
same "nothing that runs was touched by any of this" "$before" "$(snapshot)"

# --- disks
mkdir "$work/small"
if mount -t tmpfs -o size=1m,mode=700 none "$work/small" 2>/dev/null; then
    mounted+=("$work/small")
    state_before=$state
    state=$work/small
    apply >/dev/null
    evenkeel hold web >/dev/null
    evenkeel release web >/dev/null
    head -c 2000000 /dev/zero >"$work/small/ballast" 2>/dev/null || true
    : >"$agent_log"
    start_agent
    becomes "with a full disk the agent works" "web=Synced" 10
    api DELETE '/containers/web-app-1?force=1'
    check "and heals" wait_until 10 docker_running web-app-1
    check "it says so" wait_until 5 grep -qiE "full|space|history|diary" "$agent_log"
    out=$(evenkeel stop web 2>&1) && status=0 || status=$?
    if [ "$status" = 0 ]; then
        check "an override still fits" wait_until 5 eval '! docker_running web-app-1'
        evenkeel start web >/dev/null
    else
        says "an override that does not fit is an error" "space" "$out"
        check "and changes nothing" docker_running web-app-1
    fi
    rm "$work/small/ballast"
    stop_agent
    before=$(snapshot)
    mount -o remount,ro "$work/small"
    same "read-only: plan" 0 "$(exit_of plan)"
    same "status" 0 "$(exit_of evenkeel status)"
    same "apply" 0 "$(exit_of apply)"
    says "says that no history is kept" "history" "$(apply 2>&1)"
    out=$(evenkeel stop web 2>&1) && status=0 || status=$?
    same "an override is an error" 1 "$status"
    says "that says why" "ead-only" "$out"
    out=$(ek agent "${flags[@]}" --state "$state" --docker "$DOCKER_HOST" 2>&1) && status=0 || status=$?
    same "the agent needs a directory that it can write" 1 "$status"
    says "and says so" "$state" "$out"
    same "nothing was touched" "$before" "$(snapshot)"
    state=$state_before
else
    skip "a full and a read-only disk" "no tmpfs can be mounted here"
fi
