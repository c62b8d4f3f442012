#!/bin/bash
# Containers made from many different bodies on a real engine report nothing that engine_fields calls
# a difference: not when created, not when running, not after a stop. What was changed by hand, it
# does call one.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"

probe=$(dirname "$EVENKEEL")/tests/engine/fields_probe
bodies=$repo/tests/engine/fields.json
[ -x "$probe" ] || skip_all "no $probe (make builds it with the tests)"
need_engine
api_version=$(api GET /version | jq -r .ApiVersion)

rich=evenkeel-test/fields:1
# An image that sets everything an image can set.
make_rich_image() {
    api POST '/containers/create?name=fields-rich' '{"Image": "busybox:stable", "Cmd": ["true"]}' >/dev/null
    api POST "/commit?container=fields-rich&repo=${rich%:*}&tag=${rich#*:}" '{
        "User": "1000:1000", "WorkingDir": "/srv", "StopSignal": "SIGQUIT",
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=image", "B=image"],
        "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["sleep 600"],
        "ExposedPorts": {"80/tcp": {}, "443/tcp": {}}, "Volumes": {"/data": {}, "/cache/": {}},
        "Labels": {"both": "image", "of-image": "yes"},
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 60000000000, "Timeout": 2000000000, "Retries": 5}}' >/dev/null
    api DELETE '/containers/fields-rich?force=1' >/dev/null
}

# differences CONTAINER: prints them; fails if there are some.
differences() {
    api GET "/containers/$1/json" >"$work/inspect.json" || return 1
    "$probe" "$work/body.json" "$work/image.json" "$work/inspect.json"
}

# no_difference NAME WHEN CONTAINER
no_difference() {
    local found
    if found=$(differences "$3" 2>&1); then
        pass "$1: $2"
    else
        fail "$1: $2" "$found"
    fi
}

# try_body NAME: created, started, stopped, started again.
try_body() {
    local name=$1 id
    jq --arg name "$name" --arg image "$rich" '{Image: $image} + .[$name]' "$bodies" >"$work/body.json"
    api GET "/images/$(jq -r .Image "$work/body.json")/json" >"$work/image.json"
    api DELETE '/containers/fields-one?force=1&v=1' >/dev/null 2>&1 || true
    if ! id=$(api POST '/containers/create?name=fields-one' "$(cat "$work/body.json")" 2>&1); then
        fail "$name" "$id"
        return
    fi
    id=$(jq -r .Id <<<"$id")
    no_difference "$name" created "$id"
    if ! api POST "/containers/$id/start" >"$work/start" 2>&1; then
        skip "$name: started" "the engine here cannot: $(cut -c1-300 "$work/start")"
        return
    fi
    no_difference "$name" running "$id"
    api POST "/containers/$id/stop?t=0" >/dev/null
    no_difference "$name" stopped "$id"
}

# try_spec CASE: what engine_encode makes of a spec, network, volumes and containers, is taken by the engine as it is.
try_spec() {
    local case=$1 file=$repo/tests/engine_encode/$1/body.json name answer
    if [ "$case" = volume-subpath ] && [ "${api_version#1.}" -lt 45 ]; then
        skip "spec $case" "API $api_version cannot mount a folder of a volume"
        return
    fi
    while read -r name; do
        if ! answer=$(api POST /networks/create "$(jq --arg name "network $name" '.[$name]' "$file")" 2>&1); then
            fail "spec $case: network $name" "$answer"
        fi
    done < <(jq -r 'keys[] | select(startswith("network ")) | ltrimstr("network ")' "$file")
    while read -r name; do
        check "spec $case: volume $name" api POST /volumes/create "$(jq --arg name "volume $name" '.[$name]' "$file")"
    done < <(jq -r 'keys[] | select(startswith("volume ")) | ltrimstr("volume ")' "$file")
    # Those that join another's namespaces come after it.
    while read -r name; do
        jq --arg name "container $name" '{Image: "busybox:stable"} + .[$name]' "$file" >"$work/body.json"
        if ! answer=$(api POST "/containers/create?name=$name" "$(cat "$work/body.json")" 2>&1); then
            fail "spec $case: $name" "$answer"
            continue
        fi
        no_difference "spec $case" "$name" "$name"
    done < <(jq -r 'to_entries | sort_by(.value.HostConfig.NetworkMode // "" | startswith("container:"))[] | .key |
        select(startswith("container ")) | ltrimstr("container ")' "$file")
    while read -r name; do
        check "spec $case: connect $name" api POST "/networks/${name##* to }/connect" \
            "$(jq --arg name "connect $name" '.[$name]' "$file")"
        no_difference "spec $case" "${name%% to *}, connected" "${name%% to *}"
    done < <(jq -r 'keys[] | select(startswith("connect ")) | ltrimstr("connect ")' "$file")
    wipe_specs
}

# wipe_specs: the objects of try_spec; fields-* stay for the other tests.
wipe_specs() {
    api GET '/containers/json?all=1&filters=%7B%22label%22:%5B%22evenkeel.app=blog%22%5D%7D' | jq -r '.[].Id' |
        delete_each /containers '?force=1&v=1'
    api GET '/networks?filters=%7B%22label%22:%5B%22evenkeel.app=blog%22%5D%7D' | jq -r '.[].Id' | delete_each /networks ''
    api GET '/volumes?filters=%7B%22label%22:%5B%22evenkeel.app=blog%22%5D%7D' | jq -r '.Volumes // [] | .[].Name' |
        delete_each /volumes '?force=1'
}

# changed_by_hand WHAT EXPECTED: the container fields-one has exactly this difference.
changed_by_hand() {
    local found
    found=$(differences fields-one 2>&1) || true
    same "by hand: $1" "$2" "$found"
}

mkdir -p /tmp/evk-fields
make_rich_image
api POST /networks/create '{"Name": "fields_net", "CheckDuplicate": true, "IPAM": {"Config": [{"Subnet": "10.213.255.0/24"}]}}' >/dev/null
api POST /networks/create '{"Name": "fields_other", "CheckDuplicate": true, "IPAM": {"Config": [{"Subnet": "10.213.254.0/24"}]}}' >/dev/null
api POST /volumes/create '{"Name": "fields_vol"}' >/dev/null
api POST '/containers/create?name=fields-main' '{"Image": "busybox:stable", "Cmd": ["sleep", "600"], "HostConfig": {"IpcMode": "shareable"}}' >/dev/null
api POST /containers/fields-main/start >/dev/null

[ -n "${EVENKEEL_FIELDS-}" ] || while read -r name; do
    try_body "$name"
done < <(jq -r 'keys_unsorted[]' "$bodies")

try_body "a hardened service"
api POST /containers/fields-one/start >/dev/null
api POST /containers/fields-one/update '{"Memory": 268435456, "MemorySwap": 268435456, "NanoCpus": 1000000000, "PidsLimit": 200, "RestartPolicy": {"Name": "always"}}' >/dev/null
changed_by_hand "docker update" "cpus: want 0.5, have 1
mem_limit: want 512M, have 256M
memswap_limit: want 512M, have 256M
pids_limit: want 100, have 200
restart: want unless-stopped, have always"

try_body "network: own, with aliases"
api POST /containers/fields-one/start >/dev/null
api POST /networks/fields_other/connect '{"Container": "fields-one"}'
changed_by_hand "a network more is the planner's" ""
api POST /networks/fields_net/disconnect '{"Container": "fields-one"}'
changed_by_hand "docker network disconnect" "networks.fields_net: want alias web, alias www, have nothing"

# Another program makes it anew with the same labels, and takes less care.
api DELETE '/containers/fields-one?force=1&v=1' >/dev/null
jq '{Image: "busybox:stable"} + .["a hardened service"]' "$bodies" >"$work/body.json"
api GET /images/busybox:stable/json >"$work/image.json"
jq 'del(.HostConfig.CapDrop, .HostConfig.SecurityOpt, .StopTimeout) | .Env += ["MORE=1"] | .HostConfig.Privileged = true | .HostConfig.Mounts[0].ReadOnly = true' "$work/body.json" >"$work/careless.json"
api POST '/containers/create?name=fields-one' "$(cat "$work/careless.json")" >/dev/null
changed_by_hand "made anew" "cap_drop.ALL: want yes, have nothing
environment.MORE: want nothing, have 1
privileged: want nothing, have true
security_opt.no-new-privileges=true: want yes, have nothing
stop_grace_period: want 30s, have nothing
volumes./srv: want volume fields_vol, have volume fields_vol, ro"

api POST /networks/create '{"Name": "proxy", "CheckDuplicate": true, "IPAM": {"Config": [{"Subnet": "10.213.253.0/24"}]}}' >/dev/null
api POST '/containers/create?name=elsewhere' '{"Image": "busybox:stable", "Cmd": ["sleep", "600"]}' >/dev/null
api DELETE '/containers/fields-one?force=1&v=1' >/dev/null
# EVENKEEL_FIELDS names a few of them, for who works on those.
for case in "$repo"/tests/engine_encode/*/; do
    case=$(basename "$case")
    [[ -n ${EVENKEEL_FIELDS-} && " $EVENKEEL_FIELDS " != *" $case "* ]] || try_spec "$case"
done

echo "# API $api_version"
api DELETE '/containers/elsewhere?force=1' >/dev/null || true
api DELETE /networks/proxy >/dev/null || true
api DELETE '/volumes/everybodys' >/dev/null || true
api DELETE '/containers/fields-main?force=1&v=1' >/dev/null || true
api DELETE /networks/fields_net >/dev/null || true
api DELETE /networks/fields_other >/dev/null || true
api DELETE /volumes/fields_vol >/dev/null || true
api DELETE "/images/$rich" >/dev/null || true
rm -rf /tmp/evk-fields
