#!/bin/bash
# An engine that maps users (userns-remap): root inside is nobody outside. Hardened profiles, named volumes, folders of the host and configs work there as elsewhere; what a file
# gives to one user alone reads as the engine maps it. Restarts an engine of its own, so it is one of the slow tests.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
[ "${EVENKEEL_TEST_SLOW:-}" = yes ] || skip_all "restarts an engine: EVENKEEL_TEST_SLOW=yes runs it"
own_engine "an engine that maps users must be"
[ "$(cat /proc/sys/user/max_user_namespaces 2>/dev/null || echo 0)" -gt 0 ] || skip_all "the kernel has no user namespaces"
end_engine() {
    [ ! -e "$own/engine.state" ] || "$engine" stop "$own"
    rm -rf "$own"
}
trap 'end_engine; finish' EXIT

"$engine" start "$own" --netns "${modern[@]}" >/dev/null
"$engine" halt "$own"
# The range is in a file that this engine alone sees.
chmod 0711 "$own" "$own/data"
printf 'daemon:100000:65536\n' >"$own/subordinate"
printf '{"userns-remap": "daemon:daemon"}\n' >"$own/daemon.json"
# shellcheck disable=SC2016
unshare --mount --propagation slave bash -c 'touch /etc/subuid /etc/subgid; mount --bind "$1/subordinate" /etc/subuid; mount --bind "$1/subordinate" /etc/subgid
    exec "$2" resume "$1"' bash "$own" "$engine" >/dev/null || skip_all "this engine does not map users here: $(tail -n 3 "$own/log" | tr '\n' ' ')"
"$engine_dir/standins.sh" --no-pull busybox:stable >/dev/null 2>&1

inside() { cat "/proc/$(inspect "$1" .State.Pid)/root$2" 2>/dev/null; }
said() { engine_curl "/containers/$1/logs?stdout=1&stderr=1" --max-time 20 --output - | LC_ALL=C tr -cd '\n -~'; }
over() { [[ $(said "$1") == *over* ]]; }

mkdir -p "$root/mapped/own" "$root/mapped/open"
chmod 0711 "$work" "$root" "$root/mapped"
chmod 0711 "$state"
echo from-the-host >"$root/mapped/own/file"
chmod 0755 "$root/mapped/own"
chmod 0777 "$root/mapped/open"
write_file mapped/mapped.yaml <<'YAML'
app: mapped
services:
  web:
    image: busybox:stable
    command: ["sh", "-c", "cat /own/file /etc/app.conf /run/secrets/key; echo; echo kept >/data/file; cat /data/file; id -u >/open/who; echo no >/own/other 2>/dev/null || echo read-only-to-root; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status; cat /proc/self/uid_map; echo over; exec sleep 100000"]
    stop_signal: SIGKILL
    security: {profile: service}
    volumes: ["./own:/own", "./open:/open", "data:/data"]
    configs: [{source: conf, target: /etc/app.conf}]
    secrets: [{source: key, target: key}]
  plain:
    image: busybox:stable
    command: ["sh", "-c", "cat /proc/self/uid_map; echo over; exec sleep 100000"]
    stop_signal: SIGKILL
    userns_mode: host
volumes: {data: {}}
configs: {conf: {content: "level=1"}}
secrets: {key: {external: true}}
YAML
printf 'stored' | "$EVENKEEL" secret set --state "$state" key >/dev/null 2>&1
same "an app on an engine that maps users" "0 " "$(exit_of apply) $(app_why mapped)"
check "its process runs" wait_until 20 over mapped-web-1
log=$(said mapped-web-1)
says "its root is nobody outside" "100000" "$log"
says "what the host lets everybody read" "from-the-host" "$log"
says "a config and a secret, everybody's by default" "level=1stored" "$log"
says "a named volume is its own" "kept" "$log"
same "which is the mapped root's outside" 100000 "$(stat -c %u "$(api GET /volumes/mapped_data | jq -r .Mountpoint)/file")"
same "a folder that everybody may write to" 0 "$(cat "$root/mapped/open/who")"
same "is written to by the mapped root" 100000 "$(stat -c %u "$root/mapped/open/who")"
says "one that is root's is not" "read-only-to-root" "$log"
says "profile service" "00000000000004eb" "$log"
check "userns_mode: host" wait_until 20 over mapped-plain-1
check "is not mapped" eval '[[ $(said mapped-plain-1) != *100000* ]]'
same "no drift" 0 "$(exit_of evenkeel drift mapped)"
same "nothing is left to be done" 0 "$(exit_of plan)"
conf=$(inspect mapped-web-1 '.Mounts[] | select(.Destination == "/etc/app.conf") | .Source')
chmod 0644 "$conf" && printf level=9 >"$conf" && chmod 0444 "$conf"
same "a config that a hand changed is mended" 0 "$(exit_of apply)"
same "in the container that has it" level=1 "$(inside mapped-web-1 /etc/app.conf)"
