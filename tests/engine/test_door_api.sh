#!/bin/bash
# What the API tells and takes besides apps' files: plans and drift, dry runs, held removals, figures, volumes, secrets, the form for a new app; and what the command line says of the same.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

at=http://127.0.0.1:5001
api=$at/api/v1
printf 'ingress: none\n' >"$work/agent.yaml"
ask() { curl -s --noproxy '*' --max-time 30 "$@"; }
up() { [ "$(ask -o /dev/null -w '%{http_code}' "$at/readyz")" = 200 ]; }
token() { evenkeel_state token create "$@" 2>/dev/null; }
evenkeel_state() { "$EVENKEEL" "$@" --state "$state"; }
as() { ask -H "Authorization: Bearer $1" "${@:2}"; }
code() { as "$@" -o /dev/null -w '%{http_code}'; }
json() { as "$1" -H 'Content-Type: application/json' "${@:2}"; }
spec() { # APP [LINES...]
    printf 'app: %s\nimage: busybox:stable\ncommand: ["sleep", "100000"]\nstop_signal: SIGKILL\nnetwork_mode: none\n' "$1"
    [ $# -lt 2 ] || printf '%s\n' "${@:2}"
}
put() { spec "${@:2}" | as "$admin" -X PUT --data-binary @- "$api/apps/$2/spec$1"; }

start_agent --config "$work/agent.yaml"
check "the agent is ready" wait_until 20 up
admin=$(token boss --scope admin)
reading=$(token eyes --scope read)
narrow=$(token blog-only --scope deploy --app blog)

# --- dry runs and the plan in the answer
dry=$(put '?dry_run=1' blog)
same "a dry run says what would be done" "false true create" "$(jq -r '[.changed, .dry_run, .plan.apps[0].actions[].kind] | "\(.[0]) \(.[1]) \(map(select(. == "create"))[0])"' <<<"$dry")"
check "and places nothing" [ ! -e "$root/uploads/blog.yaml" ]
put '' blog >"$work/answer"
same "the answer of an upload holds its plan" "true blog" "$(jq -r '"\(.changed) \(.plan.apps[0].name)"' "$work/answer")"
check "it runs" wait_until 20 docker_running blog-app-1
same "sent again there is nothing to plan" "false null" "$(put '' blog | jq -r '"\(.changed) \(.plan)"')"
same "a dry run of a change" "false replace" "$(put '?dry_run=1' blog 'environment: {A: b}' | jq -r '[.changed, (.plan.apps[0].differences[]?.repair // empty), "replace"] | "\(.[0]) \(.[-1])"')"
check "leaves what is there" eval '! grep -q environment "$root/uploads/blog.yaml"'
says "what policy forbids is refused before it is placed" '"status":409' "$(put '' spy 'privileged: true')"
check "and not placed" [ ! -e "$root/uploads/spy.yaml" ]
spying="services: {web: {image: 'busybox:stable', command: [sleep, '100000'], network_mode: none, configs: [c]}}
configs: {c: {file: $state/audit/spied}}"
echo spied-upon >"$state/audit/spied"
says "a config may not be a file of this machine" "may not read files" "$(printf 'name: spy\n%s\n' "$spying" | as "$admin" -X PUT --data-binary @- "$api/apps/spy/spec")"
printf 'name: spy\n%s\n' "$spying" >"$root/uploads/spy.compose.yaml"
check "nor where it was put among the uploads past the door" wait_until 10 grep -q 'uploads read nothing else' "$agent_log"
check "and none of it is for a container" eval '! grep -rqs spied-upon "$state/mounts"'
rm "$root/uploads/spy.compose.yaml" "$state/audit/spied"
spec porter 'ports: ["127.0.0.1:18765:80"]' | sed '/network_mode/d' | write_file porter.yaml
check "an app with a port" wait_until 30 docker_running porter-app-1
says "another's port is refused with who has it" "porter" "$(spec second 'ports: ["127.0.0.1:18765:80"]' | sed '/network_mode/d' | as "$admin" -X PUT --data-binary @- "$api/apps/second/spec")"
narrowly=$(spec blog 'ports: ["127.0.0.1:18765:80"]' | sed '/network_mode/d' | as "$narrow" -X PUT --data-binary @- "$api/apps/blog/spec?dry_run=1")
says "a token of one app is told of another app" "is published by another app" "$narrowly"
check "and not of which, or where" eval '! grep -q porter <<<"$narrowly"'
mkdir "$work/site"
# Unlike any other archive: what has been built already would not be built again.
printf 'FROM busybox:stable\nLABEL once=%s\nCMD ["sleep", "100000"]\nSTOPSIGNAL SIGKILL\n' "$RANDOM$RANDOM" >"$work/site/Dockerfile"
(cd "$work/site" && zip -qr "$work/site.zip" .)
dry=$(as "$admin" --data-binary @"$work/site.zip" "$api/apps/site/bundle?dry_run=1")
same "a dry run of an archive would build it" "false build" "$(jq -r '"\(.changed) \([.plan.apps[]? | select(.name == "site").actions[].kind] | map(select(. == "build"))[0] // .)"' <<<"$dry")"
same "and keeps nothing of it" "" "$(ls -A "$root/uploads/.bundles")"
old=$root/uploads/.bundles/site.$(printf '%064d' 0).zip
truncate -s 16G "$old" # a hole: it takes no room
same "who has sent too much sends no more" 409 "$(as "$admin" -o /dev/null -w '%{http_code}' --data-binary @"$work/site.zip" "$api/apps/site/bundle?dry_run=1")"
rm -f "$old" "$old.unnamed"

# --- plan and drift
check "the list knows it" wait_until 10 eval '[ "$(as "$reading" "$api/apps/blog" | jq -r .state)" = Synced ]'
same "the plan of what is well is empty" "Synced 0" "$(as "$reading" "$api/apps/blog/plan" | jq -r '"\(.apps[0].state) \(.apps[0].actions | length)"')"
says "as text" "blog" "$(as "$reading" "$api/apps/blog/plan?format=text")"
page=$(as "$reading" -H 'Accept: text/html' -D - "$api/apps/blog/plan")
says "as a page" "<h1>Plan</h1>" "$page"
same "not in another form" 422 "$(code "$reading" "$api/apps/blog/plan?format=junit")"
same "of no app that is not" 404 "$(code "$reading" "$api/apps/nobody/plan")"
same "of another's app not at all" 403 "$(code "$narrow" "$api/apps/porter/plan")"
printf 'override: blog\ndrift: report\n' >"$state/overrides/.new"
mv "$state/overrides/.new" "$state/overrides/blog.yaml"
check "what is changed by hand is to be told, not mended" wait_until 10 eval 'as "$reading" "$api/apps/blog/plan" | grep -q "drift: report"'
api POST "/containers/blog-app-1/update" '{"NanoCpus":250000000}' >/dev/null
drifted() { [ "$(as "$reading" "$api/apps/blog/drift" | jq -r '.drift[0].field')" = cpus ]; }
check "what was changed by hand is drift" wait_until 20 drifted
says "as a page that stands alone" "<title>Drift</title>" "$(as "$reading" "$api/apps/blog/drift?format=html")"
says "whose style alone is allowed" "style-src 'sha256-" "$(as "$reading" -D - -o /dev/null "$api/apps/blog/drift?format=html")"
says "as JUnit" "<testsuite" "$(as "$reading" "$api/apps/blog/drift?format=junit")"
rm "$state/overrides/blog.yaml"

same "and a figure" 'evenkeel_app_drift{app="blog"} 1' "$(ask "$at/metrics" | grep '^evenkeel_app_drift')"

ask "$at/metrics" >"$work/metrics"
promtool=$("$repo/tests/engine/tools.sh" promtool 2>/dev/null || true)
check "figures are in Prometheus' format, and the examples name no others${promtool:+ (promtool agrees)}" \
    "$repo/tests/check-metrics.py" "$work/metrics" ${promtool:+"$promtool"}
says "the agent knows its engine" "$(api GET /version | jq -r .Version)" "$(as "$reading" "$api/agent" | jq -r .engine.version)"

# --- figures
figures=$(as "$reading" "$api/apps/blog/stats")
same "figures of an app" "blog-app-1 true true" "$(jq -r '.containers[0] | "\(.container) \(.pids >= 1) \(.memory_bytes > 0)"' <<<"$figures")"
same "of all that one may see" "blog-app-1" "$(as "$narrow" "$api/stats" | jq -r '[.containers[].container] | join(" ")')"
same "the command line has the same" "blog-app-1 porter-app-1" "$(evenkeel stats --json | jq -r '[.containers[].container] | join(" ")')"
says "as a table" "MEMORY / LIMIT" "$(evenkeel stats blog)"

# --- secrets
same "a secret of an app" 200 "$(code "$narrow" -X PUT --data-binary 'hunter2-value' "$api/apps/blog/secrets/key")"
same "is its file" "hunter2-value 600" "$(cat "$state/secrets/blog/key") $(stat -c %a "$state/secrets/blog/key")"
same "its name is told" "blog key" "$(as "$narrow" "$api/apps/blog/secrets" | jq -r '.secrets[0] | "\(.app) \(.name)"')"
same "not to who only reads" 403 "$(code "$reading" "$api/apps/blog/secrets")"
check "its value nowhere" eval '! grep -rnF hunter2-value "$state/audit" "$agent_log" && ! as "$admin" "$api/secrets" | grep -F hunter2-value'
same "a common one is an admin's" "403 200" "$(code "$narrow" -X PUT --data-binary x "$api/secrets/all") $(code "$admin" -X PUT --data-binary x "$api/secrets/all")"
same "an empty one is none" 422 "$(code "$admin" -X PUT "$api/secrets/empty")"
same "removed, it is gone" "200 404" "$(code "$admin" -X DELETE "$api/secrets/all") $(code "$admin" -X DELETE "$api/secrets/all")"

# --- volumes
put '' keep 'volumes: ["data:/data"]' >/dev/null
check "an app with a volume" wait_until 20 docker_running keep-app-1
volume_state() { as "$reading" "$api/volumes" | jq -r '.volumes[] | select(.name == "keep_data") | .state'; }
check "is in the list" wait_until 10 eval '[ "$(volume_state)" = "in use" ]'
same "of whom it concerns" "" "$(as "$narrow" "$api/volumes" | jq -r '.volumes[].name')"
same "what is in use is not deleted" 409 "$(code "$admin" -X POST "$api/volumes/keep_data/purge?yes-delete-data=1")"
same "removed with its volumes" 202 "$(code "$admin" -X POST "$api/apps/keep/remove?volumes=quarantine")"
check "it is in quarantine" wait_until 20 eval '[ "$(volume_state)" = quarantine ]'
same "back by a word" 200 "$(code "$admin" -X POST "$api/volumes/keep_data/restore")"
check "it is an orphan, and stays" wait_until 10 eval '[[ "$(volume_state)" =~ orphan|unused ]]'
same "deleting wants it said" 422 "$(code "$admin" -X POST "$api/volumes/keep_data/purge")"
same "said, it is" 202 "$(code "$admin" -X POST "$api/volumes/keep_data/purge?yes-delete-data=1")"
no_volume() { ! api GET /volumes/keep_data >/dev/null 2>&1; }
check "and the volume goes" wait_until 20 no_volume

# --- the form for a new app
same "an image" 202 "$(json "$admin" -o /dev/null -w '%{http_code}' -d '{"name":"formed","image":"busybox:stable","start_command":"sleep 100000","port":8080}' "$api/apps")"
same "becomes a spec" 'app: "formed"|image: "busybox:stable"|command: "sleep 100000"|port: 8080|' "$(tr '\n' '|' <"$root/uploads/formed.yaml")"
check "and runs" wait_until 20 docker_running formed-app-1
check "it is known" wait_until 10 eval '[ "$(code "$admin" "$api/apps/formed")" = 200 ]'
same "one that is there is not written over" 409 "$(json "$admin" -o /dev/null -w '%{http_code}' -d '{"name":"formed","image":"busybox:stable","port":9090}' "$api/apps")"
check "and stays what it is" grep -q 'port: 8080' "$root/uploads/formed.yaml"
says "a repository is not taken yet" "not supported yet" "$(json "$admin" -d '{"name":"sd","repository":"https://example.org/sd.git","requirements_file":"req.txt","start_command":"python app.py","port":7860,"gpus":1}' "$api/apps")"
same "nor is an unknown key" 422 "$(json "$admin" -o /dev/null -w '%{http_code}' -d '{"name":"x","image":"busybox","prot":1}' "$api/apps")"
same "nor another's name by a narrow token" 403 "$(json "$narrow" -o /dev/null -w '%{http_code}' -d '{"name":"other","image":"busybox"}' "$api/apps")"
same "GPUs of the host are the agent's to give" 409 "$(json "$admin" -o /dev/null -w '%{http_code}' -d '{"name":"gpu","image":"busybox:stable","gpus":"all"}' "$api/apps")"

# --- removals that are held
rm "$root"/uploads/*.yaml "$root/porter.yaml"
held() { as "$reading" "$api/removals" | jq -r '.held[0].hash // empty'; }
check "all at once is held" wait_until 20 eval '[ -n "$(held)" ]'
same "the command line says the same hash" "$(held_hash)" "$(held)"
same "another hash releases nothing" 409 "$(json "$admin" -o /dev/null -w '%{http_code}' -d '{"hash":"0123456789ab"}' "$api/confirm-removals")"
same "who reads neither" 403 "$(json "$reading" -o /dev/null -w '%{http_code}' -d "{\"hash\":\"$(held)\"}" "$api/confirm-removals")"
hash=$(held)
same "the right one does" 202 "$(json "$admin" -o /dev/null -w '%{http_code}' -d "{\"hash\":\"$hash\"}" "$api/confirm-removals")"
none_left() { [ -z "$(api GET '/containers/json?all=1' | jq -r '.[].Labels["evenkeel.app"] // empty')" ]; }
check "they are removed" wait_until 30 none_left
says "and the audit log has it" "POST /api/v1/confirm-removals" "$(evenkeel_state audit ls --limit 200)"
