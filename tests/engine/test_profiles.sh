#!/bin/bash
# What a container may do, as it finds out itself: capabilities, privileges, seccomp, limits, user namespace, devices, its root; for each profile, on each way that an app
# comes by: a file, an archive with a Dockerfile or with a Compose file, the API, Compose, a project that was adopted. Then what no way of writing it gets past the policy.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
command -v zip >/dev/null || skip_all "needs zip"
need_engine

export EVENKEEL_ADMIN_PASSWORD=correct-horse-battery NO_PROXY='*' no_proxy='*'
api_url=http://127.0.0.1:5001/api/v1

# Printed by the container itself. Unlimited memory has one word, whatever the control group calls it.
facts=$(
    cat <<'END_OF_FACTS'
own() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status; }
limit() { for f in "$@"; do [ ! -f "/sys/fs/cgroup/$f" ] || { cat "/sys/fs/cgroup/$f"; return; }; done; }
memory=$(limit memory/memory.limit_in_bytes memory.max)
cpu=$(limit cpu/cpu.cfs_quota_us cpu,cpuacct/cpu.cfs_quota_us cpu.max)
case $memory in max | 9223372036854*) memory=none ;; esac
cpu=${cpu%% *}
case $cpu in max | -1) cpu=none ;; esac
echo "facts caps $(own CapEff) $(own CapBnd) nnp $(own NoNewPrivs) seccomp $(own Seccomp) memory $memory cpu $cpu pids $(limit pids/pids.max pids.max)"
echo "world map $(echo $(cat /proc/self/uid_map)) root $(sed -n 's/^[^ ]* \/ [^ ]* \(r[wo]\).*/\1/p' /proc/mounts) sys $(sed -n 's/^[^ ]* \/sys [^ ]* \(r[wo]\).*/\1/p' /proc/mounts) apparmor $(cat /proc/self/attr/current 2>/dev/null) dev $(echo $(ls /dev))"
exec sleep 100000
END_OF_FACTS
)
# command_of [DOLLAR]: it as a list in JSON; specs want each $ twice
command_of() { jq -cn --arg text "${facts//\$/${1:-\$}}" '["sh", "-c", $text]'; }
said_by() { api_logs "$1" | sed -n "s/^.*$2 //p" | tail -n 1; }
api_logs() { engine_curl "/containers/$1/logs?stdout=1&stderr=1" --max-time 20 --output - | LC_ALL=C tr -cd '\n -~'; }
says_facts() { [ -n "$(said_by "$1" world)" ]; }
# has NAME CONTAINER FACTS
has() {
    wait_until 60 says_facts "$2" || true
    same "$1" "$3" "$(said_by "$2" facts)"
}

none=0000000000000000 bind=0000000000000400 service=00000000000004eb docker=00000000a80425fb
small="memory 536870912 cpu 50000 pids 100"
plain=$(command_of) twice=$(command_of '$$')

# What the engine gives by itself is what seccomp and AppArmor are measured by.
bare() { api POST "/containers/create?name=$1" "$(jq -cn --argjson cmd "$plain" "{Image: \"busybox:stable\", Cmd: \$cmd, StopSignal: \"SIGKILL\", HostConfig: {NetworkMode: \"none\"}} * $2")" >/dev/null &&
    api POST "/containers/$1/start" >/dev/null; }
bare bare '{}'
wait_until 40 says_facts bare || true
seccomp=$(said_by bare facts | sed 's/.*seccomp \([0-9]\).*/\1/')
world=$(said_by bare world)
[ "$seccomp" = 2 ] || skip "the engine's own seccomp profile" "this engine has none"
compose_labels='{"com.docker.compose.project": "matrix-old", "com.docker.compose.service": "web", "com.docker.compose.container-number": "1", "com.docker.compose.oneoff": "False", "com.docker.compose.config-hash": "x"}'
bare matrix-old-web-1 "{Labels: $compose_labels}"

# --- the ways
flat() { printf 'app: %s\nimage: busybox:stable\ncommand: %s\nstop_signal: SIGKILL\n' "$1" "$twice"; }
composed() { printf 'services:\n  web:\n    image: busybox:stable\n    command: %s\n    stop_signal: SIGKILL\n' "$twice"; }
flat matrix-file | write_file matrix-file.yaml
{ flat matrix-wide && printf 'security: {profile: docker}\n'; } | write_file matrix-wide.yaml
{ flat matrix-own && printf 'security: {profile: service, cap_add: [NET_ADMIN], no_new_privileges: false}\nread_only: true\nmem_limit: 64m\ncpus: 0.25\npids_limit: 33\ndevices: ["/dev/null:/dev/mine:r"]\nsecurity_opt: ["seccomp=unconfined"]\n'; } | write_file matrix-own.yaml
{ flat matrix-none && printf 'cap_drop: [ALL]\nsecurity: {profile: docker}\nuser: "1000"\n'; } | write_file matrix-none.yaml
composed | write_file matrix-loose.compose.yaml
mkdir -p "$work/pack" "$work/many"
printf '%s\n' "$facts" >"$work/pack/facts.sh"
printf 'FROM busybox:stable\nCOPY facts.sh /facts.sh\nSTOPSIGNAL SIGKILL\nCMD ["sh", "/facts.sh"]\n' >"$work/pack/Dockerfile"
composed >"$work/many/compose.yaml"
(cd "$work/pack" && zip -qr "$root/.p.zip" . && mv "$root/.p.zip" "$root/matrix-pack.zip")
(cd "$work/many" && zip -qr "$root/.m.zip" . && mv "$root/.m.zip" "$root/matrix-many.zip")
{ composed | sed 's/stop_signal/network_mode: none\n    restart: "no"\n    stop_signal/' && printf 'x-evenkeel: {adopt: true}\n'; } | write_file matrix-old.compose.yaml
mkdir -p "$work/allowed/inside" && ln -s /etc "$work/allowed/link"
cat >"$work/agent.yaml" <<END_OF_CONFIG
ingress: none
policy: {allow: {matrix-link: ["volumes:$work/allowed"]}}
END_OF_CONFIG
start_agent --config "$work/agent.yaml"
check "the agent answers" wait_until 40 curl -s -f -o /dev/null http://127.0.0.1:5001/login
token=$("$EVENKEEL" token create matrix --scope deploy --state "$state" 2>/dev/null)
put() { curl -s --max-time 60 -H "Authorization: Bearer $token" -X PUT --data-binary @- "$api_url/apps/$1/spec"; }
flat matrix-api | put matrix-api >/dev/null

has "a file: hardened" matrix-file-app-1 "caps $bind $bind nnp 1 seccomp $seccomp $small"
has "the API: hardened" matrix-api-app-1 "caps $bind $bind nnp 1 seccomp $seccomp $small"
has "Compose: service, and no limit that nobody asked for" matrix-loose-web-1 "caps $service $service nnp 1 seccomp $seccomp memory none cpu none pids 512"
has "Compose in an archive: the same" matrix-many-web-1 "caps $service $service nnp 1 seccomp $seccomp memory none cpu none pids 512"
has "an archive with a Dockerfile: hardened" matrix-pack-app-1 "caps $bind $bind nnp 1 seccomp $seccomp $small"
has "profile docker: its capabilities, and no new privileges all the same" matrix-wide-app-1 "caps $docker $docker nnp 1 seccomp $seccomp $small"
has "as a file of a root says" matrix-own-app-1 "caps 00000000000014eb 00000000000014eb nnp 0 seccomp 0 memory 67108864 cpu 25000 pids 33"
has "nothing for a user without privileges" matrix-none-app-1 "caps $none $none nnp 1 seccomp $seccomp $small"
for container in matrix-file-app-1 matrix-api-app-1 matrix-loose-web-1 matrix-many-web-1 matrix-pack-app-1 matrix-wide-app-1; do
    same "$container sees the devices, the user namespace, AppArmor and /sys of a bare container" "$world" "$(said_by $container world)"
done
says "what was asked for: one device more, a root that is read-only" " root ro " "$(said_by matrix-own-app-1 world)"
says "and its name" " mine " "$(said_by matrix-own-app-1 world)"

# --- adopted: as it was until its first change
same "adopted: what it had" "caps $docker $docker nnp 0 seccomp $seccomp" "$(said_by matrix-old-web-1 facts | sed 's/ memory.*//')"
check "it is left alone" eval '[ -z "$(inspect matrix-old-web-1 ".Config.Labels[\"evenkeel.owner\"] // empty")" ]'
sed -i 's/    network_mode/    environment: {NEW: "1"}\n    network_mode/' "$root/matrix-old.compose.yaml"
check "replaced at its first change" wait_until 40 eval '[ "$(inspect matrix-old-web-1 ".Config.Labels[\"evenkeel.owner\"] // empty")" = default ]'
has "and hardened then" matrix-old-web-1 "caps $service $service nnp 1 seccomp $seccomp memory none cpu none pids 512"

# --- a seccomp profile of one's own: the engine wants what is in the file
profile() { printf '{"defaultAction": "SCMP_ACT_ALLOW",\n "syscalls": [{"names": [%s], "action": "SCMP_ACT_ERRNO"}]}\n' "$1"; }
sealed() { printf 'image: busybox:stable\ncommand: ["sh", "-c", "mkdir /tmp/made 2>&1; chmod 700 /tmp 2>&1; echo over; exec sleep 100000"]\nstop_signal: SIGKILL\nsecurity_opt: ["seccomp=./own.json"]\n'; }
profile '"mkdir", "mkdirat"' | write_file seal/own.json
{ printf 'app: matrix-seal\n' && sealed; } | write_file seal/matrix-seal.yaml
check "a seccomp profile in a file" wait_until 40 eval '[[ $(api_logs matrix-seal-app-1) == *over* ]]'
says "forbids what it names" "mkdir" "$(api_logs matrix-seal-app-1)"
check "and nothing else" eval '[[ $(api_logs matrix-seal-app-1) != *chmod* ]]'
becomes_synced() { is Synced matrix-seal; }
check "it is well" wait_until 40 becomes_synced
first=$(inspect matrix-seal-app-1 .Id)
profile '"chmod", "fchmod", "fchmodat"' | write_file seal/own.json
another() { [ "$(inspect matrix-seal-app-1 .Id 2>/dev/null)" != "$first" ] && [[ $(api_logs matrix-seal-app-1) == *over* ]]; }
check "another profile replaces the container" wait_until 40 another
says "and holds" "chmod" "$(api_logs matrix-seal-app-1)"
check "it is well" wait_until 40 becomes_synced
same "nothing differs from what the engine tells" 0 "$(exit_of evenkeel drift matrix-seal)"
printf '{"defaultAction": 7}' | write_file seal/own.json
check "what is no profile freezes the app" wait_until 40 is Frozen matrix-seal
says "which is said with its place" 'has no "defaultAction"' "$("$EVENKEEL" validate "$root/seal" 2>&1 || true)"
rm -r "${root:?}/seal"
mkdir "$work/sealed" && profile '"mkdir", "mkdirat"' >"$work/sealed/own.json"
printf 'FROM busybox:stable\n' >"$work/sealed/Dockerfile"
printf 'services:\n  web:\n%s\n' "$(sealed | sed 's/^/    /')" >"$work/sealed/compose.yaml"
(cd "$work/sealed" && zip -qr "$root/.s.zip" . && mv "$root/.s.zip" "$root/matrix-sealed.zip")
check "one in an archive is refused" wait_until 40 is Refused matrix-sealed
says "with the line that allows it" "[security_opt:seccomp=./own.json]" "$(app_why matrix-sealed | tr -d "'")"

# --- what does not get past the policy
# refused NAME WORD LINES: over the API
refused() {
    says "refused: $1" "$2" "$(printf 'app: matrix-bad\nservices:\n  web:\n    image: busybox:stable\n%s\n' "$3" | put matrix-bad)"
    check "and nothing of it is made: $1" gone matrix-bad-web-1
}
refused "privileged" "allow: {matrix-bad: [privileged]}" "    privileged: true"
refused "the host's processes" "[pid:host]" "    pid: host"
refused "a volume that is a folder" "[driver_opts]" "    volumes: ['data:/x']
volumes: {data: {driver_opts: {type: none, o: bind, device: /etc}}}"
refused "the engine's socket, by a detour" "[docker.sock]" "    volumes: ['/var/run/../../run/docker.sock:/x']"
refused "a device" "[devices:/dev/kvm]" "    devices: [/dev/kvm]"
printf 'app: matrix-link\nimage: busybox:stable\ncommand: ["sleep", "100000"]\nstop_signal: SIGKILL\nvolumes: ["%s:/x"]\n' "$work/allowed/link" | put matrix-link >/dev/null
check "a link in a folder that it may mount leads nowhere" wait_until 40 is Degraded matrix-link
says "which is said" "$work/allowed/link" "$(app_why matrix-link)"
check "no container has it" gone matrix-link-app-1
printf 'app: matrix-link\nimage: busybox:stable\ncommand: ["sleep", "100000"]\nstop_signal: SIGKILL\nvolumes: ["%s:/x"]\n' "$work/allowed/inside" | put matrix-link >/dev/null
check "the folder beside it does" wait_until 40 docker_running matrix-link-app-1
stop_agent
