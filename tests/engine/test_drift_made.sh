#!/bin/bash
# Objects taken away, made again or put in the way by hand: a container with our labels and another configuration, a stranger's container on our name
# or port, a stranger's network on our subnet, our network or volume removed, our image retagged or removed. Ours is put right; a stranger's is
# told and never touched.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

found() { # OBJECT FIELD
    [ "$({ evenkeel drift --json || true; } | jq --arg o "$1" --arg f "$2" '[.drift[] | select(.object == $o and .field == $f)] | length')" = 1 ]
}
well() { [ "$(exit_of plan)" = 0 ] && is Synced web; }
fixed() { check "$1: put right" test "$(exit_of apply)" = 0 && check "$1: and well" well; }

write_file web.yaml <<'END'
app: web
image: busybox:stable
command: ["sleep", "100000"]
stop_signal: SIGKILL
environment: {TZ: UTC}
ports: ["18080:80"]
volumes: [data:/data]
END
same "it is brought up" 0 "$(exit_of apply)"
check "and well" well

# --- made again by hand, all our labels on it, nobody watching
# remade NAME FIELD HAVE JQ: a container like ours but for JQ, made in its place.
remade() {
    local body
    body=$(inspect web-app-1 '{Image: .Config.Image, Cmd: .Config.Cmd, Env: .Config.Env, Labels: .Config.Labels, ExposedPorts: .Config.ExposedPorts,
        StopSignal: .Config.StopSignal, HostConfig: .HostConfig, NetworkingConfig: {EndpointsConfig: {web_default: {Aliases: ["app"]}}}}' | jq -c "$4")
    api DELETE '/containers/web-app-1?force=1'
    api POST '/containers/create?name=web-app-1' "$body" >/dev/null
    api POST /containers/web-app-1/start >/dev/null
    check "$1: plan sees it" test "$(exit_of plan)" = 2
    same "$1: by name" "$3" "$({ evenkeel drift --json || true; } | jq -r --arg f "$2" '.drift[] | select(.object == "container web-app-1" and .field == $f) | .have')"
}
remade "other values" environment.TZ CET '.Env = ["TZ=CET"] | .Labels.mine = "yes" | .HostConfig.CapAdd = ["SYS_TIME"] | .HostConfig.PidsLimit = 7 |
    .HostConfig.Mounts += [{Type: "bind", Source: "/usr", Target: "/host", ReadOnly: true}]'
same "all of them" "cap_add.NET_BIND_SERVICE cap_add.SYS_TIME environment.TZ labels.mine pids_limit volumes./host" \
    "$({ evenkeel drift --json || true; } | jq -r '[.drift[].field] | sort | join(" ")')"
fixed "other values"
same "a new one" "UTC null 1" "$(inspect web-app-1 '"\(.Config.Env[] | select(startswith("TZ=")) | .[3:]) \(.Config.Labels.mine) \(.HostConfig.CapAdd | length)"')"
remade "only a limit" pids_limit 7 '.HostConfig.PidsLimit = 7'
before=$(snapshot web-app-1)
fixed "only a limit"
same "in place" "$before" "$(snapshot web-app-1)"

# --- without our labels: a stranger
body='{"Image": "busybox:stable", "Cmd": ["sleep", "100000"], "StopSignal": "SIGKILL"'
api DELETE '/containers/web-app-1?force=1'
stranger=$(api POST '/containers/create?name=web-app-1' "$body}" | jq -r .Id)
api POST "/containers/$stranger/start" >/dev/null
same "a stranger has our name" Refused "$(app_state web)"
says "it is told" "is taken by a container that is not ours" "$(app_why web)"
same "apply does not take it" 1 "$(exit_of apply)"
same "it runs on" true "$(inspect "$stranger" .State.Running)"
api DELETE "/containers/$stranger?force=1"
stranger=$(api POST '/containers/create?name=squatter' "$body, \"ExposedPorts\": {\"80/tcp\": {}}, \"HostConfig\": {\"PortBindings\": {\"80/tcp\": [{\"HostPort\": \"18080\"}]}}}" | jq -r .Id)
api POST "/containers/$stranger/start" >/dev/null
out=$(apply 2>&1) && status=0 || status=$?
same "a stranger has our port" 1 "$status"
says "it is told" squatter "$out"
same "it runs on" true "$(inspect "$stranger" .State.Running)"
api DELETE "/containers/$stranger?force=1"
fixed "a port given up"

# --- its network
net=$(api GET /networks/web_default | jq -r .Id)
id=$(inspect web-app-1 .Id)
api POST "/networks/$net/disconnect" "{\"Container\": \"$id\", \"Force\": true}"
subnet=$(api GET /networks/web_default | jq -r '.IPAM.Config[0].Subnet')
api DELETE "/networks/$net"
api POST /networks/create "{\"Name\": \"squat\", \"IPAM\": {\"Config\": [{\"Subnet\": \"$subnet\"}]}}" >/dev/null
check "its network is gone: seen" found "network web_default" state
fixed "its network is gone, and its subnet taken"
check "another subnet" test "$subnet" != "$(api GET /networks/web_default | jq -r '.IPAM.Config[0].Subnet')"
same "the stranger's stays" "$subnet" "$(api GET /networks/squat | jq -r '.IPAM.Config[0].Subnet')"

# --- its volume, while it is stopped
api POST "/containers/web-app-1/stop?t=0" >/dev/null
api DELETE '/containers/web-app-1?force=1'
api DELETE /volumes/web_data
check "its volume is gone: seen" found "volume web_data" state
fixed "its volume is gone"
same "it is there again" web_data "$(api GET /volumes/web_data | jq -r .Name)"

# --- its image
api POST '/images/busybox:stable/tag?repo=evenkeel-test/keep&tag=1' >/dev/null
before=$(snapshot web-app-1)
api DELETE '/images/busybox:stable?noprune=1' >/dev/null
same "its tag is gone: what runs goes on" "0 $before" "$(exit_of plan) $(snapshot web-app-1)"
api POST '/commit?container=web-app-1&repo=busybox&tag=stable' '{"Labels": {"other": "yes"}}' >/dev/null
same "its tag is another image" 2 "$(exit_of plan)"
says "by name" "image busybox:stable now is" "$(plan || true)"
api POST '/images/evenkeel-test/keep:1/tag?repo=busybox&tag=stable' >/dev/null
same "and back" "0 $before" "$(exit_of plan) $(snapshot web-app-1)"
