#!/bin/bash
# An engine with live-restore is restarted under its containers: they go on, nothing is made anew, nothing is called drift. What really ended meanwhile
# is brought back, and it alone. On an engine of its own, since it is stopped.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
own_engine "restarting an engine needs"
# shellcheck disable=SC2317,SC2329
end_engine() {
    [ -z "$agent_pid" ] || stop_agent
    [ ! -e "$own/engine.state" ] || "$engine" stop "$own"
    rm -rf "$own"
}
trap 'end_engine; finish' EXIT
"$engine" start "$own" --netns --live-restore "${modern[@]}" >/dev/null
"$engine_dir/standins.sh" --no-pull busybox:stable 2>/dev/null

said() { cut -d' ' -f2- "$agent_log" | grep -cF -- "$1" || true; }
back() { [ "$(said 'engine is back')" -ge "$1" ]; }
pid_of() { inspect "$1" .State.Pid; }
network_of() { inspect "$1" '.NetworkSettings.Networks | tostring'; }
same "this engine keeps containers alive" true "$(api GET /info | jq -r .LiveRestoreEnabled)"

sleeper live1 'mem_limit: 64m' 'healthcheck: {test: ["CMD", "true"], interval: 1s}'
sleeper live2 'network_mode: none'
sleeper live3 'network_mode: none' 'volumes: ["data:/data"]'
start_agent
becomes "three apps" "live1=Synced live2=Synced live3=Synced" 40
before=$(snapshot)
pids="$(pid_of live1-app-1) $(pid_of live2-app-1) $(pid_of live3-app-1)"
network=$(network_of live1-app-1)
runs=$(said ' actions: ')

"$engine" halt "$own"
check "the agent says that it is away" wait_until 10 grep -q "waiting for it" "$agent_log"
for pid in $pids; do check "process $pid goes on" test -e "/proc/$pid"; done
"$engine" resume "$own" >/dev/null
check "and that it is back" wait_until 20 back 1
becomes "all are well" "live1=Synced live2=Synced live3=Synced" 20
same "nothing was made or started anew" "$before" "$(snapshot)"
same "the same processes" "$pids" "$(pid_of live1-app-1) $(pid_of live2-app-1) $(pid_of live3-app-1)"
same "on the same network" "$network" "$(network_of live1-app-1)"
same "no run was begun" "$runs" "$(said ' actions: ')"
same "no drift" 0 "$(exit_of evenkeel drift)"
same "nor was there any" "[]" "$("$EVENKEEL" history --state "$state" --drift --json | jq -c .)"
same "the plan is empty" 0 "$(exit_of plan)"

# --- a change made in the file meanwhile, and one that ended meanwhile
calm=$(snapshot live1-app-1)
"$engine" halt "$own"
check "away again" wait_until 10 eval '[ "$(said "waiting for it")" -ge 2 ]'
kill -KILL "$(cut -d' ' -f2 <<<"$pids")"
sleeper live3 'network_mode: none' 'volumes: ["data:/data"]' 'environment: {V: "2"}'
"$engine" resume "$own" >/dev/null
check "back again" wait_until 20 back 2
check "what ended runs again" wait_until 20 docker_running live2-app-1
check "what changed is changed" wait_until 30 eval 'inspect live3-app-1 .Config.Env | grep -q V=2'
becomes "all are well" "live1=Synced live2=Synced live3=Synced" 20
same "the third was left alone" "$calm" "$(snapshot live1-app-1)"
same "its volume stayed" live3_data "$(owned volumes .Name)"
