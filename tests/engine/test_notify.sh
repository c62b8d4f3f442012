#!/bin/bash
# Webhooks: drift, failure, recovery and held removals are told once each, signed, without secrets; a receiver that fails, refuses, is slow or is gone
# delays nothing. And the history of drift: what was changed, by which event, when that ended.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

hook=$work/hook config=$work/agent.yaml
mkdir "$hook"
echo ok >"$hook/mode"
receiver() { python3 "$engine_dir/receiver.py" "$hook" 's3cret' "$@" & receiver_pid=$!; }
receiver
wait_until 10 test -s "$hook/port"
port=$(cat "$hook/port")
touch "$hook/log"
told() { jq -r "select($1) | .body" "$hook/log"; }
count() { jq -c "select($1)" "$hook/log" | wc -l; }
counts() { [ "$(count "$1")" = "$2" ]; }
mode() { echo "$1" >"$hook/mode.new" && mv "$hook/mode.new" "$hook/mode"; }

cat >"$config" <<END
log: {level: debug}
notify:
  - {url: "http://127.0.0.1:$port/token-in-path?x=1", secret: hook-key, timeout: 1s}
  - {url: "http://127.0.0.1:9/gone", events: [drift]}
END
printf 's3cret\n' | evenkeel secret set hook-key >/dev/null 2>&1 || printf 's3cret\n' | "$EVENKEEL" secret set --state "$state" hook-key >/dev/null
same "a wrong event is named" 1 "$(printf 'notify: {url: "http://x", events: [drifft]}\n' >"$work/bad.yaml"; exit_of "$EVENKEEL" status --config "$work/bad.yaml" --state "$state")"

for app in blog wiki third; do sleeper $app "network_mode: none" 'environment: {API_TOKEN: "hunter2"}'; done
apply >/dev/null
start_agent --config "$config"
becomes "all run" "blog=Synced third=Synced wiki=Synced"
same "nothing to tell" 0 "$(count .)"

# --- drift
api POST /containers/blog-app-1/kill >/dev/null
check "drift is told" wait_until 10 counts '.body.event == "drift" and .body.app == "blog"' 1
becomes "and healed" "blog=Synced third=Synced wiki=Synced"
same "signed" true "$(jq -r 'select(.body.event == "drift") | .signed' "$hook/log")"
same "as JSON, to the whole address" "application/json /token-in-path?x=1" "$(jq -r 'select(.body.event == "drift") | "\(.type) \(.path)"' "$hook/log")"
same "names object and field" "container blog-app-1 state" "$(told '.body.event == "drift"' | jq -r '.drift[0] | "\(.object) \(.field)"')"
same "names the agent" "default" "$(told '.body.event == "drift"' | jq -r .owner)"
sleep 1
same "once" 1 "$(count '.body.event == "drift"')"
drift_of() { "$EVENKEEL" history --state "$state" "$1" --drift --json; }
ended() { drift_of blog | jq -e '.[0].ended'; }
check "the history has its end" wait_until 5 ended
says "in words, with its event" "container blog-app-1: state: want running" "$("$EVENKEEL" history --state "$state" blog --drift)"
same "and nobody else's" 0 "$(drift_of wiki | jq length)"

# --- a receiver that fails, then one that is slow: told all the same, later; nothing waits for it
mode fail
api POST /containers/wiki-app-1/kill >/dev/null
check "a failure is met" wait_until 10 counts '.mode == "fail" and .body.app == "wiki"' 1
mode ok
check "and tried again" wait_until 15 counts '.mode == "ok" and .body.app == "wiki"' 1
same "with the same id" 1 "$(told '.body.app == "wiki"' | jq -r .id | sort -u | wc -l)"
mode slow
api POST /containers/third-app-1/kill >/dev/null
becomes "healing does not wait for a slow receiver" "blog=Synced third=Synced wiki=Synced" 8
check "it was asked" wait_until 5 eval '[ "$(count ".mode == \"slow\"")" -ge 1 ]'
mode ok
check "and tried again after its time-out" wait_until 15 counts '.mode == "ok" and .body.app == "third"' 1

# --- failure and recovery
printf 'app: blog\nimage: not/there:1\npull_policy: never\nnetwork_mode: none\nenvironment: {API_TOKEN: "hunter2"}\n' | write_file blog.yaml
check "failure is told" wait_until 15 counts '.body.event == "failure" and .body.app == "blog"' 1
sleeper blog "network_mode: none" 'environment: {API_TOKEN: "hunter2"}'
check "and recovery" wait_until 15 counts '.body.event == "recovery" and .body.app == "blog"' 1
same "once each" "1 1" "$(count '.body.event == "failure"') $(count '.body.event == "recovery"')"

# --- what is refused, and redirects, are not tried again
mode redirect
rm "$root"/*.yaml
check "held removals are told" wait_until 10 counts '.body.event == "held"' 1
same "which" "blog third wiki" "$(told '.body.event == "held"' | jq -r '.held.apps | join(" ")')"
check "a redirect is not followed" wait_until 5 grep -q 'redirects are not followed' "$agent_log"
same "nowhere" 0 "$(count '.path == "/elsewhere"')"

# --- nothing of it tells a secret
same "no secret in bodies" 0 "$(grep -c hunter2 "$hook/log" || true)"
same "nor in the log: no path, no key" "0 0" "$(grep -c token-in-path "$agent_log" || true) $(grep -c s3cret "$agent_log" || true)"

# --- a receiver that is gone, an agent that leaves at once, and one that does not tell again what it told before
kill "$receiver_pid"
started=$(date +%s)
stop_agent
same "leaving does not wait for anybody" 1 "$(($(date +%s) - started <= 8))"
mode ok
receiver "$port"
wait_until 10 eval 'curl -s -o /dev/null -X POST -d "{}" "http://127.0.0.1:$port/"'
: >"$hook/log"
start_agent --config "$config"
check "held is told to a new agent" wait_until 10 counts '.body.event == "held"' 1
same "nothing else is" 1 "$(count '.body.event')"
