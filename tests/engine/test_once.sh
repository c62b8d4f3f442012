#!/bin/bash
# Two complaints about tools that reconcile: jobs that are run again at every pass, and declared files whose change nobody notices.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

ran() { api GET /volumes/job_log >/dev/null && inspect job-count-1 .State.StartedAt; }
id_of() { inspect "$1" '.Id[:12]'; }

write_file job/compose.yaml <<'END'
services:
  count: {image: "busybox:stable", restart: "no", network_mode: none, volumes: ["log:/log"], command: ["sh", "-c", "echo run >> /log/runs"], environment: {ROUND: "1"}}
  reader: {image: "busybox:stable", network_mode: none, stop_signal: SIGKILL, volumes: ["log:/log"], command: ["sleep", "100000"],
    depends_on: {count: {condition: service_completed_successfully}}}
volumes: {log: {}}
END
write_file web/compose.yaml <<'END'
services:
  web: {image: "busybox:stable", network_mode: none, stop_signal: SIGKILL, command: ["sleep", "100000"], configs: [motd], secrets: [pin], volumes: ["./conf:/conf:ro"]}
  other: {image: "busybox:stable", network_mode: none, stop_signal: SIGKILL, command: ["sleep", "100000"]}
configs: {motd: {file: ./motd}}
secrets: {pin: {file: ./pin}}
END
mkdir -p "$root/web/conf"
echo one >"$root/web/motd"
echo 1111 >"$root/web/pin"
read_in() {
    local id
    id=$(api POST "/containers/$1/exec" "$(jq -nc --arg f "$2" '{AttachStdout: true, Cmd: ["cat", $f]}')" | jq -r .Id)
    api POST "/exec/$id/start" '{"Detach": false, "Tty": true}' | tr -d '\r\n'
}
runs() { read_in job-reader-1 /log/runs | sed 's/run/x/g'; }

start_agent
becomes "a job and its reader, a service with declared files" "job=Synced web=Synced" 30

# --- kimdre/doco-cd#1254: one-shot containers run again by every reconciliation
began=$(ran)
same "the job ran once" x "$(runs)"
for _ in 1 2 3; do evenkeel apply >/dev/null 2>&1 || true; done
stop_agent KILL
start_agent
becomes "the agent, killed and started again, finds all well" "job=Synced web=Synced" 20
api POST '/containers/job-reader-1/restart?t=0' >/dev/null
becomes "after a restart beside it" "job=Synced web=Synced" 20
touch "$root/job/compose.yaml"
printf '# nothing of substance\n' >>"$root/job/compose.yaml"
sleep 1
becomes "after its file was written again with nothing new" "job=Synced web=Synced" 20
same "doco-cd#1254: a job that has ended is not run again" "x $began" "$(runs) $(ran)"
sed -i 's/ROUND: "1"/ROUND: "2"/' "$root/job/compose.yaml"
check "a change of the job runs it" wait_until 20 eval '[ "$(ran)" != "$began" ]'
becomes "and it is done" "job=Synced web=Synced" 20
same "doco-cd#1254: once for each change" xx "$(runs)"

# --- moghtech/komodo#1381: a change to a declared file does not redeploy
other=$(snapshot web-other-1) web=$(id_of web-web-1)
same "the config as it was" one "$(read_in web-web-1 /motd)"
echo two >"$root/web/.motd" && mv "$root/web/.motd" "$root/web/motd"
check "komodo#1381: a changed config replaces who uses it" wait_until 20 eval '[ "$(id_of web-web-1)" != "$web" ]'
becomes "and all is well" "job=Synced web=Synced" 20
same "the new content is there" two "$(read_in web-web-1 /motd)"
web=$(id_of web-web-1)
echo 2222 >"$root/web/pin"
check "komodo#1381: so does a changed secret, written in place" wait_until 20 eval '[ "$(id_of web-web-1)" != "$web" ]'
becomes "and all is well again" "job=Synced web=Synced" 20
same "the new secret is there" 2222 "$(read_in web-web-1 /run/secrets/pin)"
same "who does not use them is left alone" "$other" "$(snapshot web-other-1)"
same "once settled, nothing is to be done" 0 "$(exit_of plan)"
