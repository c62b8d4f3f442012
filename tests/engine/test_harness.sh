#!/bin/bash
# Shows that the engine and the stand-in images behave as the other tests take for granted: they
# answer on their ports, live with everything dropped that evenkeel drops, and end at once when
# told to (a container which uses up its grace time would make every other test slow).
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

hardened='"CapDrop":["ALL"],"CapAdd":["NET_BIND_SERVICE"],"SecurityOpt":["no-new-privileges"],"ReadonlyRootfs":true'

# run NAME IMAGE PORT [HOST CONFIG] [MORE OF THE BODY]: starts a container, the port published on localhost.
run() {
    local port="\"$3/tcp\""
    api POST "/containers/create?name=$1" "{\"Image\":\"$2\",\"ExposedPorts\":{$port:{}},${5:-}
        \"Labels\":{\"evenkeel.owner\":\"harness\"},\"HostConfig\":{${4:-$hardened},
        \"PortBindings\":{$port:[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"18000\"}]}}}" >/dev/null &&
        api POST "/containers/$1/start"
}

answers() {
    curl -sf --max-time 2 http://127.0.0.1:18000/ | grep -q "$1"
}

greets() {
    exec 3<>/dev/tcp/127.0.0.1/18000 && printf 'PING\r\n' >&3 && timeout 2 head -c 5 <&3 | grep -aq .
}

# ends NAME: a container is told to stop and is gone long before the grace time is over.
ends() {
    local begin=${EPOCHREALTIME/./} taken
    api POST "/containers/$1/stop?t=10"
    taken=$(((${EPOCHREALTIME/./} - begin) / 1000))
    if [ "$taken" -lt 3000 ]; then
        pass "$1 ends at SIGTERM"
    else
        fail "$1 ends at SIGTERM" "it took $taken ms"
    fi
    api DELETE "/containers/$1?force=1&v=1"
}

run nginx nginx:1.27-alpine 80
check "nginx answers" wait_until 5 answers nginx
ends nginx

run whoami traefik/whoami:v1.10 80
check "whoami answers" wait_until 5 answers "^Hostname: $(inspect whoami .Config.Hostname)"
ends whoami

run nobody nginx:1.27-alpine 80 '' '"User":"65534:65534",'
check "nginx answers as another user" wait_until 5 answers nginx
ends nobody

run checked nginx:1.27-alpine 80 '' '"Healthcheck":{"Interval":300000000,"Test":["CMD-SHELL",
    "wget -q --spider -T 2 http://127.0.0.1/ && curl -fsS http://localhost/ && nc -z 127.0.0.1 80"]},'
healthy() {
    [ "$(inspect checked .State.Health.Status)" = healthy ]
}
check "health checks have wget, curl and nc" wait_until 5 healthy
ends checked

run redis redis:7-alpine 6379
check "redis greets" wait_until 5 greets
ends redis

run mariadb mariadb:10.11 3306 '' '"Env":["MARIADB_ROOT_PASSWORD=x"],'
check "mariadb greets" wait_until 5 greets
ends mariadb

run python python:3.11-slim 8000 '' '"Cmd":["python","-m","http.server"],"WorkingDir":"/usr/share/nginx/html",'
check "python serves files" wait_until 5 answers nginx
ends python

run sleeper busybox:stable 80 '' '"Cmd":["sleep","1000"],'
check "sleep keeps running" docker_running sleeper
ends sleeper

same "api fails where the engine does" "no" "$(api GET /containers/nonesuch/json 2>/dev/null && echo yes || echo no)"

run left busybox:stable 80 '' '"Cmd":["sleep","1000"],'
api POST /networks/create '{"Name":"left","Labels":{"evenkeel.owner":"harness"},"IPAM":{"Config":[{"Subnet":"10.213.255.0/26"}]}}' >/dev/null
same "owned lists what has the label" "/left left" "$(owned containers '.Names[0]') $(owned networks .Name)"
wipe_engine
same "wipe_engine leaves nothing" "" "$(owned containers .Id)$(owned networks .Id)"
