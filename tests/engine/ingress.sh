# shellcheck shell=bash
# What the tests of the ingress share; to be sourced after need_engine. Every assertion is a request through the real Traefik.

http_port=18080
https_port=18443
traefik=evenkeel-traefik-1
routes=$state/ingress/routes
config=$work/agent.yaml

# settings [LINES...]: the agent's configuration: an ingress on ports of our own, and these lines below `ingress:`.
settings() {
    {
        printf 'listen: 127.0.0.1:%s\ningress:\n  http: %s\n  https: %s\n' "${listen_port:-15001}" $http_port $https_port
        [ $# -eq 0 ] || printf '  %s\n' "$@"
    } >"$config.new"
    mv "$config.new" "$config"
}
settings
flags+=(--config "$config")

# secret set|ls|rm ...: the store of this test's agent
secret() {
    "$EVENKEEL" secret "$@" --state "$state"
}

# fetch PATH [CURL OPTIONS...]: the body; the status is in the last line.
fetch() {
    curl -sS --max-time 10 --path-as-is -w '\n%{http_code}' "http://127.0.0.1:$http_port$1" "${@:2}" 2>&1
}

# code PATH [CURL OPTIONS...]: the status alone; 000 without an answer.
code() {
    curl -s --max-time 10 --path-as-is -o /dev/null -w '%{http_code}' "http://127.0.0.1:$http_port$1" "${@:2}" || true
}

# headers PATH [CURL OPTIONS...]: of the answer, names in lower case
headers() {
    curl -s --max-time 10 --path-as-is -o /dev/null -D - "http://127.0.0.1:$http_port$1" "${@:2}" | tr -d '\r' |
        sed 's/^\([A-Za-z-]*\):/\L\1:/'
}

# answers CODE PATH [CURL OPTIONS...]
answers() {
    [ "$(code "${@:2}")" = "$1" ]
}

# shows TEXT PATH [CURL OPTIONS...]: 200, and the text is in the page.
shows() {
    local page
    page=$(fetch "${@:2}")
    [ "${page##*$'\n'}" = 200 ] && [[ $page == *"$1"* ]]
}

# from APP PATH [CURL OPTIONS...]: 200, and the page is that app's (made by whoami below).
from() {
    shows "Name: $1"$'\n' "${@:2}"
}

# served NAME APP PATH [CURL OPTIONS...]; coded NAME CODE PATH [CURL OPTIONS...]: one assertion, at once.
served() {
    if from "${@:2}"; then pass "$1"; else fail "$1" "$(fetch "${@:3}")"; fi
}

coded() {
    local page
    page=$(fetch "${@:3}")
    if [ "${page##*$'\n'}" = "$2" ]; then pass "$1"; else fail "$1" "wanted $2, got $page"; fi
}

# echo_app NAME [LINES...]: an app that tells its name and what it was asked.
echo_app() {
    {
        printf 'app: %s\nimage: traefik/whoami:v1.10\nport: 80\nenvironment: {WHOAMI_NAME: "%s"}\nstop_signal: SIGKILL\n' "$1" "$1"
        [ $# -lt 2 ] || printf '%s\n' "${@:2}"
    } | write_file "$1.yaml"
}

# page_app NAME TEXT [LINES...]: an app that gives one small page, quickly and to many at once.
page_app() {
    {
        printf 'app: %s\nimage: busybox:stable\nport: 8000\nuser: "1000"\n' "$1"
        printf 'command: ["sh", "-c", "echo %s >/tmp/index.html; exec standin httpd -f -p 8000 -h /tmp"]\n' "$2"
        [ $# -lt 3 ] || printf '%s\n' "${@:3}"
    } | write_file "$1.yaml"
}

# hammer_at FILE PATH WORDS...: in the background as $hammer_pid, its answer in FILE; returns when each page has been answered.
hammer_at() {
    local out=$1
    shift
    rm -f "$out.ready"
    python3 "$engine_dir/hammer.py" --ready "$out.ready" --least 21 --port $http_port "$@" >"$out" 2>"$work/hammer.err" &
    hammer_pid=$!
    wait_until 30 [ -e "$out.ready" ]
}

# hammer PATH WORDS...: so, and hammered NAME ends it and passes if nothing bad came.
hammer() {
    hammer_at "$work/hammer.json" "$@"
}

hammered() {
    kill -TERM "$hammer_pid" 2>/dev/null || true
    wait "$hammer_pid" || true
    hammer_result=$(cat "$work/hammer.json" "$work/hammer.err")
    if [ "$(jq '.bad == 0 and .requests > 20' "$work/hammer.json" 2>/dev/null)" = true ]; then
        pass "$1 ($(jq -r '"\(.requests) requests, longest \(.longest_ms) ms"' "$work/hammer.json"))"
    else
        fail "$1" "$hammer_result"
    fi
}

# traefik_api PATH: what Traefik itself tells, as the agent asks it.
traefik_api() {
    local port
    port=$(inspect $traefik '.NetworkSettings.Ports["8099/tcp"][0].HostPort')
    curl -s --max-time 5 -u "evenkeel:$(cat "$state/ingress/api-password")" "http://127.0.0.1:$port$1"
}
