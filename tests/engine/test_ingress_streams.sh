#!/bin/bash
# What stays open, through the managed Traefik: events, followed logs, `?wait=1`. Each line comes when it is said and not when the answer ends, quiet streams show that they live, who comes back gets
# what it missed, and how a deployment ended is told by curl's exit status.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
# shellcheck source=tests/engine/ingress.sh
. "$engine_dir/ingress.sh"

export EVENKEEL_ADMIN_PASSWORD=correct-horse-battery NO_PROXY='*' no_proxy='*'
page_app front "welcome" "route: /front"
start_agent
api=http://127.0.0.1:$http_port/api/v1
check "the agent answers by itself" wait_until 20 curl -sf -o /dev/null http://127.0.0.1:15001/readyz
token() { "$EVENKEEL" token create "$1" --scope "$2" --state "$state" 2>/dev/null; }
reading=$(token eyes read)
deploy=$(token ci deploy)
bearer() { curl -sS --max-time 60 -H "Authorization: Bearer $1" "${@:2}"; }
through() { [ "$(bearer "$reading" -o /dev/null -w '%{http_code}' "$api/apps")" = 200 ]; }
check "and through Traefik" wait_until 60 through

# open FILE TOKEN [CURL OPTIONS...] URL: in the background; is_over FILE, and then status_of FILE sets status
declare -A opened=()
open() {
    curl -sSN -D "$1.head" -H "Authorization: Bearer $2" "${@:3}" >"$1" 2>/dev/null &
    opened[$1]=$!
}
still_open() { kill -0 "${opened[$1]}" && ! grep -q '^State:.Z' "/proc/${opened[$1]}/status"; }
is_over() { ! still_open "$1"; }
status_of() { status=0 && wait "${opened[$1]}" || status=$?; }
got() { grep -qF -e "$2" "$1"; }

# --- a quiet one, looked at again at the end
open "$work/quiet" "$reading" "$api/events?app=nobody"

# --- events
open "$work/all" "$reading" "$api/events"
check "events begin" wait_until 20 got "$work/all" "event: hello"
says "as Server-Sent Events" "text/event-stream" "$(cat "$work/all.head")"
says "that nobody keeps" "no-store" "$(tr 'A-Z' 'a-z' <"$work/all.head")"
ticking='app: ticking
image: busybox:stable
command: ["sh", "-c", "echo hello from me; while :; do echo tick; sleep 0.2; done"]
stop_signal: SIGKILL
network_mode: none
'
bearer "$deploy" -X PUT --data-binary "$ticking" "$api/apps/ticking/spec" -o /dev/null
check "a change is told while they are open" wait_until 30 got "$work/all" '"app":"ticking","state":"Synced"'
check "and they stay open" still_open "$work/all"

# --- coming back
last=$(grep '^id: ' "$work/all" | tail -n 1 | cut -d' ' -f2)
bearer "$deploy" -X POST "$api/apps/ticking/stop" -o /dev/null
check "stopped meanwhile" wait_until 20 is Stopped ticking
open "$work/back" "$reading" -H "Last-Event-ID: $last" "$api/events"
check "what was missed comes again" wait_until 10 got "$work/back" '"app":"ticking","state":"Stopped"'
check "and it is all" got "$work/back" '"missed":false'
bearer "$deploy" -X POST "$api/apps/ticking/start" -o /dev/null

# --- logs
open "$work/lines" "$reading" "$api/apps/ticking/logs?follow=1&tail=0"
open "$work/sse" "$reading" -H 'Accept: text/event-stream' "$api/apps/ticking/logs?follow=1&tail=0"
check "lines come as they are said" wait_until 20 eval '[ "$(grep -c "^tick" "$work/lines")" -ge 3 ]'
check "so do events of lines" wait_until 20 eval '[ "$(grep -c "^data: tick" "$work/sse")" -ge 3 ]'
check "both stay open" eval 'still_open "$work/lines" && still_open "$work/sse"'

# --- waiting for an app
spec='app: later
image: busybox:stable
user: "1000"
command: ["sleep", "100000"]
stop_signal: SIGKILL
network_mode: none
healthcheck: {test: ["CMD", "test", "-e", "/tmp/well"], interval: 300ms, retries: 1, start_period: 300s}
'
open "$work/wait" "$deploy" -f -X PUT --data-binary "$spec" "$api/apps/later/spec?wait=1"
check "progress comes as it is made" wait_until 40 got "$work/wait" "start container later-app-1: done"
check "while it is not well yet" still_open "$work/wait"
check "and a sign of life" wait_until 40 got "$work/wait" "..."
id=$(api POST /containers/later-app-1/exec '{"Cmd": ["touch", "/tmp/well"], "User": "1000"}' | jq -r .Id)
api POST "/exec/$id/start" '{"Detach": true}' >/dev/null
check "it ends when the app is well" wait_until 40 is_over "$work/wait"
status_of "$work/wait"
same "with a line and a status that say so" "ok: later is Synced 0" "$(tail -n 1 "$work/wait") $status"
open "$work/bad" "$deploy" -f -X PUT --data-binary 'app: bad
imagine: busybox:stable' "$api/apps/bad/spec?wait=1"
check "one that is refused ends at once" wait_until 20 is_over "$work/bad"
status_of "$work/bad"
same "with curl's 22" 22 $status
open "$work/worse" "$deploy" -f -X PUT --data-binary 'app: worse
image: busybox:stable
command: ["sh", "-c", "exit 3"]
network_mode: none
' "$api/apps/worse/spec?wait=1"
check "one that does not stay up ends" wait_until 60 is_over "$work/worse"
says "with the reason" "failed: worse is Degraded" "$(tail -n 1 "$work/worse")"
status_of "$work/worse"
same "and curl's 18, as without Traefik" 18 $status

# --- the quiet one
check "who hears nothing hears that it is heard" wait_until 40 grep -q '^:' "$work/quiet"
check "and is open still" still_open "$work/quiet"
"$EVENKEEL" token revoke eyes --state "$state" >/dev/null 2>&1
check "a revoked token's end comes through" wait_until 40 is_over "$work/quiet"
