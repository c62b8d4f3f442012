#!/bin/bash
# Lifecycle hooks: post_start after every start and before whoever waits for it, once for each, whatever becomes of the agent; pre_stop before
# every stop. What fails says so with its own words, what hangs has a deadline.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

log=$work/log
mkdir -p "$log"
runs() { tr '\n' ' ' <"$log/runs" 2>/dev/null || true; }
id_of() { inspect "$1" '.Id[:12]'; }
ran() { [ "$(runs)" = "$1" ]; }
busybox='image: "busybox:stable", network_mode: none, stop_signal: SIGKILL, restart: always'

hooked() { # ROUND
    write_file hooked/compose.yaml <<END
services:
  web: {$busybox, command: ["sleep", "100000"], volumes: ["$log:/log"], user: "65534", environment: {ROUND: "$1"},
    post_start: [{command: ["sh", "-c", "echo first-\$\$(id -u)-\$\$WORD-\$\$(pwd) >>/log/runs"], user: root, working_dir: /tmp, environment: {WORD: hello}},
      {command: ["sh", "-c", "echo second >>/log/runs"], user: root}],
    pre_stop: [{command: ["sh", "-c", "echo stop >>/log/runs"], user: root}]}
  after: {$busybox, command: ["sh", "-c", "echo after >>/log/runs; sleep 100000"], volumes: ["$log:/log"], depends_on: [web]}
END
}

hooked 1
start_agent
becomes "a service with hooks" "hooked=Synced" 30
same "post_start: user, environment, folder, in order, and before whoever depends on it" "first-0-hello-/tmp second after " "$(runs)"
before=$(snapshot hooked-web-1)

# --- once for each start
stop_agent KILL
start_agent
becomes "the agent, killed and started again" "hooked=Synced" 20
check "its plan is empty" plan hooked
same "no second run" "first-0-hello-/tmp second after $before" "$(runs)$(snapshot hooked-web-1)"
: >"$log/runs"
api POST '/containers/hooked-web-1/restart?t=0' >/dev/null
check "post_start after a start by hand, too" wait_until 20 ran "first-0-hello-/tmp second "
becomes "and all is well" "hooked=Synced" 20

# --- before a stop
: >"$log/runs"
hooked 2
check "a replacement: pre_stop of the old one, then post_start of the new one" wait_until 30 ran "stop first-0-hello-/tmp second "
becomes "replaced" "hooked=Synced" 20
: >"$log/runs"
evenkeel restart hooked >/dev/null
check "evenkeel restart runs both" wait_until 30 eval '[[ $(runs) == *"stop first-0-hello-/tmp second "* ]]'
becomes "restarted" "hooked=Synced" 20
: >"$log/runs"
evenkeel stop hooked >/dev/null
becomes "evenkeel stop" "hooked=Stopped" 20
same "pre_stop alone" "stop " "$(runs)"
evenkeel start hooked >/dev/null
becomes "evenkeel start" "hooked=Synced" 20
: >"$log/runs"
rm "$root/hooked/compose.yaml"
check "a removed file removes it" wait_until 30 gone hooked-web-1
same "whose pre_stop its container remembers" "stop " "$(runs)"
check "and no record of it stays" wait_until 10 eval '[ -z "$(ls "$state/hooks")" ]'

# --- an agent that is killed while a hook runs
write_file slow.yaml <<END
app: slow
image: busybox:stable
network_mode: none
stop_signal: SIGKILL
command: ["sleep", "100000"]
volumes: ["$log:/log"]
post_start: [{command: ["sh", "-c", "echo begun >>/log/runs; while [ ! -e /log/go ]; do sleep 0.1; done; echo ended >>/log/runs"]}]
END
: >"$log/runs"
check "a hook that takes its time" wait_until 20 ran "begun "
stop_agent KILL
start_agent
sleep 1
touch "$log/go"
becomes "the next agent waits for it" "slow=Synced" 20
same "and does not run it again" "begun ended " "$(runs)"
rm "$root/slow.yaml"
check "gone" wait_until 20 gone slow-app-1

# --- what fails, and what hangs
bad() { # NAME HOOK
    write_file "$1.yaml" <<END
app: $1
image: busybox:stable
network_mode: none
stop_signal: SIGKILL
command: ["sleep", "100000"]
environment: {ROUND: "${3:-1}"}
post_start: [$2]
END
}
bad fails '{command: ["sh", "-c", "echo no database here; exit 3"]}'
becomes "a failing post_start" "fails=Degraded" 20
says "with its exit code and its output" "post_start failed with exit code 3: no database here" "$(app_why fails)"
same "without hope of another outcome: nothing is planned" 0 "$(exit_of plan fails)"
bad fails '{command: ["true"]}' 2
becomes "another hook, another container" "fails=Synced" 20
old=$(id_of fails-app-1)
bad fails '{command: ["sh", "-c", "echo still none; exit 4"]}' 3
check "a replacement whose post_start fails" wait_until 20 eval '[[ $(app_why fails) == *"still none"* ]]'
same "is taken back: the old one serves" "$old true" "$(id_of fails-app-1) $(inspect fails-app-1 .State.Running)"
check "with its own hook, which ended well" grep -q '"state":"done"' "$state/hooks/$(inspect fails-app-1 .Id).post_start"
rm "$root/fails.yaml"
bad hangs '{command: ["sleep", "1000"], x-timeout: 2s}'
check "one that hangs has a deadline" wait_until 25 eval '[[ $(app_why hangs) == *"post_start has not ended within 2 s"* ]]'
rm "$root/hangs.yaml"
bad missing '{command: ["/no/such/program"]}'
check "one that cannot be run" wait_until 25 eval '[[ $(app_why missing) == *"post_start"* && $(app_state missing) == Degraded ]]'
rm "$root/missing.yaml"

# --- rights: where the machine lets the engine grant them
sleeper plain
becomes "a container" "plain=Synced" 20
exec=$(api POST /containers/plain-app-1/exec '{"Cmd": ["true"], "Privileged": true, "AttachStdout": true}' | jq -r .Id)
api POST "/exec/$exec/start" '{"Detach": false, "Tty": true}' >/dev/null 2>&1 || true
if [ "$(api GET "/exec/$exec/json" | jq .ExitCode)" = 0 ]; then
    bad root '{command: ["true"], privileged: true}'
    check "a privileged hook of a file of the operator's" wait_until 20 is Synced root
else
    skip "a privileged hook" "this machine's engine cannot run one"
fi
