#!/bin/bash
# What stays open: events by Server-Sent Events with ids and replay, whose events one sees, logs of containers and builds, and that none of it is in the way of logging in.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

at=http://127.0.0.1:5001
api=$at/api/v1
printf 'ingress: none\n' >"$work/agent.yaml"
export EVENKEEL_ADMIN_PASSWORD=correct-horse-battery
start_agent --config "$work/agent.yaml"
ask() { curl -s --noproxy '*' --max-time 30 "$@"; }
check "the agent answers" wait_until 20 ask -f -o /dev/null "$at/login"
token() { "$EVENKEEL" token create "$1" --scope "$2" ${3:+--app "$3"} --state "$state" 2>/dev/null; }
reading=$(token eyes read)
admin=$(token boss admin)
narrow=$(token blog-only read blog)
deploy=$(token ci deploy)
bearer() { ask -H "Authorization: Bearer $1" "${@:2}"; }
# listen FILE TOKEN [CURL OPTIONS...] URL: in the background, until stop_listening.
listeners=()
listen() {
    curl -sN --noproxy '*' -D "$1.head" -H "Authorization: Bearer $2" "${@:3}" >"$1" 2>/dev/null &
    listeners+=($!)
    wait_until 10 grep -q 'event: hello' "$1"
}
stop_listening() {
    kill "${listeners[@]}" 2>/dev/null || true
    wait "${listeners[@]}" 2>/dev/null || true
    listeners=()
}
got() { grep -qF -e "$2" "$1"; }

# --- who hears what
check "events begin" listen "$work/all" "$reading" "$api/events"
says "as Server-Sent Events" "Content-Type: text/event-stream" "$(cat "$work/all.head")"
listen "$work/boss" "$admin" "$api/events"
listen "$work/narrow" "$narrow" "$api/events"
listen "$work/shop" "$reading" "$api/events?app=shop"
spec='image: busybox:stable
command: ["sh", "-c", "echo hello from me; while :; do echo tick; sleep 0.2; done"]
stop_signal: SIGKILL
network_mode: none
'
put() { bearer "$deploy" -X PUT --data-binary "app: $1
$spec" "$api/apps/$1/spec" >/dev/null; }
put blog
check "a change is told" wait_until 20 got "$work/all" '"app":"blog","state":"Synced"'
put shop
check "and the next" wait_until 20 got "$work/all" '"app":"shop","state":"Synced"'
check "with what is done for it" got "$work/all" '"action":"create container blog-app-1","phase":"done"'
check "who is for one app hears of it" got "$work/narrow" '"app":"blog","state":"Synced"'
check "and of no other" eval '! grep -q shop "$work/narrow"'
check "who asks for one app too" eval 'grep -q shop "$work/shop" && ! grep -q blog "$work/shop"'
check "admins hear what was asked" got "$work/boss" '"by":"token:ci"'
check "others do not" eval '! grep -q "event: audit" "$work/all"'
same "another app's events are refused" 403 "$(bearer "$narrow" -o /dev/null -w '%{http_code}' "$api/events?app=shop")"
same "without a token there are none" 401 "$(ask -o /dev/null -w '%{http_code}' "$api/events")"
same "HEAD has no body" 200 "$(bearer "$reading" -I -o /dev/null -w '%{http_code}' "$api/events")"

# --- coming back
last=$(grep '^id: ' "$work/all" | tail -n 1 | cut -d' ' -f2)
stop_listening
bearer "$deploy" -X POST "$api/apps/blog/stop" >/dev/null
check "stopped meanwhile" wait_until 20 is Stopped blog
listen "$work/back" "$reading" -H "Last-Event-ID: $last" "$api/events"
check "what was missed comes again" wait_until 5 got "$work/back" '"app":"blog","state":"Stopped"'
check "and it is all" got "$work/back" '"missed":false'
listen "$work/old" "$reading" -H "Last-Event-ID: 000000000000-7" "$api/events"
check "an id of another agent is not mistaken" got "$work/old" '"missed":true'
bearer "$deploy" -X POST "$api/apps/blog/start" >/dev/null

# --- logs
line() { bearer "$reading" "$api/apps/shop/logs$1"; }
check "logs of a container" wait_until 10 eval 'line "?tail=all" | grep -q "^hello from"'
same "the last lines" 3 "$(line '?tail=3' | wc -l)"
same "only some" "hello from me" "$(line '?tail=all&grep=hello')"
same "none since then" "" "$(line '?since=2100-01-01T00:00:00Z')"
same "nonsense is refused" 422 "$(bearer "$reading" -o /dev/null -w '%{http_code}' "$api/apps/shop/logs?since=soon")"
same "an app that nobody knows" 404 "$(bearer "$reading" -o /dev/null -w '%{http_code}' "$api/apps/none/logs")"
same "another's are refused" 403 "$(bearer "$narrow" -o /dev/null -w '%{http_code}' "$api/apps/shop/logs")"
curl -sN --noproxy '*' -H "Authorization: Bearer $reading" -H 'Accept: text/event-stream' "$api/apps/shop/logs?follow=1&tail=0" >"$work/follow" 2>/dev/null &
listeners+=($!)
check "they are followed" wait_until 10 eval '[ "$(grep -c "^data: tick" "$work/follow")" -ge 3 ]'
api POST '/containers/shop-app-1/kill' >/dev/null
check "also into the next container" wait_until 20 got "$work/follow" "data: hello from"

# --- builds
mkdir "$work/site"
printf 'FROM busybox:stable\nRUN echo built-here\nCMD ["sleep", "100000"]\nSTOPSIGNAL SIGKILL\n' >"$work/site/Dockerfile"
(cd "$work/site" && zip -qr "$work/site.zip" .)
bearer "$deploy" -T "$work/site.zip" "$api/apps/site/bundle" >/dev/null
check "an app that is built" wait_until 60 docker_running site-app-1
says "its build's log" "built-here" "$(bearer "$reading" "$api/apps/site/builds/app")"
same "one that was not built" 404 "$(bearer "$reading" -o /dev/null -w '%{http_code}' "$api/apps/shop/builds")"

# --- many, and who is no longer allowed
stop_listening
python3 - "$api/events" "$reading" <<'PY' >"$work/many" &
# 500 listeners; prints "ready", then how many heard of the next app event and the slowest, in ms after the first.
import select, socket, sys, time, urllib.parse
u = urllib.parse.urlparse(sys.argv[1])
socks = []
for _ in range(500):
    s = socket.create_connection((u.hostname, u.port))
    s.sendall(f"GET {u.path}?app=later HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {sys.argv[2]}\r\n\r\n".encode())
    socks.append(s)
seen = {s: b"" for s in socks}
by_fd = {s.fileno(): s for s in socks}
watch = select.poll()
for s in socks:
    watch.register(s, select.POLLIN)
poll = lambda t: [by_fd[fd] for fd, _ in watch.poll(t * 1000)]
end = time.time() + 20
while time.time() < end and not all(b"hello" in v for v in seen.values()):
    for s in poll(1):
        seen[s] += s.recv(65536)
print("ready" if all(b"hello" in v for v in seen.values()) else "not ready", flush=True)
when = {}
end = time.time() + 20
while time.time() < end and len(when) < len(socks):
    for s in poll(1):
        seen[s] += s.recv(65536)
        if b"event: app" in seen[s] and s not in when:
            when[s] = time.time()
spread = (max(when.values()) - min(when.values())) * 1000 if when else -1
print(f"{len(when)} {spread:.0f}", flush=True)
time.sleep(30)
PY
listeners+=($!)
check "five hundred listen" wait_until 20 grep -q '^ready' "$work/many"
same "and others are answered" 200 "$(bearer "$reading" -o /dev/null -w '%{http_code}' --max-time 5 "$api/apps")"
same "and log in" 200 "$(ask --max-time 5 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -d '{"account":"admin","password":"correct-horse-battery"}' "$api/login")"
threads=$(ls "/proc/$agent_pid/task" | wc -l)
check "without a thread for each" [ "$threads" -lt 80 ]
anon=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$agent_pid/status")
most=$((48 * 1024))
# A sanitizer's own memory counts as the program's.
! ldd "$EVENKEEL" | grep -qE 'lib(a|t)san' || most=$((3 * most))
check "and without much memory ($anon kB)" [ "$anon" -le $most ]
put later
check "all hear of a change" wait_until 20 grep -q '^500 ' "$work/many"
spread=$(sed -n 's/^500 //p' "$work/many")
check "within 250 ms of the first ($spread ms)" [ "${spread:-999}" -le 250 ]
"$EVENKEEL" token revoke eyes --state "$state" >/dev/null 2>&1
check "a revoked token's end" wait_until 20 eval '[ "$(ls -l /proc/$agent_pid/fd | grep -c socket:)" -lt 60 ]'
check "the agent is there" agent_running
