#!/bin/bash
# Several services in one app: order, health, replicas, one-shot services, and what fails: it is named, it affects only its app, it is tried again with
# patience, and a new version that does not start puts the old one back.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

containers() { owned containers "select(.Labels[\"evenkeel.app\"] == \"$1\") | .Names[0][1:]" | sort | tr '\n' ' ' | sed 's/ $//'; }
started() { inspect "$1" .State.StartedAt; }
tried() { "$EVENKEEL" history "$1" --json --actions --limit 1000 --state "$state" 2>/dev/null | jq "[.[] | select(.what == \"action\" and (.text | startswith(\"start container\")))] | length"; }
calm='image: busybox:stable, command: ["sleep", "100000"], stop_signal: SIGKILL, network_mode: none'

sleeper calm "network_mode: none"

# --- order: healthy first, completed first
write_file stack.yaml <<END
app: stack
services:
  web: {$calm, depends_on: {cache: {condition: service_healthy}, setup: {condition: service_completed_successfully}}}
  cache:
    image: busybox:stable
    command: ["sh", "-c", "sleep 1; touch /tmp/ready; exec sleep 100000"]
    stop_signal: SIGKILL
    network_mode: none
    healthcheck: {test: ["CMD", "test", "-e", "/tmp/ready"], interval: 300ms, retries: 20}
  setup:
    image: busybox:stable
    command: ["sh", "-c", "sleep 0.5; echo set up"]
    restart: "no"
    network_mode: none
END
same "a stack" 0 "$(exit_of apply)"
same "all of it" "stack-cache-1 stack-setup-1 stack-web-1" "$(containers stack)"
seconds() { date -d "$(started "$1")" +%s.%N; }
check "web came after cache was healthy, which took a second" eval 'awk -v w="$(seconds stack-web-1)" -v c="$(seconds stack-cache-1)" "BEGIN { exit !(w - c > 1) }"'
check "and after setup had ended" test "$(started stack-web-1)" \> "$(inspect stack-setup-1 .State.FinishedAt)"
same "the whole is Synced" "calm=Synced stack=Synced" "$(states)"
same "nothing is left to be done" 0 "$(exit_of plan)"
setup=$(snapshot stack-setup-1)
start_agent
becomes "the agent agrees" "calm=Synced stack=Synced" 10
sleep 0.5
stop_agent KILL
start_agent
becomes "again" "calm=Synced stack=Synced" 10
same "what is done is not done again" "$setup" "$(snapshot stack-setup-1)"
web=$(started stack-web-1)
api DELETE '/containers/stack-cache-1?force=1'
check "a dependency is healed" wait_until 10 docker_running stack-cache-1
becomes "the stack is whole" "calm=Synced stack=Synced" 10
same "what is done is still not done again" "$setup" "$(snapshot stack-setup-1)"
stop_agent

# --- one-shot services
write_file once.yaml <<END
app: once
image: busybox:stable
command: ["sh", "-c", "echo did it"]
restart: "no"
network_mode: none
END
same "a one-shot app" 0 "$(exit_of apply)"
same "is Completed" "calm=Synced once=Completed stack=Synced" "$(states)"
once=$(snapshot once-app-1)
same "apply does not run it again" 0 "$(exit_of apply)"
same "status is content" 0 "$(exit_of evenkeel status)"
start_agent
becomes "nor does the agent" "calm=Synced once=Completed stack=Synced" 10
same "it ran once" "$once" "$(snapshot once-app-1)"
sed -i 's/did it/did more/' "$root/once.yaml"
check "a new one runs" wait_until 10 eval '[ "$(snapshot once-app-1 2>/dev/null)" != "$once" ] && [ "$(inspect once-app-1 .State.Status)" = exited ]'
becomes "and is Completed" "calm=Synced once=Completed stack=Synced" 10
sed -i 's/echo did more/exit 3/' "$root/once.yaml"
becomes "one that fails is Degraded" "calm=Synced once=Degraded stack=Synced" 10
says "with its exit code" "3" "$(app_why once)"
rm "$root/once.yaml"
becomes "gone" "calm=Synced stack=Synced" 10
rm "$root/stack.yaml"
becomes "gone" "calm=Synced" 10

# --- replicas
replicas() { write_file many.yaml <<END
app: many
services:
  w: {$calm, replicas: $1}
END
}
replicas 3
becomes "three replicas" "calm=Synced many=Synced" 10
same "with numbers" "many-w-1 many-w-2 many-w-3" "$(containers many)"
first=$(snapshot many-w-1 many-w-2)
replicas 5
check "five" wait_until 10 eval '[ "$(containers many)" = "many-w-1 many-w-2 many-w-3 many-w-4 many-w-5" ]'
becomes "five of them" "calm=Synced many=Synced" 10
replicas 2
check "two" wait_until 10 eval '[ "$(containers many)" = "many-w-1 many-w-2" ]'
same "those that stay are not touched" "$first" "$(snapshot many-w-1 many-w-2)"
api DELETE '/containers/many-w-1?force=1'
check "one that is lost comes back" wait_until 10 docker_running many-w-1
check "the other one was not touched" eval '[ "$(snapshot many-w-2)" = "$(tail -n 1 <<<"$first")" ]'
replicas 0
check "none" wait_until 10 eval '[ -z "$(containers many)" ]'
rm "$root/many.yaml"
becomes "gone" "calm=Synced" 10
stop_agent

# --- what fails
write_file lost.yaml <<END
app: lost
image: no.such.registry.invalid/lost:1
network_mode: none
END
write_file never.yaml <<END
app: never
image: never-pulled:1
pull_policy: never
network_mode: none
END
write_file wrong.yaml <<END
app: wrong
image: busybox:stable
command: ["/no/such/program"]
network_mode: none
END
write_file fine.yaml <<END
app: fine
image: busybox:stable
command: ["sleep", "100000"]
stop_signal: SIGKILL
network_mode: none
END
write_file split.yaml <<END
app: split
services:
  bad: {image: "busybox:stable", command: ["/no/such/program"], network_mode: none}
  good: {$calm}
  after: {$calm, depends_on: [bad]}
END
out=$(apply 2>&1) && status=0 || status=$?
same "several that cannot start" 1 "$status"
same "only they suffer" "calm=Synced fine=Synced" "$(states | tr ' ' '\n' | grep -E '^(calm|fine)=' | tr '\n' ' ' | sed 's/ $//')"
says "an image that cannot be pulled is named" "no.such.registry.invalid/lost:1" "$(grep '^lost is' <<<"$out")"
says "one that must not be pulled too" "never-pulled:1" "$(grep '^never is' <<<"$out")"
says "with the reason" "pull_policy" "$(grep '^never is' <<<"$out")"
says "a program that is not there" "/no/such/program" "$(grep '^wrong is' <<<"$out")"
check "what does not depend on the failure runs" docker_running split-good-1
check "what does, does not" eval '! docker_running split-after-1'
rm "$root"/{lost,never,split}.yaml
apply >/dev/null 2>&1 || true
start_agent
check "the agent tries" wait_until 10 is Degraded wrong
before=$(tried wrong)
sleep 4
tries=$(($(tried wrong) - before))
check "again, with growing patience (3 s gave $tries)" test "$tries" -ge 1 -a "$tries" -le 4
sed -i 's|"/no/such/program"|"sleep", "100000"|' "$root/wrong.yaml"
becomes "once it is corrected it comes up at once" "calm=Synced fine=Synced wrong=Synced" 5

# --- a new version that does not start puts the old one back
write_file web.yaml <<END
app: web
image: nginx:1.27-alpine
ports: ["127.0.0.1:18070:80"]
security: {profile: service}
stop_grace_period: 1s
END
answers() { curl -sf --max-time 2 http://127.0.0.1:18070/ | grep -q nginx; }
becomes "a web server" "calm=Synced fine=Synced web=Synced wrong=Synced" 10
check "answers" wait_until 5 answers
good=$(inspect web-app-1 .Id)
echo 'command: ["/no/such/program"]' >>"$root/web.yaml"
check "a version that cannot start" wait_until 10 is Degraded web
check "the old one is back and serves" wait_until 5 answers
same "the very same" "$good" "$(inspect web-app-1 .Id)"
says "the reason is told" "127" "$(app_why web)"
says "with its last words" "/no/such/program: not found" "$(cat "$agent_log")"
same "nothing else is left of it" web-app-1 "$(containers web)"
sleep 2
same "it is not tried again and again" "$good $(started web-app-1)" "$(inspect web-app-1 '"\(.Id) \(.State.StartedAt)"')"
sed -i 's|"/no/such/program"|"sh", "-c", "echo it burns >\&2; exit 7"|' "$root/web.yaml"
check "a version that ends at once" wait_until 10 eval '[[ $(app_why web) == *"code 7)"* ]]'
check "the old one is back and serves" wait_until 5 answers
same "the very same" "$good" "$(inspect web-app-1 .Id)"
says "its last words are in the log" "it burns" "$(cat "$agent_log")"
sed -i '$d' "$root/web.yaml"
becomes "back in the file it is Synced" "calm=Synced fine=Synced web=Synced wrong=Synced" 10
same "the very same" "$good" "$(inspect web-app-1 .Id)"
echo 'environment: {NEW: "1"}' >>"$root/web.yaml"
check "and a good version replaces it" wait_until 10 eval '[ "$(inspect web-app-1 .Id)" != "$good" ] && answers'
becomes "Synced" "calm=Synced fine=Synced web=Synced wrong=Synced" 10
