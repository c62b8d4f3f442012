#!/bin/bash
# Builds that are cut off: the engine is killed in the middle of one, the agent while it reads and while it sends, and there is no room for what an archive unpacks
# to. What ran goes on running, and once the trouble is over the build is made, without anybody's help. On an engine of its own, since it is killed.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
own_engine "killing an engine needs"
small=$work/small
end_engine() {
    [ -z "$agent_pid" ] || stop_agent
    [ ! -e "$own/engine.state" ] || "$engine" stop "$own"
    rm -rf "$own"
    umount "$small" 2>/dev/null || true
}
trap 'end_engine; finish' EXIT

version() { inspect "$1-app-1" .Config.Labels.version 2>/dev/null; }
has() { [ "$(version "$1")" = "$2" ] && docker_running "$1-app-1"; }
synced() { is Synced "$1"; }
why_has() { [[ $(app_why "$1") == *"$2"* ]]; }
# source_of APP VERSION [LINE]: a folder to be built; the line stands before the end of its Dockerfile
source_of() {
    printf 'FROM busybox:stable\nCOPY . /src\n%s\nLABEL version=%s\nCMD ["sleep", "100000"]\nSTOPSIGNAL SIGKILL\n' "${3:-}" "$2" | write_file "$1/Dockerfile"
}

"$engine" start "$own" --netns "${modern[@]}" >/dev/null
"$engine_dir/standins.sh" --no-pull busybox:stable 2>/dev/null

# --- the engine is killed in the middle of a build
source_of cut 1
printf 'app: cut\nsource: {path: ./cut}\nnetwork_mode: none\n' | write_file cut.yaml
sleeper calm "network_mode: none"
start_agent
check "it is built" wait_until 30 has cut 1
check "and well" wait_until 10 synced cut
source_of cut 2 "RUN sleep 4; echo $(date +%s.%N)"
check "a build is under way" wait_until 15 is Progressing cut
sleep 1.5
kill -KILL "$(cat "$own/pid")"
check "the agent says that the engine is away" wait_until 10 grep -q "waiting for it" "$agent_log"
sleep 1
check "and stays" agent_running
# Where nobody waits for the dead, as in many containers, they look alive to who comes after them.
rm -f "$own/pid" "$own/exec/containerd/containerd.pid"
"$engine" resume "$own" >/dev/null
check "once it is back the build is made" wait_until 60 has cut 2
check "and all is well" wait_until 20 synced cut
same "with one container each" "calm-app-1 cut-app-1" "$(owned containers '.Names[0][1:]' | sort | xargs)"
check "another app runs" docker_running calm-app-1

# --- the agent is killed while it sends: 60 MB that do not pack
mkdir "$root/.big"
head -c 60000000 /dev/urandom >"$root/.big/ballast"
mv "$root/.big/ballast" "$root/cut/"
rmdir "$root/.big"
source_of cut 3
for pause in 0.1 0.3 0.6; do
    sleep "$pause"
    stop_agent KILL
    start_agent
done
check "an agent that was killed again and again builds it" wait_until 60 has cut 3
check "to the end" wait_until 20 synced cut
same "with one container each" "calm-app-1 cut-app-1" "$(owned containers '.Names[0][1:]' | sort | xargs)"
rm "$root/cut/ballast"

# --- no room for what an archive unpacks to
mkdir "$small"
mount -t tmpfs -o size=1m tmpfs "$small"
stop_agent
TMPDIR=$small start_agent
# drop VERSION BYTES: a tar is kept unpacked while it is read
drop() {
    rm -rf "$work/pack" && mkdir "$work/pack"
    head -c "$2" /dev/urandom >"$work/pack/ballast"
    printf 'FROM busybox:stable\nLABEL version=%s\nCMD ["sleep", "100000"]\nSTOPSIGNAL SIGKILL\n' "$1" >"$work/pack/Dockerfile"
    tar -C "$work/pack" -czf "$root/.tight" . && mv "$root/.tight" "$root/tight.tar.gz"
}
printf 'app: tight\nsource: {bundle: tight.tar.gz}\nnetwork_mode: none\n' | write_file tight.yaml
drop 1 1000
check "an archive that fits" wait_until 30 has tight 1
check "is well" wait_until 10 synced tight
drop 2 4000000
check "one for which there is no room says so" wait_until 20 why_has tight "No space left on device"
says "naming the archive" "tight.tar.gz" "$(app_why tight)"
check "what ran goes on running" has tight 1
same "nothing is left behind" "" "$(ls -A "$small")"
check "another app is well" wait_until 15 synced calm
mount -o remount,size=50m "$small"
sleeper nudge "network_mode: none" # any look will do, the regular one too
check "once there is room it is built" wait_until 30 has tight 2
check "and well" wait_until 10 synced tight
