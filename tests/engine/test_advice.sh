#!/bin/bash
# A container that dies of what it is not given: the verdict names the limit or profile, and the line to write; with that line it runs.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

# dies NAME FILE SPEC...: apply fails; its last line is in $why.
dies() {
    local name=$1 out
    shift
    printf '%s\n' "$@" | write_file one.yaml
    out=$(apply 2>&1) && fail "$name: apply fails" "it is well"
    why=$(grep -E '^one is Degraded' <<<"$out" || tail -n 3 <<<"$out")
}
# lives NAME SPEC...: with the line that was named.
lives() {
    local name=$1
    shift
    printf '%s\n' "$@" | write_file one.yaml
    same "$name: with that line it runs" "0 Synced" "$(exit_of apply) $(app_state one)"
}

# --- capabilities
chown=('app: one' 'image: busybox:stable' 'stop_signal: SIGKILL' 'command: ["sh", "-c", "touch /tmp/a && chown 1000 /tmp/a && exec sleep 100000"]')
dies "chown" "${chown[@]}"
says "chown: the profile" "profile hardened may be in its way" "$why"
says "chown: the line" '`security: {profile: service}`' "$why"
says "chown: its place" "one.yaml:1" "$why"
lives "chown" "${chown[@]}" 'security: {profile: service}'

# --- a file system that cannot be written
write=('app: one' 'image: busybox:stable' 'stop_signal: SIGKILL' 'command: ["sh", "-c", "touch /tmp/here || exit 1; exec sleep 100000"]' 'read_only: true')
dies "read-only" "${write[@]}"
says "read-only: why" "its own file system is read-only" "$why"
says "read-only: its place" "one.yaml:5" "$why"
lives "read-only" "${write[@]}" 'tmpfs: [/tmp]'

# --- memory
hungry=('app: one' 'image: busybox:stable' 'stop_signal: SIGKILL' 'command: ["sh", "-c", "dd if=/dev/zero of=/dev/null bs=40M count=1 || exit 1; exec sleep 100000"]')
dies "memory" "${hungry[@]}" 'mem_limit: 24m'
says "memory: the limit" "its mem_limit is 24M" "$why"
says "memory: the line" '`mem_limit: 48M`' "$why"
says "memory: its place" "one.yaml:5" "$why"
lives "memory" "${hungry[@]}" 'mem_limit: 64m'

# --- while an agent watches, and the engine restarts it
start_agent
check "it runs" wait_until 15 is Synced one
printf '%s\n' "${chown[@]}" 'labels: {again: "yes"}' | write_file one.yaml
told() { [[ "$(app_state one) $(cat "$agent_log")" == *"security: {profile: service}"* ]]; }
check "the agent says so, too" wait_until 20 told
stop_agent
