#!/bin/bash
# Changes under constant requests: no request is lost, none gets a foreign answer.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
# shellcheck source=tests/engine/ingress.sh
. "$(dirname "$0")/ingress.sh"
alive() { shows "$@"; }

page_app one first "route: /one"
page_app two second "route: /two"
start_agent
check "two apps" wait_until 60 alive first /one/
check "are there" wait_until 30 alive second /two/

# --- another version of an app with one container: it is away for a moment, and that is all
hammer_at "$work/one.json" --threads 1 /one/ "first|newer"
one_pid=$hammer_pid
hammer --threads 2 /two/ second
page_app one newer "route: /one"
check "a new version comes" wait_until 20 alive newer /one/
sleep 0.5
kill -TERM $one_pid
wait $one_pid || true
hammered "an app is replaced, and another does not notice"
same "both versions were seen" "first newer" "$(jq -r '.said | keys | join(" ")' "$work/one.json")"
same "and between them nobody else's page, nor that it is unknown" "" "$(jq -r '.first_bad[][2]' "$work/one.json" | grep -v '^50[23] ' || true)"

# --- another route for the same app
before=$(inspect one-app-1 .Id)
hammer /two/ second /one/ newer
page_app one newer "route: [/one, /uno]"
check "a second route is live" wait_until 20 alive newer /uno/
hammered "adding a route disturbs nobody"
same "nor replaces a container" "$before" "$(inspect one-app-1 .Id)"
hammer /two/ second /uno/ newer
page_app one newer "route: /uno"
check "the first is taken away" wait_until 20 answers 404 /one/
hammered "taking one away disturbs nobody"
check "route and version together" page_app one newest "route: [/uno, /ein]"
check "are served together" wait_until 20 alive newest /ein/

# --- from one app to another: the name is always one of theirs
hammer /uno/ "newest|taken" /two/ second
page_app three taken "route: /uno"
page_app one newest "route: /ein"
check "a path goes over to another app" wait_until 30 alive taken /uno/
sleep 0.5
kill -TERM "$hammer_pid"
wait "$hammer_pid" || true
# Between the two nobody has it; never is it anybody else's.
same "nobody else's page is shown there" "newest second taken" "$(jq -r '.said | keys | join(" ")' <"$work/hammer.json")"

# --- apps come and go beside it, before and after it by name
hammer /two/ second
page_app aaa first-by-name "route: /aaa"
page_app zzz last-by-name "route: /zzz"
check "apps come" wait_until 30 alive first-by-name /aaa/
check "both" wait_until 30 alive last-by-name /zzz/
rm "$root/aaa.yaml"
check "one goes" wait_until 20 answers 404 /aaa/
sleep 1
hammered "the others do not notice"

# --- replicas one by one
page_app many old "route: /many" "deploy: {replicas: 2}"
check "two replicas" wait_until 30 is Synced many
hammer /many/ "old|young"
page_app many young "route: /many" "deploy: {replicas: 2}"
young() { local n; for n in 1 2 3 4; do alive young /many/ || return 1; done; }
check "are replaced one after the other" wait_until 40 young
check "both of them" wait_until 40 is Synced many
sleep 0.5
hammered "without one request lost, though each is stopped before its successor starts"

# --- the agent dies and comes back
hammer /two/ second /many/ young
stop_agent KILL
sleep 0.5
start_agent
sleep 2
hammered "without an agent everything is served"
page_app two second-again "route: /two"
sleep 0.35
stop_agent KILL
start_agent
check "killed in the middle of a change it brings it to its end" wait_until 40 alive second-again /two/

# --- not live: something else in its folder keeps Traefik from reading
page_app odd odd "route: /odd"
check "one more" wait_until 30 alive odd /odd/
printf 'http: [\n' >"$routes/.foreign.yaml"
page_app odd odd "route: /even"
check "a route that is written but not live is Progressing" wait_until 10 is Progressing odd
check "what is live goes on" alive odd /odd/
if wait_until 40 is Degraded odd; then pass "then Degraded"; else fail "then Degraded" "$(app_state odd): $(app_why odd)"; fi
says "with a reason" "Traefik" "$(app_why odd)"
rm "$routes/.foreign.yaml"
check "and well when it is" wait_until 60 is Synced odd
check "by its new route" alive odd /even/
