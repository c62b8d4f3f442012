#!/bin/bash
# Starts and stops private Docker engines for tests. Needs root.
#
#   engine.sh start DIR [--modern] [--netns] [--bridge NAME] [--live-restore]   prints DOCKER_HOST=unix://DIR/docker.sock
#   engine.sh exec DIR COMMAND...    runs a command where that engine's published ports answer
#   engine.sh halt DIR               ends dockerd alone: what it holds stays on disk; with --live-restore containers go on
#   engine.sh crash DIR              kills it and all that it started at once, as a power cut would
#   engine.sh resume DIR             starts it again, after halt or crash
#   engine.sh stop DIR               ends it with all its containers, networks, rules and files
#   engine.sh fetch-modern           unpacks the newer engine of --modern into the cache (once)
#
# An engine has its data, sockets, bridge, address pool and mount namespace to itself. --netns gives
# it a network namespace too, and with it firewall rules and ports of its own: the way to run
# several side by side, or beside the machine's own Docker (whose rules a second dockerd in the same
# namespace would flush: without --netns, start refuses that). Nothing in there reaches the outside.
# EVENKEEL_TEST_CACHE (~/.cache/evenkeel-tests) keeps what was fetched.
set -euo pipefail

cache=${EVENKEEL_TEST_CACHE:-$HOME/.cache/evenkeel-tests}
modern_bin=$cache/engine26/bin
registry=/run/evenkeel-tests
fixed_places=(/run/docker /run/containerd /etc/docker)
PATH=$PATH:/usr/sbin:/sbin

die() {
    echo "engine.sh: $*" >&2
    exit 1
}

usage() {
    sed -n '4,10s/^# *//p' "$0" >&2
    exit 2
}

# --- a newer engine than the distribution's ------------------------------------------------------

# The Debian mirror this machine already uses; on other distributions it has to be named.
debian_mirror() {
    if [ -n "${EVENKEEL_DEBIAN_MIRROR:-}" ]; then
        echo "$EVENKEEL_DEBIAN_MIRROR"
        return
    fi
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI) $(LABEL)' 2>/dev/null |
        awk '$2 == "Debian" || $1 ~ /\/debian\/?$/ { print $1; exit }'
}

fetch_modern() {
    local work mirror keyring tool
    [ -e "$modern_bin/.complete" ] && return
    mkdir -p "$cache"
    exec 8>"$cache/lock"
    flock 8
    [ -e "$modern_bin/.complete" ] && return
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || die "no Debian mirror in this machine's apt sources: set EVENKEEL_DEBIAN_MIRROR to one"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e "$keyring" ] || die "missing $keyring (package debian-archive-keyring)"
    echo "engine.sh: fetching Debian 13's docker.io into $cache/engine26" >&2

    work=$cache/engine26
    rm -rf "$work"
    mkdir -p "$work"/{bin,debs,root,apt/lists/partial,apt/archives/partial}
    echo "deb [signed-by=$keyring] $mirror trixie main" >"$work/apt/sources.list"
    local options=(-q -o "Dir::Etc::sourcelist=$work/apt/sources.list" -o Dir::Etc::sourceparts=-
        -o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt" -o Acquire::Languages=none
        -o APT::Sandbox::User=root -o Acquire::Retries=3)
    (
        cd "$work/debs"
        apt-get "${options[@]}" update
        apt-get "${options[@]}" download docker.io containerd runc tini docker-compose docker-cli
        for tool in *.deb; do dpkg -x "$tool" "$work/root"; done
    ) >"$work/log" 2>&1 || {
        tail -n 20 "$work/log" >&2
        die "could not fetch the newer engine"
    }

    for tool in dockerd docker-proxy containerd containerd-shim-runc-v2 runc docker; do
        find "$work/root/usr" -type f -name "$tool" -perm -u+x -exec cp {} "$work/bin/$tool" \; -quit
    done
    cp "$work/root/usr/bin/tini-static" "$work/bin/docker-init"
    mkdir "$work/bin/cli-plugins"
    find "$work/root" -type f -name docker-compose -perm -u+x -exec cp {} "$work/bin/cli-plugins/" \; -quit
    # Debian 13's runc needs a newer libc than Debian 12 has; the older runc serves as well.
    if ! "$work/bin/runc" --version >/dev/null 2>&1; then
        command -v runc >/dev/null || die "no runc here: run tests/deps.sh engine"
        ln -sf "$(command -v runc)" "$work/bin/runc"
    fi
    "$work/bin/dockerd" --version >&2 || die "the newer dockerd does not run on this system"
    rm -rf "$work/apt" "$work/debs" "$work/root" "$work/log"
    touch "$work/bin/.complete"
    exec 8>&-
}

# Debian's iptables warns on standard error about tables it does not show.
firewall() {
    iptables -w "$@" 2>/dev/null
}

# --- start ---------------------------------------------------------------------------------------

api() {
    curl -sS --max-time 30 --unix-socket "$dir/docker.sock" "http://engine$1" "${@:2}"
}

# Runs a command in the engine's network namespace.
in_net() {
    if [ -n "$netns" ]; then
        nsenter --net="/run/netns/$netns" "$@"
    else
        "$@"
    fi
}

# Takes the first free number from 214 on: it is the second byte of the bridge's and the networks'
# addresses (evenkeel itself uses 10.213.0.0/16). Called with the registry locked.
choose_number() {
    local number routes
    routes=$(ip -4 route show table all; ip -4 -o addr)
    for number in {214..254}; do
        [ -e "$registry/$number" ] && continue
        [[ $routes == *"10.$number."* ]] && continue
        [ -e "/sys/class/net/${bridge:-evk$number}" ] && [ -z "$want_netns" ] && continue
        [ -e "/run/netns/evk$number" ] && continue
        echo "$number"
        return
    done
    die "all test networks 10.214 to 10.254 are taken"
}

# Entries in the registry whose engine is gone (a reboot clears /run, a kill does not).
forget_dead_engines() {
    local entry pid
    for entry in "$registry"/[0-9]*; do
        [ -e "$entry" ] || continue
        pid=$(sed -n 's/^pid=//p' "$entry")
        if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null && [ ! -e "$(sed -n 's/^dir=//p' "$entry")" ]; then
            rm -f "$entry"
        fi
    done
}

engines_in_host_net() {
    grep -lx 'netns=' "$registry"/[0-9]* 2>/dev/null || true
}

save_state() {
    printf 'dir=%s\nbridge=%s\nnetns=%s\nnumber=%s\npid=%s\nforward=%s\nmodern=%s\nlive=%s\n' \
        "$dir" "$bridge" "$netns" "$number" "$1" "$forward" "$modern" "$live" >"$dir/engine.state"
    cp "$dir/engine.state" "$registry/$number"
}

start_engine() {
    local other place
    [ $# -ge 1 ] || usage
    dir=$1 bridge='' netns='' forward='' want_netns='' modern='' live=false
    shift
    while [ $# -gt 0 ]; do
        case $1 in
        --modern) modern=yes ;;
        --netns) want_netns=yes ;;
        --live-restore) live=true ;;
        --bridge)
            [ $# -ge 2 ] || usage
            bridge=$2
            shift
            ;;
        *) usage ;;
        esac
        shift
    done
    [ "$(id -u)" = 0 ] || die "a private engine needs root (or set DOCKER_HOST to a running engine)"
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd -P)
    # The longest socket path below it is DIR/exec/containerd/containerd.sock.ttrpc.
    [ ${#dir} -le 60 ] || die "$dir: too long for the unix sockets in it (at most 60 bytes)"
    [ ! -e "$dir/engine.state" ] || die "$dir: an engine was started here already; stop it first"

    [ -z "$modern" ] || fetch_modern
    PATH=$(engine_path) command -v dockerd >/dev/null || die "no dockerd on PATH: run tests/deps.sh engine"

    mkdir -p "$registry"
    exec 9>"$registry/lock"
    flock 9
    forget_dead_engines
    if [ -z "$want_netns" ]; then
        other=$(engines_in_host_net | head -n 1)
        if [ -n "$other" ]; then
            forward=$(sed -n 's/^forward=//p' "$other")
        elif firewall -t nat -n -L DOCKER >/dev/null; then
            die "another Docker engine's firewall rules are in place and a second one would flush them: use --netns"
        else
            forward=$(cat /proc/sys/net/ipv4/ip_forward)/$(firewall -S FORWARD | sed -n 's/^-P FORWARD //p')
        fi
    fi
    number=$(choose_number)
    [ -z "$want_netns" ] || netns=evk$number
    bridge=${bridge:-evk$number}
    save_state ''
    trap 'stop_engine "$dir" || true' EXIT
    if [ -n "$netns" ]; then
        ip netns add "$netns"
        in_net ip link set lo up
    fi
    in_net ip link add "$bridge" type bridge
    in_net ip addr add "10.$number.0.1/24" dev "$bridge"
    in_net ip link set "$bridge" up
    for place in "${fixed_places[@]}"; do
        [ -d "$place" ] || { mkdir -p "$place" && echo "$place" >>"$registry/made"; }
    done
    flock -u 9
    printf '{}\n' >"$dir/daemon.json"
    mkdir -p "$dir/exec"
    run_dockerd
}

engine_path() {
    echo "${modern:+$modern_bin:}$PATH"
}

# Starts dockerd and waits until it answers.
run_dockerd() {
    local pid tries
    # systemd wants to name the groups itself.
    local cgroup=(--cgroup-parent "/evk$number")
    [ ! -d /run/systemd/system ] || cgroup=()

    # In a mount namespace of its own: its mounts go when it ends, however it ends, and what it
    # would leave in fixed places stays in a tmpfs. What went on living while it was away has that still.
    local enter=(unshare --mount --propagation slave) fresh=("${fixed_places[@]}") shim
    [ "$live" != true ] || read -r shim < <(shims_of) || true
    [ -z "${shim:-}" ] || enter=(nsenter "--mount=/proc/$shim/ns/mnt") fresh=()
    # shellcheck disable=SC2016
    PATH=$(engine_path) in_net setsid "${enter[@]}" bash -c '
        for place in "${@:2:$1}"; do mount -t tmpfs -o mode=755 evenkeel-test "$place"; done
        exec "${@:$1 + 2}"' bash ${#fresh[@]} "${fresh[@]}" \
        dockerd --config-file "$dir/daemon.json" --data-root "$dir/data" --exec-root "$dir/exec" \
        --pidfile "$dir/pid" --host "unix://$dir/docker.sock" --bridge "$bridge" \
        --default-address-pool "base=10.$number.128.0/17,size=24" "${cgroup[@]}" \
        "--live-restore=$live" --shutdown-timeout 5 \
        >>"$dir/log" 2>&1 </dev/null 9>&- &
    pid=$!

    for ((tries = 0; tries < 600; tries++)); do
        if curl -sf --max-time 2 -o /dev/null --unix-socket "$dir/docker.sock" http://engine/_ping; then
            save_state "$(cat "$dir/pid")"
            trap - EXIT
            echo "DOCKER_HOST=unix://$dir/docker.sock"
            return
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    tail -n 15 "$dir/log" >&2
    die "dockerd did not answer"
}

halt_engine() {
    local pid tries
    [ $# = 1 ] || usage
    load_state "$1"
    pid=$(cat "$dir/pid")
    kill -TERM "$pid"
    for ((tries = 0; tries < 400; tries++)); do
        # A process that has ended but was not waited for has no program any more.
        readlink "/proc/$pid/exe" >/dev/null 2>&1 || return 0
        sleep 0.05
    done
    die "dockerd does not end"
}

crash_engine() {
    local tries pids
    [ $# = 1 ] || usage
    load_state "$1"
    for ((tries = 0; tries < 100; tries++)); do
        pids=$(processes_of)
        [ -n "$pids" ] || break
        kill_orphans "$pids"
        sleep 0.05
    done
    [ -z "$pids" ] || die "$dir: these processes do not end: $pids"
    # What a clean end removes, and what stands in /run elsewhere, which does not outlive a power cut.
    rm -rf --one-file-system "$dir/pid" "$dir/docker.sock" "${dir:?}/exec"
    mkdir "$dir/exec"
}

resume_engine() {
    [ $# = 1 ] || usage
    load_state "$1"
    mkdir -p "$registry"
    exec 9>"$registry/lock"
    run_dockerd
}

# --- stop ----------------------------------------------------------------------------------------

# Prints the ids of the engine's own processes: dockerd, its containerd, shims.
processes_of() {
    local entry
    { grep -laF "$dir/" /proc/[0-9]*/cmdline 2>/dev/null || true; } | while read -r entry; do
        entry=${entry%/cmdline}
        case $(readlink "$entry/exe" 2>/dev/null || true) in
        */dockerd | */containerd | */containerd-shim*) echo "${entry#/proc/}" ;;
        esac
    done
}

shims_of() {
    local pid
    processes_of | while read -r pid; do
        case $(readlink "/proc/$pid/exe" 2>/dev/null || true) in */containerd-shim*) echo "$pid" ;; esac
    done
}

# A dockerd that was killed leaves shims, and those, when killed, leave the containers' processes.
kill_orphans() {
    local pid child
    for pid in $1; do
        case $(readlink "/proc/$pid/exe" 2>/dev/null || true) in
        */containerd-shim*)
            read -ra child <"/proc/$pid/task/$pid/children" || true
            kill -KILL "${child[@]}" 2>/dev/null || true
            ;;
        esac
    done
    # shellcheck disable=SC2086
    kill -KILL $1 2>/dev/null || true
}

remove_containers() {
    local ids
    ids=$(api '/containers/json?all=1' 2>/dev/null | jq -r '.[].Id' 2>/dev/null) || return 0
    [ -n "$ids" ] || return 0
    xargs -r -P 4 -I ID curl -sS --max-time 20 -o /dev/null -X DELETE --unix-socket "$dir/docker.sock" \
        'http://engine/containers/ID?force=1&v=1' <<<"$ids" || true
}

# Networks stay behind as bridges when dockerd ends; their ids are in its database.
own_bridges() {
    local link
    echo "$bridge"
    while read -r link; do
        if grep -qa "${link#br-}" "$dir/data/network/files/local-kv.db" 2>/dev/null; then
            echo "$link"
        fi
    done < <(ip -o link show type bridge | sed -n 's/^[0-9]*: \(br-[0-9a-f]*\):.*/\1/p')
}

remove_rules() {
    local table rule
    for table in nat filter; do
        while read -r rule; do
            # shellcheck disable=SC2086
            firewall -t "$table" -D ${rule#-A } || true
        done < <(firewall -t "$table" -S | grep -E -- "^-A .*($1)")
    done
}

remove_bridges() {
    local link
    for link in $(own_bridges); do
        remove_rules "-[io] $link "
        ip link del "$link" 2>/dev/null || true
    done
}

# For the last engine of ours in this namespace.
remove_docker_chains() {
    local table chain
    remove_rules '-j DOCKER'
    for table in nat filter; do
        while read -r chain; do firewall -t "$table" -F "$chain"; done < <(docker_chains "$table")
        while read -r chain; do firewall -t "$table" -X "$chain"; done < <(docker_chains "$table")
    done
    firewall -P FORWARD "${forward#*/}"
    echo "${forward%/*}" >/proc/sys/net/ipv4/ip_forward
}

docker_chains() {
    firewall -t "$1" -S | sed -n 's/^-N \(DOCKER[A-Z0-9-]*\)$/\1/p'
}

# For the last engine: the empty directories made to mount a tmpfs on.
remove_made_places() {
    local place
    [ -e "$registry/made" ] || return 0
    while read -r place; do
        rmdir "$place" 2>/dev/null || true
    done <"$registry/made"
    rm -f "$registry/made"
}

unmount_below() {
    local place
    while read -r place; do
        umount -l "$place" 2>/dev/null || true
    done < <(awk -v below="$dir/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts | sort -r)
}

load_state() {
    dir=$(cd "$1" 2>/dev/null && pwd -P) || die "$1: no such directory"
    [ -e "$dir/engine.state" ] || die "$dir: no engine was started here"
    bridge=$(sed -n 's/^bridge=//p' "$dir/engine.state")
    netns=$(sed -n 's/^netns=//p' "$dir/engine.state")
    number=$(sed -n 's/^number=//p' "$dir/engine.state")
    forward=$(sed -n 's/^forward=//p' "$dir/engine.state")
    modern=$(sed -n 's/^modern=//p' "$dir/engine.state")
    live=$(sed -n 's/^live=//p' "$dir/engine.state")
}

stop_engine() {
    local pids pid tries
    [ $# = 1 ] || usage
    load_state "$1"
    exec 9>"$registry/lock"

    [ ! -S "$dir/docker.sock" ] || remove_containers
    pid=$(cat "$dir/pid" 2>/dev/null || true)
    pids=$(processes_of)
    # The pid file's number counts only if that process is really ours: numbers are used again.
    if [ -n "$pid" ] && grep -qx "$pid" <<<"$pids"; then
        kill -TERM "$pid" 2>/dev/null || true
    fi
    for ((tries = 0; tries < 200; tries++)); do
        pids=$(processes_of)
        [ -n "$pids" ] || break
        if [ ! -e "/proc/${pid:-none}" ] || [ $tries -ge 180 ]; then kill_orphans "$pids"; fi
        sleep 0.05
    done
    [ -z "$pids" ] || die "$dir: these processes do not end: $pids"

    unmount_below
    flock 9
    rm -f "${registry:?}/$number"
    if [ -n "$netns" ]; then
        ip netns del "$netns" 2>/dev/null || true
    else
        remove_bridges
        [ -n "$(engines_in_host_net)" ] || remove_docker_chains
    fi
    compgen -G "$registry/[0-9]*" >/dev/null || remove_made_places
    flock -u 9
    find /sys/fs/cgroup -depth -type d -path "*/evk$number*" -exec rmdir {} + 2>/dev/null || true
    rm -rf --one-file-system "$dir"/{data,exec,pid,docker.sock,daemon.json,log,engine.state}
    rmdir "$dir" 2>/dev/null || true
}

case ${1:-} in
start)
    shift
    start_engine "$@"
    ;;
halt)
    shift
    halt_engine "$@"
    ;;
crash)
    shift
    crash_engine "$@"
    ;;
resume)
    shift
    resume_engine "$@"
    ;;
stop)
    shift
    stop_engine "$@"
    ;;
exec)
    [ $# -ge 3 ] || usage
    load_state "$2"
    shift 2
    [ -z "$netns" ] || set -- nsenter --net="/run/netns/$netns" "$@"
    exec "$@"
    ;;
fetch-modern) fetch_modern ;;
*) usage ;;
esac
