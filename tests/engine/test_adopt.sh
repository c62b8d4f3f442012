#!/bin/bash
# A project that `docker compose up` made is taken over (`adopt: true`): what matches its file is not touched, what does not is replaced and the plan says why, its
# networks and volumes stay in use, and what a hand does to it afterwards is drift like everywhere else.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
compose=$("$engine_dir/tools.sh" compose 2>"$work/tools.log") || skip_all "no docker compose: $(tail -n 1 "$work/tools.log")"

ids() { inspect "$1" '"\(.Id[:12]) \(.State.StartedAt)"'; }
label() { inspect "$1" ".Config.Labels[\"$2\"] // \"none\""; }
network_id() { api GET "/networks/$1" | jq -r .Id; }
run_in() {
    local id
    id=$(api POST "/containers/$1/exec" "$(printf '%s\n' "${@:2}" | jq -Rn '{AttachStdout: true, Cmd: [inputs]}')" | jq -r .Id)
    api POST "/exec/$id/start" '{"Detach": false, "Tty": true}'
}
# up FOLDER [OPTIONS...]: docker compose up, in that folder of the root
up() { (cd "$root/$1" && "$compose" "${@:2}" up -d --quiet-pull 2>&1); }
adopting() { printf 'x-evenkeel: {adopt: true}\n' >>"$root/shop/compose.yaml"; }

write_file shop/compose.yaml <<'END'
services:
  web:
    image: busybox:stable
    command: ["httpd", "-f", "-p", "8000", "-h", "/www"]
    environment: {GREETING: hello, EMPTY: ""}
    labels: {tier: front, "with.dots": "a=b"}
    ports: ["127.0.0.1:18080:8000"]
    volumes: ["content:/www", "./conf:/conf:ro", {type: tmpfs, target: /scratch}]
    networks: {default: {aliases: [www]}, back: {}}
    healthcheck: {test: "true", interval: 5s, retries: 2, start_period: 1s}
    stop_signal: SIGKILL
    stop_grace_period: 3s
    depends_on: [db]
    deploy: {replicas: 1}
    extra_hosts: ["far:10.1.2.3"]
    init: true
  db:
    image: busybox:stable
    command: sleep 100000
    stop_signal: SIGKILL
    mem_limit: 64m
    cpus: 0.5
    pids_limit: 50
    user: "65534:65534"
    working_dir: /tmp
    hostname: database
    read_only: true
    cap_drop: [ALL]
    cap_add: [CHOWN]
    security_opt: ["no-new-privileges:true"]
    tmpfs: [/run]
    ulimits: {nofile: {soft: 1024, hard: 2048}}
    sysctls: {net.core.somaxconn: 1024}
    dns: [10.9.8.7]
    logging: {driver: json-file, options: {max-size: 1m}}
    restart: on-failure:3
    shm_size: 16m
    networks: [back]
  worker:
    image: busybox:stable
    command: ["sh", "-c", "exec sleep 100000"]
    entrypoint: []
    stop_signal: SIGKILL
    restart: always
    network_mode: service:db
networks:
  back: {internal: true, labels: {ours: "yes"}}
volumes:
  content:
END
mkdir -p "$root/shop/conf"
echo welcome >"$root/shop/conf/motd"
check "docker compose up" up shop -p shop
run_in shop-web-1 sh -c 'echo data > /www/index.html' >/dev/null
same "its page" data "$(curl -sf http://127.0.0.1:18080/)"

# --- refused unless it is asked for
same "a running project that holds our names is refused" Refused "$(app_state shop)"
says "with both ways out" "docker compose -p shop down" "$(app_why shop)"
says "of which one is a line to write" "adopt: true" "$(app_why shop)"
before=$(snapshot shop-web-1 shop-db-1 shop-worker-1)
same "apply leaves it alone" 1 "$(exit_of apply)"

# --- taken over as it stands
adopting
same "adopted, nothing is to be done" "0 " "$(exit_of plan) $(plan 2>&1 | grep -E '^ +[-+~!]' || true)"
same "apply has nothing to do" 0 "$(exit_of apply)"
same "it is Synced" "shop=Synced" "$(states)"
same "and no container was touched" "$before" "$(snapshot shop-web-1 shop-db-1 shop-worker-1)"
says "logs finds its containers" "" "$(evenkeel logs shop/web 2>&1)"
start_agent
becomes "the agent agrees" "shop=Synced" 15
net=$(network_id shop_default) back=$(network_id shop_back)

# --- drift of what was adopted
before=$(ids shop-worker-1)
api POST '/containers/shop-worker-1/stop?t=0' >/dev/null
check "stopped by hand, it is started again" wait_until 15 docker_running shop-worker-1
same "the same container" "${before%% *}" "$(ids shop-worker-1 | cut -d' ' -f1)"
becomes "and Synced" "shop=Synced" 15

# --- a real change: that service alone, with our labels, the network and the volume kept
db=$(ids shop-db-1) worker=$(inspect shop-worker-1 .Id)
sed -i 's/GREETING: hello/GREETING: good morning/' "$root/shop/compose.yaml"
check "a change replaces the service that it is about" wait_until 30 eval '[ "$(label shop-web-1 evenkeel.owner)" = default ]'
becomes "and that is all" "shop=Synced" 20
same "with what was asked for" "GREETING=good morning" "$(inspect shop-web-1 '.Config.Env[] | select(startswith("GREETING"))')"
same "hardened now" '["ALL"]' "$(inspect shop-web-1 .HostConfig.CapDrop -c | tr -d ' \n')"
same "the others are Compose's still" "$db none $worker" "$(ids shop-db-1) $(label shop-db-1 evenkeel.owner) $(inspect shop-worker-1 .Id)"
same "its volume holds what it held" data "$(curl -sf http://127.0.0.1:18080/)"
same "its networks are the same" "$net $back" "$(network_id shop_default) $(network_id shop_back)"
says "the others find it by name" data "$(run_in shop-db-1 wget -q -O - http://web:8000/)"
stop_agent

# --- a plan says why
sed -i 's/mem_limit: 64m/mem_limit: 96m/' "$root/shop/compose.yaml"
says "the plan names field, place and project" "mem_limit differs from what the Compose project shop made" "$(plan shop 2>&1 || true)"
sed -i 's/mem_limit: 96m/mem_limit: 64m/' "$root/shop/compose.yaml"
same "taken back, nothing is to be done" 0 "$(exit_of plan)"

# --- deaf to what is nobody's: `docker compose run`, services that the file does not have
(cd "$root/shop" && "$compose" -p shop run -d --name shop-once db sleep 100000 >/dev/null 2>&1)
same "a one-off container is no service's" 0 "$(exit_of plan)"

# --- the file is gone: ours goes, what is only adopted stays; the volume and what strangers use stay too
mv "$root/shop" "$work/shop"
same "removed" 0 "$(exit_of apply)"
check "what was replaced is gone" gone shop-web-1
same "what still is Compose's runs on" "$db" "$(ids shop-db-1)"
same "so does the one-off" true "$(inspect shop-once .State.Running)"
same "the volume stays" shop_content "$(api GET /volumes/shop_content | jq -r .Name)"

# --- asked for in words, the whole of it goes
mv "$work/shop" "$root/shop"
same "back again" 0 "$(exit_of apply)"
same "the rest was not touched" "$db" "$(ids shop-db-1)"
api DELETE '/containers/shop-once?force=1' >/dev/null
same "remove" 0 "$(exit_of evenkeel remove shop)"
same "and apply" 0 "$(exit_of apply)"
same "takes adopted containers and networks along" "" \
    "$(api GET '/containers/json?all=1' | jq -r '.[].Names[0]')$(api GET /networks | jq -r '.[].Name | select(startswith("shop"))')"
same "and no volume" shop_content "$(api GET /volumes/shop_content | jq -r .Name)"
