#!/bin/bash
# What a hand breaks is seen from the engine's events and repaired within a second plus the engine's own time: rm -f, rm, stop, kill,
# pause, rename, disconnect.
# A crash loop is reported, not fought.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

write_file web.yaml <<'EOF'
app: web
image: nginx:1.27-alpine
security: {profile: service}
stop_grace_period: 1s
EOF
start_agent
check "it runs" wait_until 15 docker_running web-app-1

well() { [ "$(inspect web-app-1 '"\(.State.Running) \(.State.Paused)"')" = "true false" ]; }
changed() { well && [ "$(inspect web-app-1 .Id)" != "$before" ]; }
restarted() { well && [ "$(inspect web-app-1 .State.StartedAt)" != "$started" ]; }

# heals NAME SECONDS CONDITION COMMAND...: from the command's return
heals() {
    local name=$1 limit=$2 condition=$3 begin
    shift 3
    before=$(inspect web-app-1 .Id)
    started=$(inspect web-app-1 .State.StartedAt)
    "$@" >/dev/null
    begin=${EPOCHREALTIME/./}
    if wait_until "$limit" "$condition"; then
        pass "$name heals (after $(((${EPOCHREALTIME/./} - begin) / 1000)) ms)"
    else
        fail "$name heals" "not within $limit s: $(inspect web-app-1 '.State|tojson' 2>&1)"
    fi
    wait_until 5 is Synced web || fail "$name" "never Synced again"
}

# Both calls on one connection, so that the agent has hardly any time to start it in between; it is tried again if it had.
rm_stopped() {
    local url=http://engine/containers/web-app-1 both=(-sS --unix-socket "${DOCKER_HOST#unix://}" -o /dev/null -w '%{http_code} ')
    until [[ $(curl "${both[@]}" -X POST "$url/stop?t=1" --next "${both[@]}" -X DELETE "$url") == *"204 204"* ]]; do :; done
}
rename_by_hand() { api POST '/containers/web-app-1/rename?name=mine'; }
named() { [ "$(inspect web-app-1 .Id 2>/dev/null)" = "$before" ]; }

heals "rm -f" 3 changed api DELETE '/containers/web-app-1?force=1'
heals "stop" 3 restarted api POST '/containers/web-app-1/stop?t=1'
heals "kill" 3 restarted api POST /containers/web-app-1/kill
heals "pause" 3 well api POST /containers/web-app-1/pause
heals "stop and rm" 4 changed rm_stopped
heals "rename" 3 named rename_by_hand
network_gone() {
    api POST /networks/web_default/disconnect '{"Container":"web-app-1","Force":true}'
}
attached() { [ "$(inspect web-app-1 '.NetworkSettings.Networks|has("web_default")')" = true ] && well; }
heals "network disconnect" 3 attached network_gone
same "exactly one container is there" 1 "$(owned containers .Id | wc -l)"

# --- a crash loop is the engine's to fight and ours to report
write_file crash.yaml <<'EOF'
app: crash
image: busybox:stable
command: ["sh", "-c", "echo the disk is on fire >&2; exit 3"]
EOF
check "a crash loop is Degraded" wait_until 30 is Degraded crash
check "with its exit code" wait_until 10 eval '[[ $(app_why crash) == *"exit code 3"* ]]'
same "web is untouched by it" true "$(inspect web-app-1 .State.Running)"
count=$(inspect crash-app-1 .Id)
sleep 3
same "it is not recreated again and again" "$count" "$(inspect crash-app-1 .Id)"
check "nor called well between two crashes" test "$(sed -n '/Degraded.*app=crash/,$p' "$agent_log" | grep -c 'Synced app=crash')" = 0
says "its last lines are in the report" "the disk is on fire" "$(cat "$agent_log")"
says "and in its log" "the disk is on fire" "$(evenkeel logs crash 2>&1)"
