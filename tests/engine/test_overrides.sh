#!/bin/bash
# stop, start, restart, hold, release and remove: one word each, kept as a file in STATE/overrides; no spec is ever edited. With and without an agent.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

id() { inspect web-app-1 .Id; }
started() { inspect web-app-1 .State.StartedAt; }
running() { inspect web-app-1 .State.Running; }
not_running() { [ "$(running)" = false ]; }
specs() { (cd "$root" && find . -type f -exec sha256sum {} + | sort); }
override=$state/overrides/web.yaml

sleeper web 'volumes: ["data:/data"]'
sleeper calm 'network_mode: none'
specs_before=$(specs)
same "apply" 0 "$(exit_of apply)"
calm_before=$(snapshot calm-app-1)
first=$(id)

# --- without an agent: the words are kept, `apply` carries them out
says "stop says that nobody is there to do it" "evenkeel apply" "$(evenkeel stop web)"
says "it is a file" "state: stopped" "$(cat "$override")"
same "plan shows it as a change" 2 "$(exit_of plan)"
says "with its reason" "stop" "$({ plan || true; } 2>&1)"
same "it runs until then" true "$(running)"
same "apply" 0 "$(exit_of apply)"
same "stopped" false "$(running)"
same "but still there" "$first" "$(id)"
same "its state" "calm=Synced web=Stopped" "$(states)"
same "status is content" 0 "$(exit_of evenkeel status)"
same "so is plan" 0 "$(exit_of plan)"
says "status shows the override" "stopped" "$(evenkeel status web --json | jq -r '.apps[0].notes | join(" ")')"
says "plan --json too" "stopped" "$(plan web --json | jq -r '.apps[0].notes | join(" ")')"
evenkeel start web >/dev/null
same "start deletes the file" no "$([ -e "$override" ] && echo yes || echo no)"
same "apply" 0 "$(exit_of apply)"
same "it runs again" true "$(running)"
same "in the same container" "$first" "$(id)"
before=$(started)
evenkeel restart web >/dev/null
says "restart is a file" "restarted-at: 20" "$(cat "$override")"
same "apply" 0 "$(exit_of apply)"
same "restarted in place" "$first" "$(id)"
check "with another start" test "$before" != "$(started)"
before=$(started)
same "apply" 0 "$(exit_of apply)"
same "once is enough" "$before" "$(started)"
evenkeel hold web >/dev/null
api DELETE '/containers/web-app-1?force=1'
same "apply leaves a held app alone" 1 "$(exit_of apply)"
check "though its container is gone" gone web-app-1
same "Held" "calm=Synced web=Held" "$(states)"
says "drift tells of it all the same" web-app-1 "$({ evenkeel drift || true; } 2>&1)"
evenkeel release web >/dev/null
same "released: apply repairs" 0 "$(exit_of apply)"
same "it runs again" true "$(running)"
evenkeel remove web >/dev/null
says "plan says that the volume stays" "web_data" "$({ plan || true; } 2>&1)"
same "remove: apply" 0 "$(exit_of apply)"
check "container gone" gone web-app-1
same "network gone" "" "$(owned networks .Name)"
same "volume there" web_data "$(owned volumes .Name)"
same "nothing left to do" 0 "$(exit_of plan)"
evenkeel start web >/dev/null
same "start: apply" 0 "$(exit_of apply)"
check "it is back" docker_running web-app-1

# --- mistakes
same "an app that does not exist" 1 "$(exit_of evenkeel stop wbe)"
says "is answered with what there is" "status" "$({ evenkeel stop wbe || true; } 2>&1)"
same "a time that is none" 1 "$(exit_of evenkeel hold web --for soon)"
same "a name that is none" 1 "$(exit_of evenkeel stop ../web)"
same "no name" 1 "$(exit_of evenkeel stop)"
same "nothing was written by these" "" "$(find "$state/overrides" -name '*web.yaml' ! -name web.yaml)"
mkdir -p "$state/overrides"
printf 'override: calm\nstate: asleep\n' >"$state/overrides/calm.yaml"
out=$({ evenkeel status || true; } 2>&1)
says "a broken override names its place" "calm.yaml:2:8: error" "$out"
same "and changes nothing that runs" "$calm_before" "$(snapshot calm-app-1)"
rm "$state/overrides/calm.yaml"

# --- with an agent
start_agent
becomes "the agent finds all well" "calm=Synced web=Synced" 10
first=$(id)
says "stop says who does it" "agent" "$(evenkeel stop web)"
check "the agent stops it" wait_until 5 not_running
becomes "Stopped" "calm=Synced web=Stopped" 5
api POST /containers/web-app-1/start
check "started by hand, it is stopped again" wait_until 5 not_running
stop_agent KILL
start_agent
sleep 0.5
same "it survives the agent" false "$(running)"
rm "$override"
check "deleting the file undoes it" wait_until 5 docker_running web-app-1
same "same container" "$first" "$(id)"
before=$(started)
restarted() { [ "$(started)" != "$before" ] && [ "$(running)" = true ]; }
evenkeel restart web calm >/dev/null
check "the agent restarts it" wait_until 5 restarted
same "same container" "$first" "$(id)"
check "both of them" wait_until 5 eval '[ "$(snapshot calm-app-1)" != "$calm_before" ]'
becomes "Synced" "calm=Synced web=Synced" 5
calm_before=$(snapshot calm-app-1)
stop_agent
before=$(started)
start_agent
becomes "a restart of the agent" "calm=Synced web=Synced" 5
same "repeats no restart" "$before" "$(started)"
evenkeel hold web --for 3s >/dev/null
says "a hold with an end" "until: 20" "$(cat "$override")"
becomes "Held" "calm=Synced web=Held" 2
api DELETE '/containers/web-app-1?force=1'
sleep 0.7
check "the agent leaves it alone" gone web-app-1
check "until the time is over" wait_until 6 docker_running web-app-1
evenkeel hold web >/dev/null
becomes "held without an end" "calm=Synced web=Held" 5
api POST '/containers/web-app-1/stop?t=1'
sleep 0.7
same "unrepaired" false "$(running)"
sleeper web 'volumes: ["data:/data"]' 'environment: {V: "2"}'
sleep 0.7
same "a changed spec waits too" false "$(running)"
evenkeel release web >/dev/null
changed() { [ "$(running)" = true ] && [ "$(inspect web-app-1 '.Config.Env | any(. == "V=2")')" = true ]; }
check "release repairs" wait_until 10 changed
printf 'override: web\ndrift: report\n' >"$state/overrides/.web" && mv "$state/overrides/.web" "$override"
becomes "drift: report" "calm=Synced web=Synced" 5
api POST '/containers/web-app-1/stop?t=1'
becomes "is told" "calm=Synced web=OutOfSync" 5
same "drift exits 2" 2 "$(exit_of evenkeel drift)"
same "and not repaired" false "$(running)"
rm "$override"
check "until the override is gone" wait_until 5 docker_running web-app-1
evenkeel remove web >/dev/null
check "the agent removes it" wait_until 5 gone web-app-1
same "volume there" web_data "$(owned volumes .Name)"
evenkeel start web >/dev/null
check "and brings it back" wait_until 10 docker_running web-app-1
same "calm was never touched" "$calm_before" "$(snapshot calm-app-1)"
sleeper web 'volumes: ["data:/data"]'
same "no spec was edited" "$specs_before" "$(specs)"
