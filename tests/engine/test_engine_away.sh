#!/bin/bash
# An engine that is away is waited for and never makes anything look deleted: started after the agent, stopped and started under it, cut off while
# things happen, silent, too old, too new. On an engine of its own, since it is stopped.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
own_engine "stopping an engine needs"
end_engine() {
    local pid=$agent_pid
    # Whatever is left of this test goes with its engine.
    [ -z "$pid" ] || stop_agent
    [ ! -e "$own/engine.state" ] || "$engine" stop "$own"
    rm -rf "$own"
}
trap 'end_engine; finish' EXIT

said() { cut -d' ' -f2- "$agent_log" | grep -cF -- "$1" || true; } # a time is no words
value() { inspect "$1-app-1" '[.Config.Env[] | select(startswith("V="))[2:]] | join(" ")' 2>/dev/null; }
has() { [ "$(value "$1")" = "$2" ] && docker_running "$1-app-1"; }
app() { sleeper "$1" "network_mode: none" "environment: {V: \"$2\"}"; }

# --- the agent comes first
app web 1
app gone 1
app calm 1
start_agent
check "without an engine the agent waits" wait_until 5 grep -q "waiting for it" "$agent_log"
says "and says for what" "$own/docker.sock" "$(cat "$agent_log")"
begin=${EPOCHREALTIME/./}
out=$(plan 2>&1) && status=0 || status=$?
same "plan is an error" 1 "$status"
says "that names the engine" "$own/docker.sock" "$out"
check "at once" test $(((${EPOCHREALTIME/./} - begin) / 1000)) -lt 5000
same "status too" 1 "$(exit_of evenkeel status)"
same "validate needs none" 0 "$(exit_of "$EVENKEEL" validate "$root")"
same "nor does stop" 0 "$(exit_of evenkeel stop calm)"
"$engine" start "$own" --netns "${modern[@]}" >/dev/null
"$engine_dir/standins.sh" --no-pull busybox:stable 2>/dev/null
check "when it comes it is used" wait_until 20 has web 1
check "for all" wait_until 10 has gone 1
check "with what was said meanwhile" gone calm-app-1
evenkeel start calm >/dev/null
becomes "all are well" "calm=Synced gone=Synced web=Synced" 15
same "its absence was said once" 1 "$(said 'waiting for it')"
check "and its coming" grep -q "engine is back" "$agent_log"

# --- it goes and comes under the agent
calm=$(inspect calm-app-1 .Id)
"$engine" halt "$own"
check "the agent says that it is away" wait_until 5 eval '[ "$(said "waiting for it")" = 2 ]'
app web 2
rm "$root/gone.yaml"
sleep 3
check "the agent is still there" agent_running
same "it says so once" 2 "$(said 'waiting for it')"
same "no run was begun" "" "$(sed -n '/waiting for it/,$p' "$agent_log" | sed '1,/waiting for it/d' | grep -E 'action|remov' || true)"
out=$(apply 2>&1) && status=0 || status=$?
same "apply beside it is an error" 1 "$status"
"$engine" resume "$own" >/dev/null
check "when it is back the change is made" wait_until 20 has web 2
check "and the removal" wait_until 10 gone gone-app-1
becomes "all are well" "calm=Synced web=Synced" 15
same "calm is the same" "$calm" "$(inspect calm-app-1 .Id)"
same "nothing is there twice" "calm-app-1 web-app-1" "$(owned containers '.Names[0][1:]' | sort | tr '\n' ' ' | sed 's/ $//')"
same "its coming was said twice in all" 2 "$(said 'engine is back')"
api DELETE '/containers/web-app-1?force=1'
check "events flow again" wait_until 5 has web 2

# --- what happens while the connection is cut is not missed
if command -v socat >/dev/null; then
    proxy=$work/proxy.sock
    connect() {
        setsid socat "UNIX-LISTEN:$proxy,fork,unlink-early" "UNIX-CONNECT:$own/docker.sock" 2>/dev/null &
        socat=$!
        wait_until 5 test -S "$proxy"
    }
    cut() {
        # setsid made it the leader of a group: this ends its connections too.
        kill -KILL -- "-$socat" 2>/dev/null || true
        wait "$socat" 2>/dev/null || true
        rm -f "$proxy"
    }
    stop_agent
    connect
    : >"$agent_log"
    real=$DOCKER_HOST
    DOCKER_HOST=unix://$proxy start_agent
    check "through a relay" wait_until 10 grep -q "Synced app=web" "$agent_log"
    cut
    check "the cut is seen" wait_until 5 grep -q "waiting for it" "$agent_log"
    api DELETE '/containers/web-app-1?force=1'
    api POST '/containers/calm-app-1/stop?t=0'
    sleep 0.5
    connect
    check "what was removed meanwhile is back" wait_until 10 has web 2
    check "what was stopped runs" wait_until 10 has calm 1
    for round in 1 2 3; do
        cut
        api DELETE '/containers/web-app-1?force=1' 2>/dev/null || true
        connect
        check "cut short, $round" wait_until 10 has web 2
    done
    stop_agent
    cut
    DOCKER_HOST=$real
else
    skip "a cut connection" "there is no socat here"
fi
stop_agent

# --- engines that will not do. HEAD and GET /_ping tell the newest version, /version the range.
cat >"$work/fake.py" <<'END'
import http.server, json, socketserver, sys, os
path, newest, oldest = sys.argv[1:4]
class Fake(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, body=True):
        if "_ping" in self.path:
            status, text = 200, b"OK"
        elif self.path.endswith("/version"):
            status, text = 200, json.dumps({"Version": "0.0", "ApiVersion": newest, "MinAPIVersion": oldest}).encode()
        else:
            asked = self.path.split("/")[1].lstrip("v")
            word = "old. Minimum supported API version is " + oldest if asked < oldest else "new. Maximum supported API version is " + newest
            status, text = 400, json.dumps({"message": "client version %s is too %s" % (asked, word)}).encode()
        self.send_response(status)
        self.send_header("Api-Version", newest)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if body:
            self.wfile.write(text)
    def do_GET(self): self.answer()
    def do_HEAD(self): self.answer(False)
    def log_message(self, *words): pass
    def address_string(self): return "unix"
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("unix", 0)
Server(path, Fake).serve_forever()
END
refuses() { # NAME NEWEST OLDEST WORD
    local out status fake pid
    fake=$work/$2.sock
    python3 "$work/fake.py" "$fake" "$2" "$3" &
    pid=$!
    wait_until 5 test -S "$fake"
    status=0
    out=$(DOCKER_HOST=unix://$fake timeout 20 "$EVENKEEL" plan --root "$root" --state "$state" 2>&1) || status=$?
    same "$1 is refused" 1 "$status"
    says "$1: what it speaks" "$4" "$out"
    check "$1: what is to be done" grep -qiE 'docker|engine|update|upgrade|newer|older' <<<"$out"
    : >"$agent_log"
    DOCKER_HOST=unix://$fake start_agent
    check "$1: the agent says so" wait_until 5 grep -qF -- "$4" "$agent_log"
    sleep 1.5
    check "$1: and stays" agent_running
    check "$1: saying it once" test "$(said "$4")" -le 2
    stop_agent
    kill $pid
    wait $pid 2>/dev/null || true
}
refuses "an engine too old" 1.30 1.12 1.30
refuses "an engine too new" 2.30 1.99 1.99

# --- one that takes the connection and says nothing
if command -v socat >/dev/null; then
    socat "UNIX-LISTEN:$work/silent.sock,fork" EXEC:'sleep 60' &
    silent=$!
    wait_until 5 test -S "$work/silent.sock"
    begin=$SECONDS
    out=$(DOCKER_HOST=unix://$work/silent.sock timeout 45 "$EVENKEEL" plan --root "$root" --state "$state" 2>&1) && status=0 || status=$?
    same "a silent engine is an error" 1 "$status"
    says "that names it" "silent.sock" "$out"
    check "within half a minute ($((SECONDS - begin)) s)" test $((SECONDS - begin)) -le 30
    kill $silent
else
    skip "a silent engine" "there is no socat here"
fi
