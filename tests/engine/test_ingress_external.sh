#!/bin/bash
# `ingress: external`: somebody else's Traefik finds the apps by their labels alone, on a network they share.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
# shellcheck source=tests/engine/ingress.sh
. "$(dirname "$0")/ingress.sh"

external() { printf 'listen: 127.0.0.1:15001\ningress: {mode: external%s}\n' "$*" >"$config"; }
external

# foreign_traefik NETWORK: a Traefik with the Docker provider, as a user of any platform runs it.
foreign_traefik() {
    api POST '/containers/create?name=their-traefik' "$(jq -nc --arg net "$1" --arg socket "${DOCKER_HOST#unix://}" '{Image: "traefik:v3.7",
        Entrypoint: ["traefik"], Cmd: ["--providers.docker=true", "--providers.docker.exposedbydefault=false",
        "--providers.providersthrottleduration=200ms", "--entrypoints.web.address=:8000", "--api.insecure=true", "--log.level=INFO"],
        ExposedPorts: {"8000/tcp": {}, "8080/tcp": {}}, HostConfig: {Binds: ["\($socket):/var/run/docker.sock"], NetworkMode: $net,
        PortBindings: {"8000/tcp": [{HostPort: "18080"}], "8080/tcp": [{HostPort: "18088"}]}}}')" >/dev/null
    api POST /containers/their-traefik/start
}

echo_app a "route: [/a, {host: a.test, path: /x, strip: false}]"
echo_app b "route: {path: /b, middlewares: {headers: {response: {X-B: \"1\"}}, retry: {attempts: 2}, ip_allow_list: [0.0.0.0/0]}, sticky: true}" "deploy: {replicas: 2}"
echo_app unrouted
same "apps are made without a Traefik of ours" 0 "$(exit_of apply)"
check "none is run" gone $traefik
same "the shared network is there, and ours" default "$(api GET /networks/evenkeel_ingress | jq -r '.Labels["evenkeel.owner"]')"
same "an app without a route is not in it" "unrouted_default" "$(inspect unrouted-app-1 '.NetworkSettings.Networks | keys | join(" ")')"
same "and says that it is not for Traefik" false "$(inspect unrouted-app-1 '.Config.Labels["traefik.enable"]')"
same "the next plan is empty" 0 "$(exit_of plan)"
says "status says that apps meet there" "evenkeel_ingress" "$(evenkeel status)"
foreign_traefik evenkeel_ingress
check "their Traefik serves an app" wait_until 20 from a /a/1
says "without the prefix" "GET /1 HTTP" "$(fetch /a/1)"
served "by host" a /x/1 -H 'Host: a.test'
coded "not by halves" 404 /x/1
coded "not next to it" 404 /ab
served "another" b /b
says "with its middlewares" "x-b: 1" "$(headers /b)"
same "on both replicas" 2 "$(for _ in 1 2 3 4 5 6; do fetch /b | sed -n 's/^Hostname: //p'; done | sort -u | wc -l)"
same "every router is sound" "" "$(curl -s http://127.0.0.1:18088/api/rawdata | jq -r '.routers[] | select(.status != "enabled") | .rule')"

# --- relabelling
before=$(inspect a-app-1 .Id)
hammer --threads 2 /b "Name: b"
sleep 0.5
echo_app a "route: [/a, /a2, {host: a.test, path: /x, strip: false}]"
same "a changed route replaces the container" 0 "$(exit_of apply)"
check "it is served there" wait_until 10 from a /a2
sleep 0.5
hammered "and the other app does not notice"
check "it is another container" test "$before" != "$(inspect a-app-1 .Id)"
same "every router is sound" "" "$(curl -s http://127.0.0.1:18088/api/rawdata | jq -r '.routers[] | select(.status != "enabled") | .rule')"
same "and is then at rest" 0 "$(exit_of plan)"

# --- the image's own labels
if [ -n "${EVENKEEL_TEST_ENGINE_DIR:-}" ]; then
    mkdir -p "$root/evil"
    printf '%s\n' 'FROM traefik/whoami:v1.10' 'LABEL traefik.enable=true' 'LABEL traefik.http.routers.evil.rule="PathPrefix(`/b`)"' \
        'LABEL traefik.http.routers.evil.priority=99999' 'LABEL traefik.http.services.evil.loadbalancer.server.port=80' >"$root/evil/Dockerfile"
    printf 'app: evil\nsource: {path: ./evil}\nport: 80\nenvironment: {WHOAMI_NAME: evil}\nstop_signal: SIGKILL\nroute: /evil\n' | write_file evil.yaml
    apply evil >/dev/null 2>&1 || true
    sleep 2
    served "labels that an image brings claim nothing" b /b/x
    rm "$root/evil.yaml"
    apply >/dev/null 2>&1 || true
fi

# --- an agent
start_agent
wait_until 10 grep -q 'Synced app=b' "$agent_log" || true
check "an agent finds nothing to do" agent_running
same "and changes nothing" 0 "$(exit_of plan)"
stop_agent

# --- leaving
rm "$root/a.yaml"
apply >/dev/null 2>&1 || true
check "a removed app is found no more" wait_until 10 answers 404 /a
served "the other is" b /b
api DELETE '/containers/their-traefik?force=1'
