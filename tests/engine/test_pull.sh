#!/bin/bash
# Images from a registry that wants a password: pulled with progress and with the credentials that `docker login` left, by tag and by digest; what goes
# wrong is named, and what runs is not disturbed. The registry is Debian's docker-registry on the loopback device.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
command -v docker-registry >/dev/null || skip_all "no docker-registry (tests/deps.sh test installs it)"
need_engine

# shellcheck source=tests/engine/registry.sh
. "$engine_dir/registry.sh"
app() { printf 'app: pulled\nimage: %s\nstop_signal: SIGKILL\nnetwork_mode: none\n' "$1" && printf '%s\n' "${@:2}"; }
version() { inspect pulled-app-1 '.Config.Labels.version'; }

first=$(push 1 one 10000000)
same "an image is pushed" 71 "${#first}"
forget

# --- without credentials
app "$registry/team/app:1" >"$root/pulled.yaml"
sleeper calm "network_mode: none"
out=$(apply 2>&1) && status=0 || status=$?
same "without credentials" 1 "$status"
says "the image is named" "$registry/team/app:1" "$(grep '^pulled is' <<<"$out")"
says "and what to do" "docker login" "$(grep '^pulled is' <<<"$out")"
check "others run" docker_running calm-app-1

# --- wrong ones
login "nonsense"
out=$(apply 2>&1) && status=0 || status=$?
same "with wrong ones" 1 "$status"
says "the registry is named" "$registry" "$(grep '^pulled is' <<<"$out")"
check "the password is nowhere" eval '! grep -rqF nonsense "$state" && [[ $out != *nonsense* ]]'
echo '{"auths": nonsense' >"$config/config.json"
out=$(apply 2>&1) && status=0 || status=$?
same "a config.json that is broken" 1 "$status"
says "is named" "config.json" "$out"

# --- the right ones
login "$password"
out=$(apply 2>&1) && status=0 || status=$?
same "with the right ones" 0 "$status"
same "it runs" one "$(version)"
says "the pull is told of" "pull image $registry/team/app:1" "$out"
same "nothing is left to be done" 0 "$(exit_of plan)"
check "the password is nowhere" eval '! grep -rqF "$(printf "anna:%s" "$password" | base64)" "$state" && ! grep -rqF "$password" "$state"'
if command -v script >/dev/null; then
    # Through a relay that lets 8 MB a second pass: over the loopback device it would be over before anything can be seen.
    python3 - 15001 "$port" >"$work/relay" <<'END' &
import socket, sys, threading, time
def copy(a, b, rate):
    try:
        while data := a.recv(80000):
            b.sendall(data)
            time.sleep(len(data) / rate)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("up", flush=True)
while True:
    a = listener.accept()[0]
    b = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    threading.Thread(target=copy, args=(a, b, 1e9), daemon=True).start()
    threading.Thread(target=copy, args=(b, a, 8e6), daemon=True).start()
END
    relay=$!
    wait_until 5 test -s "$work/relay"
    api DELETE '/containers/pulled-app-1?force=1' # its layers would be there already
    forget
    app "127.0.0.1:15001/team/app:1" >"$root/pulled.yaml"
    login "$password" 15001
    TERM=xterm script -qec "$EVENKEEL apply --root $root --state $state --docker $DOCKER_HOST" "$work/screen" </dev/null >/dev/null || true
    check "on a terminal the progress moves" grep -aqE '\[=+ +\] +[0-9]+ %' "$work/screen"
    same "it runs" "127.0.0.1:15001/team/app:1" "$(inspect pulled-app-1 .Config.Image)"
    kill "$relay"
    app "$registry/team/app:1" >"$root/pulled.yaml"
    login "$password"
    apply >/dev/null
else
    skip "progress on a terminal" "there is no script(1) here"
fi

# --- tags that are not there, registries that are not
before=$(snapshot)
app "$registry/team/app:none" >"$root/pulled.yaml"
out=$(apply 2>&1) && status=0 || status=$?
same "a tag that is not there" 1 "$status"
says "is named" "$registry/team/app:none" "$(grep '^pulled is' <<<"$out")"
app "127.0.0.1:9/team/app:1" >"$root/pulled.yaml"
out=$(apply 2>&1) && status=0 || status=$?
same "a registry that is not there" 1 "$status"
says "is named" "127.0.0.1:9" "$(grep '^pulled is' <<<"$out")"
same "what runs is not disturbed by either" "$before" "$(snapshot)"

# --- by digest
second=$(push 1 two)
forget
app "$registry/team/app@$first" >"$root/pulled.yaml"
same "by digest" 0 "$(exit_of apply)"
same "it is the first, though the tag has moved" one "$(version)"
same "nothing is left to be done" 0 "$(exit_of plan)"
app "$registry/team/app:1@$second" >"$root/pulled.yaml"
same "by tag and digest" 0 "$(exit_of apply)"
same "it is the second" two "$(version)"
same "nothing is left to be done" 0 "$(exit_of plan)"

# --- pull_policy
app "$registry/team/app:1" >"$root/pulled.yaml"
same "by tag" 0 "$(exit_of apply)"
forget
engine_curl "/images/create?fromImage=$registry/team/app&tag=1" -X POST -H "X-Registry-Auth: $auth" --max-time 60 -o /dev/null
old=$(api GET "/images/$registry/team/app:1/json" | jq -r .Id)
push 1 four >/dev/null
four=$(api GET "/images/$registry/team/app:1/json" | jq -r .Id)
api POST "/images/$old/tag?repo=$registry/team/app&tag=1"
app "$registry/team/app:1" 'environment: {A: "1"}' >"$root/pulled.yaml"
same "pull_policy missing" 0 "$(exit_of apply)"
same "takes what is there" "$old" "$(inspect pulled-app-1 .Image)"
app "$registry/team/app:1" 'environment: {A: "2"}' 'pull_policy: always' >"$root/pulled.yaml"
same "pull_policy always" 0 "$(exit_of apply)"
same "takes what the registry has" "$four" "$(inspect pulled-app-1 .Image)"
same "nothing is left to be done" 0 "$(exit_of plan)"
push 1 five >/dev/null
five=$(api GET "/images/$registry/team/app:1/json" | jq -r .Id)
api POST "/images/$four/tag?repo=$registry/team/app&tag=1"
app "$registry/team/app:1" 'environment: {A: "2"}' 'pull_policy: daily' >"$root/pulled.yaml"
same "pull_policy daily, soon after a pull: nothing is to be done" 0 "$(exit_of plan)"
jq 'map_values(.pulled -= 90000000 | .tried -= 90000000)' "$state/pulls.json" >"$work/pulls" && mv "$work/pulls" "$state/pulls.json"
says "pull_policy daily, 25 hours after it" "its last pull is too old" "$(plan || true)"
for _ in 1 2; do apply >/dev/null 2>&1 || true; done
same "takes what the registry has by now" "$five" "$(inspect pulled-app-1 .Image)"
same "nothing is left to be done" 0 "$(exit_of plan)"
jq 'map_values(.pulled -= 90000000 | .tried -= 90000000)' "$state/pulls.json" >"$work/pulls" && mv "$work/pulls" "$state/pulls.json"
login nonsense
apply >/dev/null 2>&1 || true
same "a registry that says no disturbs nothing" "$five true" "$(inspect pulled-app-1 '"\(.Image) \(.State.Running)"')"
same "and is not asked again at once" 0 "$(exit_of plan)"
login "$password"
four=$five
app "$registry/team/app:7" 'pull_policy: never' >"$root/pulled.yaml"
same "pull_policy never" 1 "$(exit_of apply)"
same "leaves the old one" "$four" "$(inspect pulled-app-1 .Image)"

# --- a credential helper, as docker login uses one where there is a key ring
api DELETE '/containers/pulled-app-1?force=1'
forget
mkdir "$work/bin"
cat >"$work/bin/docker-credential-evktest" <<END
#!/bin/sh
read -r server
[ "\$1 \$server" = "get $registry" ] && echo '{"Username":"anna","Secret":"$password"}' && exit
echo "credentials not found in native keychain" && exit 1
END
chmod 755 "$work/bin/docker-credential-evktest"
printf '{"credHelpers": {"%s": "evktest"}}\n' "$registry" >"$config/config.json"
app "$registry/team/app:1" >"$root/pulled.yaml"
same "a credential helper" 0 "$(PATH=$work/bin:$PATH exit_of apply)"
check "it runs" docker_running pulled-app-1
api DELETE '/containers/pulled-app-1?force=1'
forget
out=$(apply 2>&1) && status=0 || status=$?
same "a helper that is not there" 1 "$status"
says "is named" "docker-credential-evktest" "$out"
