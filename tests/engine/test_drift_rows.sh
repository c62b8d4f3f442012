#!/bin/bash
# What other tools are known to cry wolf over, each by its own name: nothing is made again that did not change, and what did is made again once.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

ids() { owned containers '"\(.Names[0]) \(.Id)"' | sort; }
quiet() { [ "$(exit_of plan) $(exit_of evenkeel drift)" = "0 0" ]; }
# still NAME: nothing to do, thrice over, and nobody was made again.
still() {
    local before
    before=$(ids)
    check "$1: nothing to do" quiet
    same "$1: apply" "0 0" "$(exit_of apply) $(exit_of apply)"
    same "$1: the same containers" "$before" "$(ids)"
}

# --- labels of a container that is not made again (kimdre/doco-cd#788, #577, #1275)
labelled() { sleeper web "labels: {team: $1}" "$2"; }
labelled blue ''
same "brought up" 0 "$(exit_of apply)"
still "labels"
before=$(ids)
labelled blue '# a comment, which makes another revision of the file'
check "another revision: nothing to do" quiet
same "another revision: the same container" "0 $before" "$(exit_of apply) $(ids)"
labelled green ''
same "another label: made again" 0 "$(exit_of apply)"
check "another label: once" test "$before" != "$(ids)"
same "another label: it is there" green "$(inspect web-app-1 .Config.Labels.team)"
still "another label"

# --- what is taken away or stopped comes back by default (kimdre/doco-cd PR #1300)
start_agent
wait_until 15 is Synced web || true
sleep 0.6
id=$(inspect web-app-1 .Id)
api DELETE '/containers/web-app-1?force=1'
back() { docker_running web-app-1 && [ "$(inspect web-app-1 .Id)" != "$id" ]; }
check "rm heals by default" wait_until 10 back
wait_until 5 is Synced web || true
sleep 0.6
api POST '/containers/web-app-1/stop?t=0'
check "stop heals by default" wait_until 10 docker_running web-app-1
wait_until 5 is Synced web || true
stop_agent

# --- fields that flap, lists in another order (moghtech/komodo#419, #648)
shuffled() {
    write_file web.yaml <<END
app: web
image: busybox:stable
command: ["sleep", "100000"]
stop_signal: SIGKILL
$1
END
}
shuffled 'environment: [B=2, A=1]
cap_add: [SYS_TIME, CHOWN]
ports: ["127.0.0.1:18081:81", "18080:80", "53:53/udp"]
extra_hosts: ["b:10.0.0.2", "a:10.0.0.1"]
ulimits: {nproc: 100, nofile: {soft: 1000, hard: 2000}}
volumes: [z:/z, "/usr:/a:ro"]'
same "lists" 0 "$(exit_of apply)"
still "lists"
shuffled 'volumes: ["/usr:/a:ro", z:/z]
ulimits: {nofile: {hard: 2000, soft: 1000}, nproc: {soft: 100, hard: 100}}
extra_hosts: {a: 10.0.0.1, b: 10.0.0.2}
ports: ["53:53/udp", "18080:80/tcp", {target: 81, published: 18081, host_ip: 127.0.0.1}]
cap_add: [CAP_CHOWN, SYS_TIME]
environment: {A: "1", B: "2"}'
still "lists in another order and another spelling"

# --- up makes again what did not change (docker/compose#9600, #9897, #10307), and does not see another network (docker/compose#9203)
printf 'services:\n  a: {image: "busybox:stable", command: sleep 100000, stop_signal: SIGKILL}\n  b: {image: "busybox:stable", command: sleep 100000, stop_signal: SIGKILL, depends_on: [a]}\n' |
    write_file shop.compose.yaml
same "a Compose file" 0 "$(exit_of apply)"
still "a Compose file"
printf '# reformatted\nservices:\n  b:\n    depends_on: {a: {condition: service_started}}\n    stop_signal: SIGKILL\n    command: ["sleep", "100000"]\n    image: busybox:stable\n  a:\n    image: busybox:stable\n    stop_signal: SIGKILL\n    command: ["sleep", "100000"]\n' |
    write_file shop.compose.yaml
still "a Compose file, reformatted"
net=$(api GET /networks/shop_default | jq -r .Id)
printf 'networks: {default: {internal: true}}\n' >>"$root/shop.compose.yaml"
same "another network: seen" 2 "$(exit_of plan)"
same "another network: made" 0 "$(exit_of apply)"
check "another network: it is another" test "$net" != "$(api GET /networks/shop_default | jq -r .Id)"
still "another network"
rm "$root/shop.compose.yaml" "$root/web.yaml"
same "away with them" 0 "$(exit_of apply --confirm-removals "$(held_hash)")"

# --- what image, daemon and engine add (kreuzwerker/terraform-provider-docker#14, #118, #28, #25, #568, #603;
#     hashicorp/terraform-provider-docker#211)
api POST '/containers/create?name=rich' '{"Image": "busybox:stable", "Cmd": ["true"]}' >/dev/null
api POST '/commit?container=rich&repo=evenkeel-test/rich&tag=1' '{
    "User": "1000:1000", "WorkingDir": "/srv", "StopSignal": "SIGQUIT", "Env": ["PATH=/bin:/usr/bin", "A=image"],
    "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["sleep 100000"], "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/cache": {}},
    "Labels": {"of-image": "yes"}, "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 1000000000}}' >/dev/null
api DELETE '/containers/rich?force=1'
# each NAME LINE: a service of that image with this line alone.
each() {
    printf 'app: one\nservices:\n  app:\n    image: evenkeel-test/rich:1\n    stop_signal: SIGKILL\n    %s\n' "$2" | write_file one.yaml
    same "$1: apply" 0 "$(exit_of apply)"
    still "$1"
}
each "working_dir and user of the image" ''
each "a working_dir over the image's" 'working_dir: /tmp/'
each "a user over the image's" 'user: "0"'
each "env over the image's" 'environment: {A: spec, B: ""}'
each "a command over the image's" 'command: ["sleep 100001"]'
each "an entrypoint, which drops the image's command" 'entrypoint: ["sleep", "100000"]'
each "permissions of devices" 'devices: ["/dev/null:/dev/nil", "/dev/zero:/dev/nought:r"]'
each "a health check of which only a part is given" 'healthcheck: {timeout: 3s}'
each "published ports" 'ports: ["80", "18082:81"]'
api POST '/containers/one-app-1/stop?t=0'
same "ports of a stopped container: only its state differs" state "$({ evenkeel drift --json || true; } | jq -r '[.drift[].field] | join(" ")')"
same "and it is started, not made again" "0 $(inspect one-app-1 .Id)" "$(exit_of apply) $(inspect one-app-1 .Id)"
