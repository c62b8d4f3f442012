#!/bin/bash
# The agent's own address: /healthz, the page where nothing is, who may ask; a taken port; and the store of secrets: a value comes in by standard input or a file and shows up nowhere.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

at=127.0.0.1:5001
get() { curl -s --noproxy '*' --max-time 10 "$@"; }
code() { get -o /dev/null -w '%{http_code}' "$@"; }
healthy() { [ "$(code "http://$at/healthz")" = 200 ]; }
ek() { "$EVENKEEL" "$@"; }
secret() { ek secret --state "$state" "$@"; }
logged() { grep -qF "$1" "$agent_log"; }
mode() { stat -c %a "$1"; }

# --- the listener
sleeper web
start_agent
check "healthz answers soon" wait_until 10 healthy
says "the log says where" "HTTP on http://$at" "$(cat "$agent_log")"
same "healthz says ok" ok "$(get "http://$at/healthz")"
same "nothing elsewhere" 404 "$(code "http://$at/blog")"
says "plain words for curl" "nothing answers at 127.0.0.1/blog" "$(get "http://$at/blog")"
page=$(get -H 'Accept: text/html' "http://$at/%3Cscript%3Ealert(1)%3C/script%3E?<b>")
says "a page for browsers" "<h1>Nothing answers at" "$page"
check "what was asked for is escaped" eval '! [[ $page == *"<script"* || $page == *"<b>"* ]]'
headers=$(get -o /dev/null -D - -H 'Accept: text/html' "http://$at/")
says "a strict policy" "Content-Security-Policy: default-src 'none'; style-src 'sha256-" "$headers"
says "no guessing of types" "X-Content-Type-Options: nosniff" "$headers"
check "the server's version is not told" grep -qx $'Server: evenkeel\r' <<<"$headers"
same "another site's name" 421 "$(code -H 'Host: evil.example' "http://$at/healthz")"
same "localhost is a name" 200 "$(code -H 'Host: localhost:5001' "http://$at/healthz")"
same "no host" 400 "$(code -H 'Host:' "http://$at/healthz")"
same "two hosts" 400 "$(printf 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: a\r\n\r\n' | socat -t 5 - "TCP:$at" | head -n 1 | cut -d ' ' -f 2)"
says "no cross-origin leave" "405" "$(get -X OPTIONS -D - -H 'Origin: http://evil.example' -H 'Access-Control-Request-Method: PUT' "http://$at/healthz" | tr A-Z a-z | grep -v 'access-control' || true)"
check "only on loopback" eval '! socat -u OPEN:/dev/null "TCP:$(hostname -I | cut -d " " -f 1):5001,connect-timeout=2" 2>/dev/null'
becomes "and the engine is as the files say" "web=Synced"

# --- a taken port
stop_agent
socat TCP-LISTEN:5001,bind=127.0.0.1,reuseaddr,fork OPEN:/dev/null &
taker=$!
check "somebody takes the port" wait_until 5 eval 'socat -u OPEN:/dev/null "TCP:$at"'
api DELETE "/containers/web-app-1?force=1" >/dev/null
start_agent
check "the log says so" wait_until 10 logged "port 5001 is taken by socat (pid $taker)"
check "and what to do" logged "EVENKEEL_LISTEN"
check "and it converges all the same" wait_until 15 docker_running web-app-1
stop_agent
kill "$taker"
wait "$taker" 2>/dev/null || true
start_agent --listen 127.0.0.1:5077
check "another port by a flag" wait_until 10 eval '[ "$(code http://127.0.0.1:5077/healthz)" = 200 ]'
stop_agent
before=$(date +%s%N)
start_agent --listen none
becomes "none at all" "web=Synced"
check "nobody listens" eval '! healthy'
stop_agent
same "a wrong one is refused" 1 "$(exit_of "$EVENKEEL" agent --state "$state" --listen '[::1]:443')"
says "in words" "IPv4 only" "$("$EVENKEEL" agent --state "$state" --listen '[::1]:443' 2>&1 || true)"

# --- leaving with a request half sent
start_agent
check "it is back" wait_until 10 healthy
{ printf 'GET /hea'; sleep 10; } | socat - "TCP:$at" >/dev/null 2>&1 &
slow=$!
sleep 0.3
before=$(date +%s%N)
stop_agent
took=$((($(date +%s%N) - before) / 1000000))
check "it leaves within 6 s all the same ($took ms)" test $took -lt 6000
kill "$slow" 2>/dev/null || true

# --- secrets
start_agent
check "the agent is there" wait_until 10 healthy
value=correct-horse-$RANDOM$RANDOM
printf '%s' "$value" | secret set pw >"$work/out" 2>&1
says "set says what it did" "secret pw is set (${#value} bytes); the agent (pid $agent_pid) sees it" "$(cat "$work/out")"
printf '%s-own\n' "$value" >"$work/value"
check "an app's own, from a file" secret set pw --app web --file "$work/value"
same "the folder" 700 "$(mode "$state/secrets")"
same "the app's folder" 700 "$(mode "$state/secrets/web")"
same "the file" 600 "$(mode "$state/secrets/pw")"
same "the app's file" 600 "$(mode "$state/secrets/web/pw")"
same "to the byte" "$value" "$(cat "$state/secrets/pw")"
same "ls" "pw web/pw" "$(secret ls | awk '{printf "%s%s", sep, $1; sep = " "}')"
same "ls of an app" '[{"name":"pw","app":"web"}]' "$(secret ls --app web --json | jq -c '[.[] | {name, app}]')"
same "a value as an argument" 1 "$(exit_of secret set pw "$value")"
says "is refused in words" "never given on the command line" "$(secret set pw x 2>&1 || true)"
same "an empty value" 1 "$(exit_of secret set pw </dev/null)"
same "a name that leads away" 1 "$(exit_of secret set ../pw <"$work/value")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 20 -subj /CN=web \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
secret set cert --file "$work/cert.pem" >/dev/null
secret set key <"$work/key.pem" >/dev/null
says "a certificate's end" "(19 days)" "$(secret ls | grep '^cert ')"
says "a key is one" "private key" "$(secret ls | grep '^key ')"
# A slow reader of standard input can be looked at while it runs.
{ sleep 1; printf '%s' "$value"; } | "$EVENKEEL" secret set --state "$state" late >/dev/null &
sleep 0.4
printf '%s' "$value" >"$work/pattern"
check "not in any argv" eval '! grep -alF -f "$work/pattern" /proc/[0-9]*/cmdline 2>/dev/null'
wait $!
sleeper other
becomes "passes are saved" "other=Synced web=Synced"
stop_agent
check "not in the log" eval '! grep -qF "$value" "$agent_log"'
same "nowhere in the state but its own file" "" "$(grep -rlF "$value" "$state" | grep -v "^$state/secrets/" || true)"
check "not in a saved pass" eval 'saved=$("$EVENKEEL" replay --state "$state" --json || true); [[ -n $saved && $saved != *"$value"* ]]'
check "not in a container" eval '! api GET "/containers/web-app-1/json" | grep -qF "$value"'
same "rm" 0 "$(exit_of secret rm pw late)"
same "rm of what is not there" 1 "$(exit_of secret rm pw)"
same "the app's own is still there" "cert key web/pw" "$(secret ls | awk '{printf "%s%s", sep, $1; sep = " "}')"
same "help teaches" 0 "$(exit_of ek secret --help)"
says "with an example" "htpasswd -nB anna | evenkeel secret set" "$(ek secret --help)"
