#!/bin/bash
# The first app in one command (`make demo`): installs what is missing, builds, starts the agent on examples/static, where an archive of pages lies,
# and shows what it does: the archive becomes an image, the image a container, another archive is sent to it as a machine sends one, and what is changed by hand is healed.
# Prints where the plain page is, and the one-time password that opens it. Runs until Ctrl-C. DEMO_ONCE=1: fetches the page, deletes the container by hand, shows it healed, cleans up and exits 0.
set -euo pipefail
cd "$(dirname "$0")/.."

engine_owned=
agent_pid=
http_port=80
https_port=443
door_port=5001
state=$(mktemp -d /tmp/evk-demo.XXXXXX)
owner=demo
flags=(--root "$state/apps" --state "$state/agent" --config "$state/agent.yaml")
bold= plain=
if [ -t 1 ]; then
    bold=$(tput bold 2>/dev/null || true)
    plain=$(tput sgr0 2>/dev/null || true)
fi

say() {
    echo "$bold==$plain $*"
}

# What the agent built for the demo, by its labels; the image it stands on stays.
# shellcheck disable=SC2317,SC2329
remove_images() {
    local name
    engine_answers || return
    engine_curl "/images/json?filters=%7B%22label%22:%5B%22evenkeel.build.owner=$owner%22%5D%7D" |
        jq -r '.[] | (.RepoTags // [])[] | select(startswith("evenkeel/"))' |
        while read -r name; do engine_curl "/images/$name" -X DELETE -o /dev/null; done
}

# shellcheck disable=SC2317,SC2329
clean_up() {
    trap - EXIT INT TERM
    set +e
    echo
    say "cleaning up: the agent leaves, then what the demo made is removed"
    if [ -n "$agent_pid" ]; then
        kill "$agent_pid" 2>/dev/null
        wait "$agent_pid" 2>/dev/null
    fi
    if [ -x build/evenkeel ] && engine_answers; then
        build/evenkeel remove pages sent "${flags[@]}" >/dev/null && build/evenkeel apply "${flags[@]}"
    fi
    remove_images
    [ -z "$engine_owned" ] || tests/engine/engine.sh stop "$state/engine"
    rm -rf "$state"
}

say "libraries"
tests/deps.sh
. tests/engine/api.sh

if ! engine_answers; then
    say "no engine answers at ${DOCKER_HOST:-unix:///var/run/docker.sock}: installing Docker Engine if it is missing"
    tests/deps.sh engine
    if [ -d /run/systemd/system ] && [ -z "${DOCKER_HOST:-}" ]; then
        systemctl start docker || true
    fi
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        engine_answers && break
        [ -d /run/systemd/system ] || break
        sleep 1
    done
fi
if ! engine_answers; then
    [ "$(id -u)" = 0 ] || { echo "demo: starting an engine needs root: run it as root, or start Docker first" >&2; exit 1; }
    say "starting a private engine for the demo (it ends with it)"
    mkdir -p "$state/engine"
    tests/engine/engine.sh start "$state/engine" >/dev/null
    engine_owned=yes
    export DOCKER_HOST=unix://$state/engine/docker.sock
fi
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "building"
make -s -j"$(nproc)"

say "images"
tests/engine/standins.sh nginxinc/nginx-unprivileged:stable-alpine traefik:v3.7

# The example is routed too, in a copy: by a path, and by a name that leads to this machine everywhere.
mkdir -p "$state/apps"
cp -r examples/static/. "$state/apps/"
echo 'route: [/pages, pages.localhost]' >>"$state/apps/pages.yaml"
for port in 80 443; do
    ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { http_port=8000 https_port=8443 && say "port $port is taken here: the ingress is on 8000 and 8443"; }
done
while (exec 3<>"/dev/tcp/127.0.0.1/$door_port") 2>/dev/null; do door_port=$((door_port + 1)); done
printf 'name: %s\nlisten: 127.0.0.1:%s\ningress: {http: %s, https: %s}\n' "$owner" $door_port $http_port $https_port >"$state/agent.yaml"

say "the agent, watching a copy of examples/static, where pages.zip is all there is of the app but its port and its route (owner label \"$owner\")"
# Through a pipe: on a terminal it would show its first password itself, somewhere among these lines.
build/evenkeel agent "${flags[@]}" > >(exec cat) 2>&1 &
agent_pid=$!

state_of_pages() {
    build/evenkeel status "${flags[@]}" --json 2>/dev/null | jq -r '.apps[] | select(.app == "pages") | .state'
}
wait_for() { # SECONDS WHAT COMMAND...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! kill -0 "$agent_pid" 2>/dev/null || [ $SECONDS -ge $end ]; then
            echo "demo: $what did not happen; see the lines above" >&2
            build/evenkeel status "${flags[@]}" || true
            exit 1
        fi
        sleep 0.1
    done
}
page() {
    curl -sf --max-time 2 http://localhost:8083/
}
by_path() {
    curl -sf --max-time 2 "http://localhost:$http_port/pages/"
}
by_upload() {
    curl -sf --max-time 2 "http://localhost:$http_port/sent/"
}
by_host() {
    curl -sf --max-time 2 --resolve "pages.localhost:$http_port:127.0.0.1" "http://pages.localhost:$http_port/"
}
synced() {
    [ "$(state_of_pages)" = Synced ]
}

command -v jq >/dev/null || tests/deps.sh engine
wait_for 120 "the page, built and up" synced
wait_for 10 "an answer on port 8083" page
build/evenkeel status "${flags[@]}" || true
wait_for 60 "the page through Traefik, by its path" by_path
wait_for 10 "the page through Traefik, by its host" by_host
say "how it was built:"
build/evenkeel logs --build pages "${flags[@]}" | tail -n 12 || true
say "open ${bold}http://localhost:8083$plain, and through Traefik ${bold}http://localhost:$http_port/pages/$plain or ${bold}http://pages.localhost:$http_port/$plain"

door=http://127.0.0.1:$door_port
say "an upload: $bold$door/login$plain takes archives from a browser; a machine does it like this:"
token=$(build/evenkeel token create demo --scope deploy --app sent --expires 1d --state "$state/agent" 2>/dev/null)
echo "   curl -fN -T pages.zip -H \"Authorization: Bearer \$TOKEN\" '$door/api/v1/apps/sent/bundle?wait=1'"
curl -sSfN --noproxy '*' --max-time 180 -T "$state/apps/pages.zip" -H "Authorization: Bearer $token" "$door/api/v1/apps/sent/bundle?wait=1" | sed 's/^/   /'
wait_for 20 "the app that was sent, through Traefik" by_upload
say "it is at ${bold}http://localhost:$http_port/sent/$plain; its spec is the file $state/apps/uploads/sent.yaml"
say "log in at $bold$door/login$plain as ${bold}admin$plain, this once with the password $bold$(cat "$state/agent/initial-password")$plain"

if [ -z "${DEMO_ONCE:-}" ]; then
    say "try: docker rm -f pages-app-1 (it comes back), or edit $state/apps/pages/index.html and run $state/apps/pack.sh (it is built anew and replaced); Ctrl-C ends the demo"
    wait "$agent_pid"
    exit
fi

say "the page:"
page | head -n 5
before=$(engine_curl /containers/pages-app-1/json | jq -r .Id)
sleep 2 # what happens right after our own doing may be its echo; a hand is slower
say "deleting the container by hand"
engine_curl "/containers/pages-app-1?force=1" -X DELETE -f -o /dev/null
healed() {
    local now
    now=$(engine_curl /containers/pages-app-1/json -f | jq -r 'select(.State.Running) | .Id')
    [ -n "$now" ] && [ "$now" != "$before" ]
}
wait_for 20 "healing" healed
wait_for 10 "an answer on port 8083" page
say "healed: a new container runs and the page answers"
build/evenkeel history pages --state "$state/agent" --actions || true
wait_for 20 "the page through Traefik, after that" by_path
say "through Traefik, by its path (http://localhost:$http_port/pages/):"
by_path | grep -i '<h1>\|<title>' | head -n 2
say "through Traefik, by its host (http://pages.localhost:$http_port/):"
by_host | grep -i '<h1>\|<title>' | head -n 2
