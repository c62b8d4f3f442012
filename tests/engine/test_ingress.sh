#!/bin/bash
# The managed ingress, from the outside: forms of routes, the platform's own places, replicas, crashes, and the Traefik that evenkeel
# runs as an app: made when it is needed, healed, changed with the agent's settings, gone when nothing is routed any more.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
# shellcheck source=tests/engine/ingress.sh
. "$(dirname "$0")/ingress.sh"

# --- nothing is routed: no Traefik
sleeper plain "network_mode: none"
same "an app without a route" 0 "$(exit_of apply)"
check "makes no Traefik" gone $traefik
same "and no network" "" "$(owned networks .Name)"

# --- forms
start_agent
echo_app a "route: /a"
echo_app deep "route: {path: /a/deep}"
echo_app host "route: shop.example.com"
echo_app hostpath "route: shop.example.com/cart"
echo_app wild "route: {host: '*.example.com'}"
echo_app several "route: [/several, {host: several.test, path: /x, strip: false}, other.test]"
echo_app whole "route: {path: /whole, strip: false}"
echo_app two "route:" "  - {path: /two, priority: 1, middlewares: {headers: {response: {X-Way: first}}}}" \
    "  - {host: two.test, middlewares: {headers: {response: {X-Way: second}}}}"
cat <<'YAML' | write_file pair.yaml
app: pair
services:
  front:
    image: traefik/whoami:v1.10
    environment: {WHOAMI_NAME: front, WHOAMI_PORT_NUMBER: "8081"}
    stop_signal: SIGKILL
    route: {path: /pair, port: 8081}
  back:
    image: traefik/whoami:v1.10
    environment: {WHOAMI_NAME: back}
    stop_signal: SIGKILL
    route: /pair/back
YAML
all="a=Synced deep=Synced evenkeel=Synced host=Synced hostpath=Synced pair=Synced plain=Synced several=Synced two=Synced whole=Synced wild=Synced"
becomes "every app is there, and Traefik" "$all" 60
served "a path" a /a
served "and what is below it" a /a/x/y
says "without its prefix" "GET /x/y HTTP" "$(fetch /a/x/y)"
says "which is told to the app" "X-Forwarded-Prefix: /a" "$(fetch /a/x/y)"
coded "a path is no beginning of a word" 404 /ab
served "of nested paths the longer has it" deep /a/deep
served "with all below" deep /a/deep/er
served "but not its neighbour" a /a/deeper
served "a host" host / -H 'Host: shop.example.com'
served "in any case" host /x -H 'Host: Shop.EXAMPLE.com'
served "with a port" host / -H "Host: shop.example.com:$http_port"
served "a path on a host goes before the host" hostpath /cart/1 -H 'Host: shop.example.com'
served "a host goes before a path on every host" host /a -H 'Host: shop.example.com'
served "any name below a domain" wild / -H 'Host: www.example.com'
coded "of one part" 404 / -H 'Host: a.b.example.com'
served "several routes: the first" several /several
served "the second" several /x/1 -H 'Host: several.test'
says "with its path" "GET /x/1 HTTP" "$(fetch /x/1 -H 'Host: several.test')"
served "the third" several /any -H 'Host: other.test'
coded "and no mixture of them" 404 /x
says "strip: false" "GET /whole/1 HTTP" "$(fetch /whole/1)"
says "an app orders its own routes: the one with more priority" "x-way: first" "$(headers /two -H 'Host: two.test')"
says "the other has what is left" "x-way: second" "$(headers /three -H 'Host: two.test')"
served "two services: one" front /pair
served "the other" back /pair/back
out=$(evenkeel status || true)
says "status shows where an app is" "http://shop.example.com:$http_port/cart" "$out"
says "by path too" ":$http_port/a" "$out"

# --- the platform's own places
coded "what nobody has is not found" 404 /nobody
says "by a page that helps" "evenkeel" "$(fetch /nobody)"
says "as HTML for a browser" "<html" "$(fetch /nobody -H 'Accept: text/html')"
coded "/traefik is closed" 403 /traefik/api/rawdata
coded "in every spelling" 403 /traefik
coded "Traefik's API is not on that port" 404 /api/rawdata
same "and asks for a password on its own" 401 "$(curl -s -o /dev/null -w '%{http_code}' \
    "http://127.0.0.1:$(inspect $traefik '.NetworkSettings.Ports["8099/tcp"][0].HostPort')/api/rawdata")"
check "which the agent has" jq -e '.routers' <<<"$(traefik_api /api/rawdata)"
same "on this machine alone" 127.0.0.1 "$(inspect $traefik '.NetworkSettings.Ports["8099/tcp"][0].HostIp')"
same "the agent itself answers where it listens" ok "$(curl -s http://127.0.0.1:15001/healthz)"

# --- its container
same "Traefik is nobody" 65532:65532 "$(inspect $traefik .Config.User)"
same "writes nowhere" true "$(inspect $traefik .HostConfig.ReadonlyRootfs)"
same "has no capability" ALL "$(inspect $traefik '.HostConfig.CapDrop[0]')"
same "gains none" true "$(inspect $traefik '.HostConfig.SecurityOpt | any(. == "no-new-privileges" or . == "no-new-privileges:true")')"
same "has limits" "268435456 256" "$(inspect $traefik '"\(.HostConfig.Memory) \(.HostConfig.PidsLimit)"')"
same "and no way to the engine" "" "$(inspect $traefik '.Mounts[] | select(.Source | test("docker")) | .Source')"
same "it is in each app's network and its own" 10 "$(inspect $traefik '.NetworkSettings.Networks | length')"
first=$(inspect $traefik '.NetworkSettings.Networks | keys | min')
check "its own is the first by name: the published ports stand there" grep -q evenkeel <<<"$first"
same "no file can be read by others" "" "$(find "$state/ingress" -perm /o=rwx)"

# --- replicas
echo_app many "route: /many" "deploy: {replicas: 3}"
check "replicas come" wait_until 20 is Synced many
hosts=$(for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do fetch /many | sed -n 's/^Hostname: //p'; done | sort | uniq -c)
same "requests are shared between them, evenly" "4 4 4" "$(awk '{print $1}' <<<"$hosts" | xargs)"

# --- a crash: out of the pool before the restart has finished
kill_process() { kill -KILL "$(inspect "$1" .State.Pid)"; }
pool_has() { grep -q "$(inspect "$1" '.Id[:12]')" "$routes/$2.yaml"; }
hammer --threads 2 /many "Name: many"
sleep 0.5
kill_process many-app-2
sleep 2
kill -TERM "$hammer_pid"
wait "$hammer_pid" || true
check "a crash of one of three costs at most what was in flight in it" [ "$(jq '.bad <= 2 and .requests > 100' "$work/hammer.json")" = true ]
cat <<'YAML' | write_file slow.yaml
app: slow
image: traefik/whoami:v1.10
entrypoint: ["sh", "-c", "sleep 6; exec /whoami"]
port: 80
environment: {WHOAMI_NAME: slow}
stop_signal: SIGKILL
route: /slow
healthcheck: {test: ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1/"], interval: 500ms, timeout: 2s, retries: 2}
YAML
check "a slow one is served once it is healthy" wait_until 30 from slow /slow
kill_process slow-app-1
begin=${EPOCHREALTIME/./}
check "a crashed one is out of the pool" wait_until 4 answers 503 /slow
took=$(((${EPOCHREALTIME/./} - begin) / 1000))
check "long before it is back ($took ms)" [ $took -lt 4000 ]
check "and in it when it is well again" wait_until 30 from slow /slow

# --- an app is stopped
# unavailable PATH [CURL OPTIONS...]: 503, with the agent's page
unavailable() {
    local page
    page=$(fetch "$@")
    [ "${page##*$'\n'}" = 503 ] && [[ $page == *"does not answer"* ]]
}
evenkeel stop slow >/dev/null
check "a stopped app's visitors are told so" wait_until 20 unavailable /slow/any/page
check "in a page for browsers" unavailable /slow -H 'Accept: text/html'
check "whatever they sent" unavailable /slow -X POST --data-binary something -H 'Host: whatever.example.org'
check "and when to come back" [ "$(headers /slow | sed -n 's/^retry-after: //p')" = 5 ]
evenkeel start slow >/dev/null
check "and it is there again" wait_until 40 from slow /slow

# --- an app goes
rm "$root/several.yaml"
check "a removed app's path is the platform's again" wait_until 15 answers 404 /several
says "with the helpful page" "evenkeel" "$(fetch /several)"
check "its file is gone" test ! -e "$routes/several.yaml"
check "and its network" wait_until 10 bash -c "! grep -q several_default" <<<"$(owned networks .Name)"
all_well() { [[ ! $(states) =~ =[^S] ]]; }
check "the rest is at rest" wait_until 20 all_well

# --- Traefik is healed
before=$(inspect $traefik .Id)
api POST /containers/$traefik/kill
check "killed by hand it is back" wait_until 20 from a /a
same "as it was" "$before" "$(inspect $traefik .Id)"
begin=${EPOCHREALTIME/./}
api DELETE "/containers/$traefik?force=1" || true
check "removed by hand it is made anew" wait_until 30 from a /a
echo "     (removed by hand, serving again after $(((${EPOCHREALTIME/./} - begin) / 1000)) ms, 11 networks)"
served "with every app" deep /a/deep
api POST "/networks/a_default/disconnect" "{\"Container\": \"$traefik\", \"Force\": true}"
check "taken out of a network it is put back" wait_until 20 from a /a
printf 'broken: [\n' >"$routes/a.yaml"
# An edit in place is for the look at everything to find, once a minute.
check "a file that somebody spoiled is written again" wait_until 70 bash -c "! grep -q '^broken' $routes/a.yaml"
check "and served" wait_until 5 from a /a

# --- the agent's settings are its spec
before=$(inspect $traefik .Id)
settings "access_log: json"
stop_agent
start_agent
check "a changed setting replaces it" wait_until 30 bash -c "[ \"\$(curl -s --unix-socket ${DOCKER_HOST#unix://} http://e/containers/$traefik/json | jq -r .Id)\" != $before ]"
check "and it serves" wait_until 20 from a /a
logs() { api GET "/containers/$traefik/logs?stdout=1&stderr=1" | tr -d '\0'; }
logged() { logs | grep -qa '"RequestPath":"/a/seen"'; }
fetch /a/seen >/dev/null
check "with a log of requests" wait_until 5 logged

# --- a taken port has an owner
stop_agent
http_port=18081
python3 -m http.server 18081 --bind 0.0.0.0 >/dev/null 2>&1 &
other=$!
settings
wait_until 10 bash -c '</dev/tcp/127.0.0.1/18081'
before=$(snapshot $traefik)
start_agent
told() { grep -q "port 18081 is already taken by python.*(pid $other)" "$agent_log"; }
if wait_until 20 told; then pass "a taken port is named with who has it"; else fail "a taken port is named with who has it" "$(app_why evenkeel)"; fi
named() { [ "$(app_state evenkeel)" = Degraded ] && [[ $(app_why evenkeel) == *"port 18081 is already taken by"* ]]; }
check "status says so too" wait_until 40 named
old_port() { [ "$(http_port=18080 code /a)" = 200 ]; }
check "the one there was goes on on the old port" old_port
same "and was not stopped to find out" "$before" "$(snapshot $traefik)"
kill $other
wait $other 2>/dev/null || true
check "and taken once it is free" wait_until 60 from a /a

# --- the last route goes, and Traefik with it
rm "$root"/{a,deep,host,hostpath,wild,whole,two,pair,many}.yaml
check "removals are confirmed by a person" wait_until 20 test -n "$(wait_until 10 held_hash; held_hash)"
stop_agent
apply --confirm-removals "$(held_hash)" >/dev/null 2>&1 || true
rm "$root/slow.yaml"
apply >/dev/null 2>&1 || true
same "the last one goes" "plain=Synced" "$(states)"
check "Traefik is gone" gone $traefik
same "with its networks" "" "$(owned networks .Name)"
same "and the route files of apps" evenkeel.yaml "$(ls "$routes")"
