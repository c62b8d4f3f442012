#!/bin/bash
# The door while the engine takes every connection and says nothing: what cannot be planned is placed, and waits, but reads nothing of this machine; and nobody else waits with it.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
command -v socat >/dev/null || skip_all "there is no socat here"

at=http://127.0.0.1:5001
api=$at/api/v1
printf 'ingress: none\n' >"$work/agent.yaml"
ask() { curl -s --noproxy '*' --max-time 60 "$@"; }
as() { ask -H "Authorization: Bearer $token" "$@"; }
code() { as -o /dev/null -w '%{http_code}' "$@"; }
up() { [ "$(ask -o /dev/null -w '%{http_code}' "$at/login")" = 200 ]; }

# --- an engine that answers, and then does not
here=$work/engine.sock
socat "UNIX-LISTEN:$here,fork" "UNIX-CONNECT:${DOCKER_HOST#unix://}" &
line=$!
hang_up() {
    local all
    all=$(pgrep -P "$line" || true)
    # shellcheck disable=SC2086
    kill "$line" $all 2>/dev/null || true
    wait "$line" 2>/dev/null || true
}
trap 'hang_up; finish' EXIT
check "the way to the engine" wait_until 5 test -S "$here"
sleeper other "network_mode: none"
DOCKER_HOST=unix://$here start_agent --config "$work/agent.yaml"
check "the agent answers" wait_until 20 up
token=$("$EVENKEEL" token create ci --scope deploy --state "$state" 2>/dev/null)
check "it knows its app" wait_until 30 eval '[ "$(as "$api/apps/other" | jq -r .state)" = Synced ]'
hang_up
rm -f "$here"
socat "UNIX-LISTEN:$here,fork" EXEC:'sleep 100' &
line=$!
check "an engine that takes calls and says nothing" wait_until 5 test -S "$here"

# --- an archive, in the middle of being planned
mkdir "$work/site"
printf 'FROM busybox:stable\nCMD ["sleep", "100000"]\n' >"$work/site/Dockerfile"
(cd "$work/site" && zip -qr "$work/site.zip" .)
as --data-binary @"$work/site.zip" "$api/apps/site/bundle" >"$work/answer" &
sending=$!
check "an archive is being planned" wait_until 10 eval 'ls "$root"/uploads/.bundles/site.*.zip'
begin=$SECONDS
for _ in 1 2 3; do
    same "a word to another app is taken" 202 "$(code -X POST "$api/apps/other/hold")"
    same "the agent lives" 200 "$(ask -o /dev/null -w '%{http_code}' "$at/healthz")"
done
check "and waits for nothing ($((SECONDS - begin)) s)" test $((SECONDS - begin)) -lt 8
says "the word is there" "hold: true" "$(cat "$state/overrides/other.yaml")"
check "the archive is not placed yet" [ ! -e "$root/uploads/site.yaml" ]
wait "$sending"
same "then it is placed without a plan" "true null" "$(jq -r '"\(.changed) \(.plan)"' "$work/answer")"
says "and that is said" "plan_trouble" "$(cat "$work/answer")"
check "under a name of its own app" grep -q 'bundle: .bundles/site\.[0-9a-f]*\.zip' "$root/uploads/site.yaml"

# --- files of this machine
echo hidden-from-uploads >"$state/kept"
spying="name: spy
services: {web: {image: 'busybox:stable', command: [sleep, '100000'], network_mode: none, configs: [c]}}
configs: {c: {file: $state/kept}}"
same "a config may not be one, planned or not" 422 "$(code -X PUT --data-binary "$spying" "$api/apps/spy/spec")"
check "it is not placed" [ ! -e "$root/uploads/spy.yaml" ]
printf '%s\n' "$spying" >"$root/uploads/spy.compose.yaml"
check "nor read by the agent, whoever put it there" wait_until 10 grep -q 'uploads read nothing else' "$agent_log"
check "so none of it can reach a container" eval '! grep -rqs hidden-from-uploads "$state/mounts"'
