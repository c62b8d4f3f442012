#!/bin/bash
# What hands do to a running container is seen within a second and named: object, field, want, have, and the engine's event with its time. Under
# `drift: report` it is told and left; as soon as the file says otherwise all of it is put right.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

api POST /networks/create '{"Name": "foreign", "IPAM": {"Config": [{"Subnet": "10.96.0.0/24"}]}}' >/dev/null
app() {
    cat <<END
app: web
$1
services:
  app:
    image: busybox:stable
    command: ["sleep", "100000"]
    stop_signal: SIGKILL
    mac_address: "02:42:0a:5f:00:99"
    networks: {front: {aliases: [www]}, back: {ipv4_address: 10.95.0.9}}
networks:
  front: {}
  back: {ipam: {config: [{subnet: 10.95.0.0/24}]}}
  side: {}
END
}
app 'drift: report' | write_file web.yaml
start_agent
check "it runs" wait_until 20 is Synced web
id=$(inspect web-app-1 .Id)
sleep 1

drift_has() { # FIELD EVENT HAVE [LEFT]
    [ "$({ evenkeel drift --json || true; } | jq --arg f "$1" --arg e "$2" --arg h "$3" --arg l "${4:-report}" \
        '[.drift[] | select(.object == "container web-app-1" and .field == $f and (.event // "") == $e and (.have // "") == $h and .left == $l)] | length')" = 1 ]
}
# seen NAME FIELD EVENT HAVE COMMAND...: from the command's return
seen() {
    local name=$1 field=$2 event=$3 have=$4 begin
    shift 4
    "$@" >/dev/null
    begin=${EPOCHREALTIME/./}
    if wait_until 4 drift_has "$field" "$event" "$have"; then
        pass "$name is seen (after $(((${EPOCHREALTIME/./} - begin) / 1000)) ms)"
    else
        fail "$name is seen" "$({ evenkeel drift --json || true; } | jq -c .drift)"
    fi
}
# undo COMMAND...: by hand, too; the agent agrees that all is well.
undo() {
    "$@" >/dev/null
    wait_until 8 is Synced web || fail "undone: $*" "$(app_why web)"
    sleep 0.6
}
to() { api POST "/containers/$1"; }
leave() { api POST "/networks/$1/disconnect" "{\"Container\": \"$id\", \"Force\": true}"; }
join() { api POST "/networks/$1/connect" "{\"Container\": \"$id\", \"EndpointConfig\": $2}"; }
again() { leave "$1" && join "$1" "$2"; }

seen "pause" state pause paused to "$id/pause"
undo to "$id/unpause"
seen "stop" state stop exited to "$id/stop?t=0"
undo to "$id/start"
seen "kill" state die exited to "$id/kill"
undo to "$id/start"
seen "rename" name rename mine to "$id/rename?name=mine"
undo to "$id/rename?name=web-app-1"
seen "disconnect" networks.web_front "disconnect from network web_front" "" leave web_front
undo join web_front '{"Aliases": ["app", "www"]}'
seen "another alias" networks.web_front "connect to network web_front" "alias evil" again web_front '{"Aliases": ["evil"]}'
undo again web_front '{"Aliases": ["app", "www"]}'
seen "another address" networks.web_back "connect to network web_back" "alias app, address 10.95.0.7" again web_back '{"Aliases": ["app"], "IPAMConfig": {"IPv4Address": "10.95.0.7"}}'
undo again web_back '{"Aliases": ["app"], "IPAMConfig": {"IPv4Address": "10.95.0.9"}}'
seen "a limit" pids_limit update 7 api POST "/containers/$id/update" '{"PidsLimit": 7}'
undo api POST "/containers/$id/update" '{"PidsLimit": 100}'
join foreign '{}' >/dev/null
check "a foreign network is told, and left" wait_until 4 drift_has networks.foreign "connect to network foreign" connected foreign
leave foreign >/dev/null

# --- all at once, and then the file says: heal
again web_front '{"Aliases": ["evil"]}' >/dev/null
again web_back '{"Aliases": ["app"], "IPAMConfig": {"IPv4Address": "10.95.0.7"}}' >/dev/null
api POST "/containers/$id/update" '{"PidsLimit": 7, "NanoCpus": 900000000}' >/dev/null
to "$id/rename?name=mine" >/dev/null
to "$id/pause" >/dev/null
check "all of it is reported" wait_until 4 eval '[ "$({ evenkeel drift --json || true; } | jq "[.drift[] | select(.left == \"report\")] | length")" = 6 ]'
plain=$(evenkeel drift || true)
says "in words" "renamed (rename at 20" "$plain"
app 'drift: report' | sed 's/networks: {front/networks: {side: {}, front/' | write_file web.yaml
check "a network that the file adds meanwhile is joined" wait_until 6 eval '[ "$(inspect "$id" ".NetworkSettings.Networks|has(\"web_side\")")" = true ]'
sleep 0.5
same "and what hands did stays" "/mine true 7" "$(inspect "$id" '"\(.Name) \(.State.Paused) \(.HostConfig.PidsLimit)"')"
app '' | write_file web.yaml
well() { [ "$(inspect "$id" '"\(.Name) \(.State.Running) \(.State.Paused) \(.HostConfig.PidsLimit) \(.HostConfig.NanoCpus)"')" = "/web-app-1 true false 100 500000000" ]; }
check "all of it heals" wait_until 10 well
check "and the alias" wait_until 5 eval '[[ $(inspect "$id" ".NetworkSettings.Networks.web_front.Aliases|tojson") == *www* ]]'
check "and the address" wait_until 5 eval '[ "$(inspect "$id" .NetworkSettings.Networks.web_back.IPAddress)" = 10.95.0.9 ]'
mac=$(inspect "$id" .NetworkSettings.Networks.web_back.MacAddress)
if [ "$mac" != 02:42:0a:5f:00:99 ]; then
    # Is it the engine that passes the address by? The same call for a container of nobody's.
    api POST '/containers/create?name=probe' '{"Image": "busybox:stable", "Cmd": ["sleep", "100"], "StopSignal": "SIGKILL"}' >/dev/null
    api POST /containers/probe/start
    api POST /networks/foreign/connect '{"Container": "probe", "EndpointConfig": {"MacAddress": "02:42:0a:60:00:98"}}'
    by_hand=$(inspect probe .NetworkSettings.Networks.foreign.MacAddress)
    api DELETE '/containers/probe?force=1'
fi
if [ "${by_hand:-02:42:0a:60:00:98}" != 02:42:0a:60:00:98 ]; then
    skip "with the service's own MAC" "this engine passes EndpointConfig.MacAddress by when a running container is connected, by hand as well"
else
    same "with the service's own MAC" 02:42:0a:5f:00:99 "$mac"
fi
same "in the same container" "$id" "$(inspect web-app-1 .Id)"
check "Synced" wait_until 5 is Synced web
same "nothing is left to do" "0 0" "$(exit_of plan) $(exit_of evenkeel drift)"
sleep 0.6

# --- taken away
gone_is() { [ "$({ evenkeel drift --json || true; } | jq '[.drift[] | select(.field == "state" and .event == "destroy" and .have == null)] | length')" = 1 ]; }
app 'drift: report' | write_file web.yaml
wait_until 5 is Synced web || true
sleep 0.6
api DELETE "/containers/$id?force=1"
check "rm -f is seen" wait_until 4 gone_is
sleep 0.5
check "and left" gone web-app-1
app '' | write_file web.yaml
check "and heals" wait_until 10 docker_running web-app-1
check "Synced" wait_until 5 is Synced web
stop_agent
