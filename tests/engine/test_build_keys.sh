#!/bin/bash
# The keys of Compose's `build` that the Engine API carries: what the steps of a build see of them, and what the image is called.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

mkdir -p "$root/keyed/src" "$root/fresh/src" "$root/mounted/src"
read_in() {
    local id
    id=$(api POST "/containers/$1/exec" "$(jq -nc --arg f "$2" '{AttachStdout: true, Tty: true, Cmd: ["cat", $f]}')" | jq -r .Id)
    api POST "/exec/$id/start" '{"Detach": false, "Tty": true}' | tr -d '\r' | xargs
}
stamp() { read_in "$1" /stamp; }
newer() { [ "$(read_in fresh-new-1 /file)" = "$1" ] && [ "$(read_in fresh-kept-1 /file)" = "$1" ]; }
service='stop_signal: SIGKILL, network_mode: none, command: ["sleep", "100000"]'

cat >"$root/keyed/src/Dockerfile" <<END
FROM busybox:stable
RUN echo $$ && grep -c '10.9.8.7.*db.internal' /etc/hosts >/built; df -k /dev/shm | awk 'END {print \$2}' >>/built; ulimit -n >>/built
END
write_file keyed/compose.yaml <<END
services:
  web:
    stop_signal: SIGKILL
    network_mode: none
    command: ["sleep", "100000"]
    build:
      context: ./src
      extra_hosts: ["db.internal:10.9.8.7", "other=10.9.8.6"]
      shm_size: 32m
      ulimits: {nofile: {soft: 1234, hard: 2345}}
      platforms: [linux/amd64]
      tags: ["example.org/keyed:1", "keyed:latest"]
END
# What the first step writes is another thing every time it really runs.
printf 'FROM busybox:stable\nRUN cat /proc/sys/kernel/random/uuid >/stamp\nCOPY file /file\n' >"$root/fresh/src/Dockerfile"
printf 'FROM busybox:stable\nRUN cat /proc/sys/kernel/random/uuid >/stamp && true\nCOPY file /file\n' >"$root/fresh/src/Dockerfile.kept"
echo "one-$$" >"$root/fresh/src/file"
write_file fresh/compose.yaml <<END
services:
  new: {$service, build: {context: ./src, no_cache: true}}
  kept: {$service, build: {context: ./src, dockerfile: Dockerfile.kept}}
END
start_agent
becomes "built" "fresh=Synced keyed=Synced" 90
same "extra_hosts, shm_size and ulimits as its steps saw them" "1 32768 1234" "$(read_in keyed-web-1 /built)"
same "tags: other names of the image" "$(inspect keyed-web-1 .Image) $(inspect keyed-web-1 .Image)" \
    "$(api GET /images/example.org/keyed:1/json | jq -r .Id) $(api GET /images/keyed:latest/json | jq -r .Id)"
check "and nothing is left to be done" plan keyed
new=$(stamp fresh-new-1) kept=$(stamp fresh-kept-1)
echo "two-$$" >"$root/fresh/src/file"
check "a newer source" wait_until 60 newer "two-$$"
becomes "built again" "fresh=Synced keyed=Synced" 30
same "what is cached stays" "$kept" "$(stamp fresh-kept-1)"
check "no_cache: every step is run" [ "$new" != "$(stamp fresh-new-1)" ]

# --- what the engine cannot do is said, not left out
rm -r "$root/fresh" "$root/keyed"
printf 'FROM busybox:stable\nRUN --mount=type=tmpfs,target=/scratch ulimit -n >/built\n' >"$root/mounted/src/Dockerfile"
write_file mounted/compose.yaml <<END
services:
  web: {$service, build: {context: ./src, ulimits: {nofile: 1111}}}
END
if [ "$(api GET /version | jq -r '.ApiVersion | split(".")[1] | tonumber')" -ge 42 ]; then
    check "limits with BuildKit" wait_until 60 is Synced mounted
    same "which sees them" "1111" "$(read_in mounted-web-1 /built)"
else
    check "limits that only the classic builder knows, and a Dockerfile that it does not" wait_until 60 is Degraded mounted
    says "the reason" "need Engine API 1.42" "$(app_why mounted)"
fi
