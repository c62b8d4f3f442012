#!/bin/bash
# A name, a host port or a container name that is claimed twice: who runs keeps it, else the earlier root, then the path in order; the
# other is refused with the place of the first, and disturbs nobody.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

second=$work/second
mkdir -p "$second"
flags=(--root "$root" --root "$second")
app() { printf 'app: %s\nimage: busybox:stable\ncommand: ["sleep", "100000"]\nstop_signal: SIGKILL\nenvironment: {V: "%s"}\n' "$1" "$2" && printf '%s\n' "${@:3}"; }
value() { inspect "$1" '[.Config.Env[] | select(startswith("V="))[2:]] | join(" ")' 2>/dev/null; }
has() { [ "$(value "$1")" = "$2" ]; }

# --- one name in two files, nobody runs yet: the path in order, the earlier root
app twin b "network_mode: none" >"$root/b.yaml"
app twin c "network_mode: none" >"$root/c.yaml"
app twin second "network_mode: none" >"$second/a.yaml"
same "apply tells of it" 1 "$(exit_of apply)"
same "the first path has it" b "$(value twin-app-1)"
out=$({ "$EVENKEEL" validate "${flags[@]}" || true; } 2>&1)
check "the other names the place of the first" grep -q "c.yaml:1:.*error: .*b.yaml:1" <<<"$out"
check "so does the one of the later root" grep -q "second/a.yaml:1:.*error: .*b.yaml:1" <<<"$out"
same "validate exits 1" 1 "$(exit_of "$EVENKEEL" validate "${flags[@]}")"

# --- who runs keeps it, whatever comes before
before=$(snapshot twin-app-1)
app twin a "network_mode: none" >"$root/a.yaml"
start_agent
check "the agent says whose it is" wait_until 5 grep -q "apps/a.yaml:1:.*error: .*b.yaml:1" "$agent_log"
becomes "at rest" "twin=Synced" 5
same "who runs keeps it" "$before" "$(snapshot twin-app-1)"
mv "$root/b.yaml" "$work/b.yaml"
check "once it is gone the next in order takes over" wait_until 8 has twin-app-1 a
rm "$root/c.yaml" "$second/a.yaml"
mv "$work/b.yaml" "$root/b.yaml"
sleep 0.5
check "and keeps it" has twin-app-1 a
rm "$root/b.yaml"
becomes "alone it is Synced" "twin=Synced" 5
stop_agent

# --- one host port
app porta 1 'ports: ["18080:80"]' >"$root/porta.yaml"
app portb 1 'ports: ["127.0.0.1:18080:80"]' >"$root/portb.yaml"
app portc 1 'ports: ["18080:80/udp"]' >"$root/portc.yaml"
same "two want one port" 1 "$(exit_of apply)"
same "the first has it, UDP is another" "porta=Synced portb=Refused portc=Synced twin=Synced" "$(states)"
says "the reason names port and place" "18080" "$(app_why portb)"
says "of the first" "porta.yaml" "$(app_why portb)"
check "nothing was made for it" gone portb-app-1
before=$(snapshot porta-app-1)
app aport 1 'ports: ["18080:80"]' >"$root/aport.yaml"
same "who comes later is refused, though before it in order" 1 "$(exit_of apply)"
same "it stays with who runs" "aport=Refused porta=Synced portb=Refused portc=Synced twin=Synced" "$(states)"
same "untouched" "$before" "$(snapshot porta-app-1)"
rm "$root/aport.yaml"
app porta 2 'ports: ["18081:80"]' >"$root/porta.yaml"
same "the port is given away and taken, in one go" 0 "$(exit_of apply)"
same "all have theirs" "porta=Synced portb=Synced portc=Synced twin=Synced" "$(states)"
port_of() { inspect "$1" '[.NetworkSettings.Ports[]? | .[]? | .HostPort] | unique | join(" ")'; }
same "theirs" "18081 18080" "$(port_of porta-app-1) $(port_of portb-app-1)"

# --- two apps exchange their ports, and the one with the port that the other needs takes its time
slow() { printf 'app: %s\nimage: busybox:stable\ncommand: ["sh", "-c", "trap : TERM; while :; do sleep 1; done"]\nstop_grace_period: %s\nports: ["%s:80"]\n' "$1" "$2" "$3" >"$root/$1.yaml"; }
slow porta 2s 18081
slow portb 1s 18080
same "two that are slow to stop" 0 "$(exit_of apply)"
slow porta 2s 18080
slow portb 1s 18081
same "exchange their ports" 0 "$(exit_of apply)"
same "each has the other's" "18080 18081" "$(port_of porta-app-1) $(port_of portb-app-1)"
same "all are well" "porta=Synced portb=Synced portc=Synced twin=Synced" "$(states)"

# --- a port whose holder is left as it is: nothing is stopped for it
before=$(snapshot porta-app-1 portb-app-1)
printf 'app: portb\nimage: busybox:stable\nprots: nothing\n' >"$root/portb.yaml"
slow porta 2s 18081
same "an app wants what a frozen one holds" 1 "$(exit_of apply)"
says "it is told who" "portb-app-1" "$(app_why porta)"
same "and goes on as it was" "$before" "$(snapshot porta-app-1 portb-app-1)"
slow portb 1s 18080
same "once the other can be read they exchange" 0 "$(exit_of apply)"
same "each has the other's" "18081 18080" "$(port_of porta-app-1) $(port_of portb-app-1)"

# --- container names that fold into one
cat >"$root/fold1.yaml" <<'END'
app: x-y
services:
  z: {image: "busybox:stable", command: ["sleep", "100000"], stop_signal: SIGKILL, network_mode: none}
END
cat >"$root/fold2.yaml" <<'END'
app: x
services:
  y-z: {image: "busybox:stable", command: ["sleep", "100000"], stop_signal: SIGKILL, network_mode: none}
  other: {image: "busybox:stable", command: ["sleep", "100000"], stop_signal: SIGKILL, network_mode: none}
END
same "two names fold into one" 1 "$(exit_of apply)"
same "the first has it" "porta=Synced portb=Synced portc=Synced twin=Synced x=Refused x-y=Synced" "$(states)"
says "the reason names it" "x-y-z-1" "$(app_why x)"
same "it is the right one" x-y "$(inspect x-y-z-1 '.Config.Labels["evenkeel.app"]')"
check "nothing of the other was made" gone x-other-1
app named 1 "container_name: twin-app-1" "network_mode: none" >"$root/named.yaml"
same "a container_name is a claim too" 1 "$(exit_of apply)"
says "refused" "twin-app-1" "$(app_why named)"
same "the twin is as it was" a "$(value twin-app-1)"
rm "$root"/{named,fold1,fold2}.yaml
same "away with them" 0 "$(exit_of apply)"

# --- a port that a stranger holds, in the engine or on the host
api POST /containers/create?name=squatter '{"Image":"busybox:stable","Cmd":["sleep","100000"],"StopSignal":"SIGKILL","ExposedPorts":{"80/tcp":{}},
    "HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"18090"}]}}}' >/dev/null && api POST /containers/squatter/start
squatter=$(snapshot squatter)
app late 1 'ports: ["18090:80"]' >"$root/late.yaml"
out=$(apply 2>&1) && status=0 || status=$?
same "a stranger has the port" 1 "$status"
says "its holder is named" "squatter" "$out"
same "and left alone" "$squatter" "$(snapshot squatter)"
same "only this app suffers" "porta=Synced portb=Synced portc=Synced twin=Synced" "$(states | sed 's/late=[A-Za-z]* //')"
app portc 2 'ports: ["18090:80"]' >"$root/portc.yaml"
before=$(snapshot portc-app-1)
rm "$root/late.yaml"
start_agent
check "one that runs and now wants it is Degraded" wait_until 10 is Degraded portc
same "and not touched" "$before" "$(snapshot portc-app-1)"
app portc 1 'ports: ["18080:80/udp"]' >"$root/portc.yaml"
app late 1 'ports: ["18090:80"]' >"$root/late.yaml"
check "the new one is Degraded too" wait_until 10 is Degraded late
api DELETE '/containers/squatter?force=1'
check "it comes up when the stranger has gone" wait_until 15 docker_running late-app-1
stop_agent
python3 -c 'import socket, time; s = socket.socket(); s.bind(("0.0.0.0", 18091)); s.listen(); print("up", flush=True); time.sleep(60)' >"$work/up" &
holder=$!
check "a program listens" wait_until 5 test -s "$work/up"
app late 2 'ports: ["18091:80"]' >"$root/late.yaml"
out=$(apply 2>&1) && status=0 || status=$?
same "a program of the host has the port" 1 "$status"
says "the port is named" "18091" "$out"
check "the old version is back and serves" has late-app-1 1
check "running" docker_running late-app-1
kill "$holder"

# --- a copy that somebody made of ours -----------------------------------------------------------

app late 3 >"$root/late.yaml"
apply >/dev/null
api POST '/commit?container=late-app-1&repo=copied&tag=once' '{}' >/dev/null
api POST '/containers/create?name=brave_hopper' '{"Image":"copied:once","Cmd":["sleep","100000"],"StopSignal":"SIGKILL","HostConfig":{"NetworkMode":"none"}}' >/dev/null
api POST /containers/brave_hopper/start
same "a container of a committed image has our labels" late "$(inspect brave_hopper '.Config.Labels["evenkeel.app"]')"
copy=$(snapshot brave_hopper)
says "and is told of" "container brave_hopper has the labels of late-app-1" "$(plan late 2>&1 || true)"
app late 4 >"$root/late.yaml"
start_agent
check "the one that is ours is replaced" wait_until 20 has late-app-1 4
check "and well" wait_until 15 is Synced late
same "and the copy is left alone" "$copy" "$(snapshot brave_hopper)"
stop_agent
api DELETE '/containers/brave_hopper?force=1'
api DELETE '/images/copied:once' >/dev/null
