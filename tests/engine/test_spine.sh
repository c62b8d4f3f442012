#!/bin/bash
# The main job, end to end: a file dropped into the watched directory becomes a running container with the promised labels, defaults and
# network; a change replaces it; deleting the file removes it; its volume stays and the returned app finds its data.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

label() { inspect "$1" ".Config.Labels[\"evenkeel.$2\"]"; }

start_agent

# --- a file becomes a container
write_file notes.yaml <<'EOF'
app: notes
image: busybox:stable
command: ["sh", "-c", "date >> /notes/log; trap exit TERM; while :; do sleep 1 & wait $!; done"]
volumes: ["content:/notes"]
environment: {GREETING: hello}
EOF
check "a spec becomes a running container" wait_until 15 docker_running notes-app-1
same "owner label" default "$(label notes-app-1 owner)"
same "app label" notes "$(label notes-app-1 app)"
same "service label of a flat app" app "$(label notes-app-1 service)"
same "index label" 1 "$(label notes-app-1 index)"
same "origin label" "$root//notes.yaml" "$(label notes-app-1 origin)"
same "hash label has 64 digits" 64 "$(label notes-app-1 hash | tr -d '\n' | wc -c)"
same "compose project label" ek-notes "$(inspect notes-app-1 '.Config.Labels["com.docker.compose.project"]')"

# --- design section 4: least power from the first day
same "all capabilities are dropped" '["ALL"]' "$(inspect notes-app-1 '.HostConfig.CapDrop|tojson')"
same "but one" NET_BIND_SERVICE "$(inspect notes-app-1 '.HostConfig.CapAdd|map(sub("CAP_";""))|join(",")')"
same "no new privileges" true "$(inspect notes-app-1 '.HostConfig.SecurityOpt|any(startswith("no-new-privileges"))')"
same "memory" 536870912 "$(inspect notes-app-1 .HostConfig.Memory)"
same "no swap" 536870912 "$(inspect notes-app-1 .HostConfig.MemorySwap)"
same "half a CPU" 500000000 "$(inspect notes-app-1 .HostConfig.NanoCpus)"
same "100 processes" 100 "$(inspect notes-app-1 .HostConfig.PidsLimit)"
same "bounded logs" 'json-file 10m 3' "$(inspect notes-app-1 '.HostConfig.LogConfig|"\(.Type) \(.Config["max-size"]) \(.Config["max-file"])"')"
same "restart policy" unless-stopped "$(inspect notes-app-1 .HostConfig.RestartPolicy.Name)"
same "the service is an alias" true "$(inspect notes-app-1 '.NetworkSettings.Networks.notes_default.Aliases|any(.=="app")')"
subnet=$(api GET /networks/notes_default | jq -r '.IPAM.Config[0].Subnet')
check "its network has a subnet of the pool" eval '[[ $subnet == 10.213.*/26 ]]'

# --- nothing more to do
becomes "status is Synced" notes=Synced 5
same "plan exits 0" 0 "$(exit_of plan)"
same "drift exits 0" 0 "$(exit_of evenkeel drift)"

# --- a change replaces it
before=$(inspect notes-app-1 .Id)
write_file notes.yaml <<'EOF'
app: notes
image: busybox:stable
command: ["sh", "-c", "date >> /notes/log; trap exit TERM; while :; do sleep 1 & wait $!; done"]
volumes: ["content:/notes"]
environment: {GREETING: good day}
EOF
replaced() { [ "$(inspect notes-app-1 .Id)" != "$before" ] && docker_running notes-app-1 && [ "$(owned containers .Id | wc -l)" = 1 ]; }
check "a changed spec replaces the container" wait_until 30 replaced
same "with the new environment" true "$(inspect notes-app-1 '.Config.Env|any(.=="GREETING=good day")')"
same "under its own name, alone" /notes-app-1 "$(owned containers '.Names[0]')"

# --- touching the file without changing it does nothing
before=$(inspect notes-app-1 .Id)
touch "$root/notes.yaml"
sleep 1
same "a touched file changes nothing" "$before" "$(inspect notes-app-1 .Id)"

# --- removal keeps the data
mv "$root/notes.yaml" "$work/notes.yaml"
check "a deleted file removes the app" wait_until 30 gone notes-app-1
check "and its network" wait_until 10 eval '[ -z "$(owned networks .Name)" ]'
same "its volume stays" notes_content "$(owned volumes .Name)"
mv "$work/notes.yaml" "$root/notes.yaml"
check "the app comes back" wait_until 15 docker_running notes-app-1

same "and finds its data" 3 "$(engine_curl '/containers/notes-app-1/archive?path=/notes/log' | tar -xO | wc -l)"

# --- the agent leaves, what runs goes on
stop_agent
check "after SIGTERM the app still runs" docker_running notes-app-1
same "history tells of it" true "$("$EVENKEEL" history notes --json --state "$state" | jq 'length > 3')"
