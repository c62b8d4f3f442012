#!/bin/bash
# The Docker driver on a real engine, by hand: looks, operations done twice, waits, events over an engine restart, an engine that is away or
# too old, credentials for a registry, TLS, many things at once.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
probe=$(dirname "$EVENKEEL")/tests/engine/driver_probe
[ -x "$probe" ] || skip_all "no $probe (make engine-programs)"

out=$work/probe.out
probe_pid=

# probe_start URL [AUTH_DIR [CERT_DIR]]: commands go to descriptor 7.
probe_start() {
    rm -f "$work/commands"
    mkfifo "$work/commands"
    : >"$out"
    "$probe" "$@" <"$work/commands" >"$out" 2>"$work/probe.err" &
    probe_pid=$!
    exec 7>"$work/commands"
}

probe_stop() {
    local status=0
    exec 7>&-
    wait "$probe_pid" || status=$?
    same "the driver ends cleanly ($1)" "0 " "$status $(head -c 2000 "$work/probe.err")"
}

answers() { grep -cE '^(ok|err) ' "$out" || true; }
more_answers() { [ "$(answers)" -gt "$1" ]; }

# say COMMAND...: carries it out; its result is in $answer, all it showed in $shown.
say() {
    local before lines
    before=$(answers)
    lines=$(wc -l <"$out")
    echo "$*" >&7
    wait_until 100 more_answers "$before" || fail "$*" "no answer: $(tail -n 3 "$out")"
    shown=$(tail -n "+$((lines + 1))" "$out")
    answer=$(grep -E '^(ok|err) ' <<<"$shown" | tail -n 1)
}

# gives NAME PATTERN COMMAND...: the result matches.
gives() {
    local name=$1 pattern=$2 took
    shift 2
    say "$@"
    took=$(sed -n 's/.* \[\([0-9]* ms\)\]$/ (\1)/p' <<<"$answer")
    # shellcheck disable=SC2254
    case $answer in
    $pattern) pass "$name$took" ;;
    *) fail "$name" "\"$*\" gave \"$answer\", not \"$pattern\"" ;;
    esac
}

# --- operations, each of them twice
probe_start "$DOCKER_HOST"
say look all busybox:stable nosuch:1
say show
check "an absent image is known to be absent" grep -qx 'image nosuch:1 absent' <<<"$shown"
check "a present one has its id" grep -q '^image busybox:stable sha256:' <<<"$shown"
for time in first second; do
    gives "create, $time time" 'ok [0-9a-f]*' create a-app-1 busybox:stable a sleep 1000
    gives "start, $time time" 'ok *' start a-app-1
    gives "network, $time time" 'ok [0-9a-f]*' network a_net a
    gives "volume, $time time" 'ok a_vol *' volume a_vol a
    gives "connect, $time time" 'ok *' connect a_net a-app-1
done
gives "create with another body" 'err conflict the name a-app-1 is taken by container a-app-1 of app a*' \
    create a-app-1 busybox:stable a sleep 1001
gives "create without the image" 'err missing the engine does not have image nosuch:1*' create b-app-1 nosuch:1 b
gives "running for 300 ms" 'ok *' running a-app-1 300 5000
gives "a network in use stays" 'err conflict *' netremove a_net
twice() {
    local name=$1
    shift
    gives "$name" 'ok *' "$@"
    gives "$name, again" 'ok *' "$@"
}
twice "disconnect" disconnect a_net a-app-1
twice "network gone" netremove a_net
twice "rename" rename a-app-1 a-app-2
twice "unpause what is not paused" unpause a-app-2
twice "stop" stop a-app-2 1
twice "remove" remove a-app-2
twice "volume gone" volremove a_vol
gives "start what is gone" 'err missing *' start a-app-2

# --- waits and their verdicts
say create sick-app-1 busybox:stable sick sick
say start sick-app-1
gives "an ill container" 'err user container sick-app-1: its health check fails: I am ill*' healthy sick-app-1 20000
say create well-app-1 busybox:stable well well
say start well-app-1
gives "a healthy container" 'ok *' healthy well-app-1 20000
say create end-app-1 busybox:stable end sh -c 'echo${IFS}last${IFS}words;exit${IFS}3'
say start end-app-1
gives "one that fails" 'err user container end-app-1: ended with code 3*' exit end-app-1 20000
check "its last words" grep -q 'last words' <<<"$shown"
say logs end-app-1 5
check "its log" grep -qx 'log out last words' <<<"$shown"
gives "a wait that is cancelled" 'err stale *' cancel exit well-app-1 200
gives "a program that is not there" 'ok *' create none-app-1 busybox:stable none nosuchprogram
gives "is said at start" 'err user *nosuchprogram*' start none-app-1
say create p-app-1 busybox:stable p port=18080
say create q-app-1 busybox:stable q port=18080
say start p-app-1
gives "whose port it is" 'err conflict port 18080 is already taken by container p-app-1 of app p*' start q-app-1
gives "a pull without a registry" 'err * 127.0.0.1:1*' pull 127.0.0.1:1/none:1
for name in sick well end none p q; do say remove $name-app-1; done
gives "24 at once" 'ok storm' storm 24 busybox:stable
sed -n 's/^storm /     /p' <<<"$shown"
gives "10000 passes" 'ok passes 10000 grew 0 bytes*' passes 10000
probe_stop operations

# --- looks that cost no more than needed
probe_start "$DOCKER_HOST"
say follow
say until up 5000
say create l-app-1 busybox:stable l sleep 1000
say look all busybox:stable
say look
calls_before() { sed -n 's/^ok look, \([0-9]*\) calls.*/\1/p' <<<"$answer"; }
before=$(calls_before)
api POST /containers/l-app-1/start
gives "a start by another hand is told" 'ok until*' until 'app=l container l-app-1 start' 5000
say look
same "and costs one call" 1 $(($(calls_before) - before))
say show
check "which shows it running" grep -q '^container l-app-1 app=l running .* inspected=1' <<<"$shown"
before=$(calls_before)
api POST /containers/l-app-1/exec '{"Cmd":["true"]}' >/dev/null
api DELETE '/containers/l-app-1?force=1'
gives "a removal by another hand is told" 'ok until*' until 'container l-app-1 destroy' 5000
check "executions are not" eval '! grep -q exec_ "$out"'
say look
say show
check "and it is gone" eval '! grep -q l-app-1 <<<"$shown"'

# --- an engine that restarts
restart_engine() {
    local dir=$EVENKEEL_TEST_ENGINE_DIR pid args path
    pid=$(cat "$dir/pid")
    mapfile -d '' -t args <"/proc/$pid/cmdline"
    path=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^PATH=//p')
    # In its mount namespace, which would end with it.
    # shellcheck disable=SC2016
    PATH=$path nsenter -t "$pid" -m -n -- setsid bash -c '
        pid=$1 && shift
        kill -TERM "$pid"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
        sleep 1
        exec "$@"' bash "$pid" "${args[@]}" >>"$dir/log" 2>&1 </dev/null 7>&- &
    disown
}

if [ -n "${EVENKEEL_TEST_ENGINE_DIR:-}" ]; then
    say create r-app-1 busybox:stable r sleep 1000
    say start r-app-1
    say look all busybox:stable
    restart_engine
    gives "an engine that goes away is told" 'ok until*' until 'event away' 20000
    check "with the reason" grep -q '^event away .*closed its event stream: it is stopping or restarting' "$out"
    gives "a look fails meanwhile" 'err retry *' look all busybox:stable
    say show
    check "and nothing looks deleted" grep -q '^container r-app-1 app=r ' <<<"$shown"
    gives "it comes back" 'ok until*' until 'event up' 30000
    same "its going is told once" 1 "$(grep -c '^event away' "$out")"
    gives "a look then" 'ok look*' look all busybox:stable
    say show
    check "shows what the restart did" grep -q '^container r-app-1 app=r exited' <<<"$shown"
    say start r-app-1
    gives "events flow again" 'ok until*' until 'app=r container r-app-1 start' 5000
    say remove r-app-1
else
    skip "an engine that restarts" "DOCKER_HOST is not ours to restart"
fi
probe_stop events

# --- engines that are not there, or too old
probe_start "unix://$work/none.sock"
gives "no engine" 'err retry the engine is not there: *none.sock does not exist; start it*' look all
probe_stop "no engine"

cat >"$work/old.py" <<'EOF'
import http.server
class Old(http.server.BaseHTTPRequestHandler):
    server_version, sys_version = "Docker/18.09.1", "(linux)"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Api-Version", "1.39")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Old)
print(server.server_port, flush=True)
server.serve_forever()
EOF
listening() { [ -s "$1" ]; }
python3 "$work/old.py" >"$work/old.port" &
wait_until 10 listening "$work/old.port"
probe_start "tcp://127.0.0.1:$(cat "$work/old.port")"
gives "an engine that is too old" 'err user *18.09.1* speaks API 1.39 at most, evenkeel needs 1.41*upgrade the engine*' look all
probe_stop "too old"

# --- credentials
python3 "$engine_dir/little_registry.py" someone 'pa:ss wörd' >"$work/registry.port" &
wait_until 10 listening "$work/registry.port"
registry=127.0.0.1:$(cat "$work/registry.port")
mkdir "$work/auth"
probe_start "$DOCKER_HOST" "$work/auth"
gives "no credentials" "err denied image $registry/private/tool:1 *docker login $registry*" pull "$registry/private/tool:1"
printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" "$(printf 'someone:wrong' | base64)" >"$work/auth/config.json"
gives "wrong credentials" 'err denied *' pull "$registry/private/tool:1"
printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" "$(printf 'someone:pa:ss wörd' | base64)" >"$work/auth/config.json"
gives "a pull that is cancelled" 'err stale *' cancel pull "$registry/private/slow:1" 500
gives "good credentials" 'ok sha256:*' pull "$registry/private/tool:1"
gives "pulled again" 'ok sha256:*' pull "$registry/private/tool:1"
gives "an image that is not there" "err missing image $registry/private/none:1 does not exist*" pull "$registry/private/none:1"
probe_stop credentials
check "no password anywhere" eval '! grep -q "pa:ss" "$out" "$work/probe.err"'

api DELETE "/images/$registry/private/tool:1" >/dev/null
cat >"$work/auth/docker-credential-evk" <<'EOF'
#!/bin/sh
read -r server
echo "{\"ServerURL\":\"$server\",\"Username\":\"someone\",\"Secret\":\"pa:ss wörd\"}"
EOF
chmod +x "$work/auth/docker-credential-evk"
printf '{"credHelpers":{"%s":"evk"}}' "$registry" >"$work/auth/config.json"
PATH=$work/auth:$PATH probe_start "$DOCKER_HOST" "$work/auth"
gives "a credential helper" 'ok sha256:*' pull "$registry/private/tool:1"
probe_stop "credential helper"
printf '{"credsStore":"missing"}' >"$work/auth/config.json"
api DELETE "/images/$registry/private/tool:1" >/dev/null
probe_start "$DOCKER_HOST" "$work/auth"
gives "a helper that is missing is named" 'err denied *docker-credential-missing*' pull "$registry/private/tool:1"
probe_stop "missing helper"
check "no layer is left" eval '! api GET /images/json | grep -qF "$registry/private/"'

# --- TLS: the engine's socket behind a server with a certificate
if command -v openssl >/dev/null; then
    mkdir "$work/tls" "$work/stranger"
    for ca in tls stranger; do
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$ca" -keyout "$work/$ca/ca-key.pem" \
            -out "$work/$ca/ca.pem" 2>/dev/null
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$work/$ca/key.pem" -out "$work/$ca/csr" 2>/dev/null
        openssl x509 -req -in "$work/$ca/csr" -CA "$work/$ca/ca.pem" -CAkey "$work/$ca/ca-key.pem" -CAcreateserial -days 2 \
            -extfile <(echo subjectAltName=IP:127.0.0.1) -out "$work/$ca/cert.pem" 2>/dev/null
    done
    cat >"$work/tls.py" <<'EOF'
import socket, ssl, sys, threading
folder, path = sys.argv[1:3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
context.load_verify_locations(folder + "/ca.pem")
context.verify_mode = ssl.CERT_REQUIRED
def copy(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
def serve(raw):
    try:
        tls = context.wrap_socket(raw, server_side=True)
    except OSError:
        return
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(path)
    threading.Thread(target=copy, args=(tls, engine), daemon=True).start()
    copy(engine, tls)
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
EOF
    python3 "$work/tls.py" "$work/tls" "${DOCKER_HOST#unix://}" >"$work/tls.port" &
    wait_until 10 listening "$work/tls.port"
    tls=tcp://127.0.0.1:$(cat "$work/tls.port")
    probe_start "$tls" "$work/auth" "$work/tls"
    gives "TLS with both certificates" 'ok look*' look all busybox:stable
    probe_stop TLS
    probe_start "$tls" "$work/auth" "$work/stranger"
    gives "a certificate of a stranger" 'err retry no trusted connection to the engine*' look all
    probe_stop "a stranger's certificate"
    probe_start "https://${tls#tcp://}"
    gives "https:// without a folder verifies too" 'err retry no trusted connection*' look all
    probe_stop "https"
else
    skip "TLS" "no openssl"
fi
