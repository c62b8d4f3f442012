#!/bin/bash
# Limits and the restart policy changed by `docker update`: seen by plan and drift though no agent ran, put right in place (the same
# container goes on), reported or left where `drift:` says so, and named with event and time where an agent saw it.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

sleeper web
same "it is brought up" 0 "$(exit_of apply)"
same "and nothing is left to do" 0 "$(exit_of plan)"
born=$(snapshot web-app-1)
limits() { inspect web-app-1 '.HostConfig | "\(.Memory) \(.MemorySwap) \(.NanoCpus) \(.PidsLimit) \(.RestartPolicy.Name)"'; }
wanted=$(limits)
by_hand() { api POST /containers/web-app-1/update "$1" >/dev/null; }
all='{"Memory": 268435456, "MemorySwap": 402653184, "NanoCpus": 1000000000, "PidsLimit": 7, "RestartPolicy": {"Name": "always"}}'
# fields [JQ]: what drift names, in order
fields() { { evenkeel drift --json || true; } | jq -r "[.drift[] | ${1:-.field}] | unique | join(\" \")"; }

# --- nobody watched
by_hand "$all"
same "plan sees it" 2 "$(exit_of plan)"
says "and says what" 'mem_limit: "256M" -> "512M"' "$(plan || true)"
says "in place" "update container web-app-1" "$(plan || true)"
says "and when" "while no agent watched" "$(plan || true)"
same "drift sees it" 2 "$(exit_of evenkeel drift)"
same "each field has its name" "cpus mem_limit memswap_limit pids_limit restart" "$(fields)"
same "and its repair" update "$(fields .repair)"
same "apply puts it right" 0 "$(exit_of apply)"
same "all of it" "$wanted" "$(limits)"
same "in place" "$born" "$(snapshot web-app-1)"
same "nothing is left to do" "0 0" "$(exit_of plan) $(exit_of evenkeel drift)"

# --- an agent watches
start_agent
check "the agent is there" wait_until 20 is Synced web
sleep 1
healed() { [ "$(limits)" = "$wanted" ]; }
for change in '{"Memory": 268435456, "MemorySwap": 268435456}' '{"Memory": 536870912, "MemorySwap": 1073741824}' '{"NanoCpus": 700000000}' '{"PidsLimit": 9}' '{"RestartPolicy": {"Name": "no"}}'; do
    by_hand "$change"
    check "$change heals" wait_until 5 healed
    check "and is Synced" wait_until 5 is Synced web
    sleep 0.6
done
same "in place" "$born" "$(snapshot web-app-1)"
says "the history names the event" "pids_limit changed (update at 20" "$("$EVENKEEL" history --state "$state" web 2>&1)"

# --- drift: report
sleeper web 'drift: report'
wait_until 5 is Synced web || true
sleep 0.6
by_hand "$all"
check "reported" wait_until 5 is OutOfSync web
check "with the event" wait_until 5 eval '[ "$(fields .event)" = update ]'
same "and its time" "" "$(fields '.when // "none"' | grep none)"
same "and why it stays" report "$(fields .left)"
sleep 0.5
same "but not put right" "268435456 402653184 1000000000 7 always" "$(limits)"
same "drift: 2, plan: 0" "2 0" "$(exit_of evenkeel drift) $(exit_of plan)"

# --- drift: {ignore: ...}
sleeper web 'drift: {ignore: [restart, cpus]}'
ignored() { [ "$(limits)" = "536870912 536870912 1000000000 100 always" ]; }
check "what is not ignored heals" wait_until 8 ignored
check "and it is Synced" wait_until 5 is Synced web
same "what is ignored is told" "cpus restart" "$(fields)"
same "as such" ignore "$(fields .left)"
same "and no drift" 0 "$(exit_of evenkeel drift)"

sleeper web 'drift: {ignore: [mem_limit, restart, cpus]}'
wait_until 5 is Synced web || true
by_hand '{"Memory": 268435456}'
sleep 1
same "nothing but the memory is another, and it stays" "268435456 536870912 1000000000 100 always" "$(limits)"
by_hand '{"Memory": 536870912}'
sleeper web 'drift: {ignore: [restart, cpus]}'
wait_until 5 ignored || true

# --- hold
same "held" 0 "$(exit_of evenkeel hold web)"
wait_until 5 is Held web || true
by_hand '{"PidsLimit": 11}'
held() { [[ " $(fields) " == *" pids_limit "* ]]; }
check "seen while held" wait_until 5 held
sleep 0.5
same "and left" 11 "$(inspect web-app-1 .HostConfig.PidsLimit)"
same "released" 0 "$(exit_of evenkeel release web)"
check "then put right" wait_until 8 ignored
same "the same container through all of it" "$born" "$(snapshot web-app-1)"

# --- what only a new container puts right, and an anonymous volume holds data
sleeper kept 'volumes: [/data]' 'cpus: 0'
wait_until 8 is Synced kept || true
old=$(snapshot kept-app-1)
data=$(inspect kept-app-1 '.Mounts[] | select(.Destination == "/data") | .Name')
sleep 0.6
api POST /containers/kept-app-1/update '{"NanoCpus": 700000000}' >/dev/null
renewed() { [ "$(snapshot kept-app-1)" != "$old" ] && is Synced kept; }
check "a new container puts it right" wait_until 15 renewed
same "without the limit" 0 "$(inspect kept-app-1 .HostConfig.NanoCpus)"
same "and with the volume that the old one had" "$data" "$(inspect kept-app-1 '.Mounts[] | select(.Destination == "/data") | .Name')"
stop_agent
