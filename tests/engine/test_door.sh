#!/bin/bash
# The door: accounts, sessions, tokens, and what comes in through them: specs and archives that are files of a root like any other. Every row of the table of rights is asked over the wire.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

at=http://127.0.0.1:5001
api=$at/api/v1
jar=$work/jar
ask() { curl -s --noproxy '*' --max-time 30 "$@"; }
status() { ask -o /dev/null -w '%{http_code}' "$@"; }
up() { [ "$(status "$at/healthz")" = 200 ] && [ "$(status "$at/login")" = 200 ]; }
json() { ask -H 'Content-Type: application/json' "$@"; }
# in_browser ARGS...: as a page of ours sends it.
in_browser() { ask -b "$jar" -c "$jar" -H "Origin: $at" "$@"; }
csrf() { in_browser "$api/session" | jq -r .csrf; }

# --- the first account
settings_none() { printf 'ingress: none\n' >"$work/agent.yaml"; }
settings_none
start_agent --config "$work/agent.yaml"
check "the agent answers" wait_until 20 up
same "without a terminal the first password is in a file" 600 "$(stat -c %a "$state/initial-password")"
password=$(cat "$state/initial-password")
check "and nowhere else" eval '! grep -rnF -e "$password" -- "$agent_log" "$state"/evenkeel.db* "$state/audit"'
same "nobody is nobody" 401 "$(status "$api/apps")"
same "a wrong password" 401 "$(json -o /dev/null -w '%{http_code}' -d '{"account":"admin","password":"wrong"}' "$api/login")"
same "a password in the wrong field" 401 "$(json -o /dev/null -w '%{http_code}' -d '{"account":"MyPasswordByMistake","password":"x"}' "$api/login")"
says "the attempt is in the audit log" "POST /api/v1/login" "$("$EVENKEEL" audit ls --state "$state")"
check "what was typed is not" eval '! grep -rnF MyPasswordByMistake "$state" "$agent_log"'
says "a problem document" '"status":401' "$(json -d '{"account":"admin","password":"wrong"}' "$api/login")"
same "a browser is sent to the page" "303 $at/login" "$(ask -o /dev/null -w '%{http_code} %{redirect_url}' -H 'Accept: text/html' "$at/upload")"
says "the page has a form" '<form method="post" action="/login">' "$(ask "$at/login")"
same "it may be sent from itself alone" 403 "$(status -H 'Origin: http://evil.example' -d "account=admin&password=$password" "$at/login")"
headers=$(in_browser -D - -o /dev/null --data-urlencode account=admin --data-urlencode "password=$password" "$at/login")
says "logged in" "303" "$headers"
says "the cookie is no script's" "HttpOnly; SameSite=Strict" "$headers"
check "and goes to no app's path" eval '! grep -q "Path=/;" <<<"$headers"'
check "the first password's file is gone" [ ! -e "$state/initial-password" ]
says "the page of an admin" 'name="csrf"' "$(in_browser "$at/upload")"
same "a change needs the session's token" 403 "$(in_browser -o /dev/null -w '%{http_code}' -X POST "$api/logout")"
same "and the Origin" 403 "$(ask -b "$jar" -o /dev/null -w '%{http_code}' -H "X-CSRF-Token: $(csrf)" -X POST "$api/logout")"

# --- tokens
make_token() { # NAME SCOPE [APPS]
    in_browser -H "X-CSRF-Token: $(csrf)" -H 'Content-Type: application/json' \
        -d "{\"name\":\"$1\",\"scope\":\"$2\"${3:+,\"apps\":[$3]}}" "$api/tokens" | jq -r .token
}
deploy=$(make_token ci deploy)
reading=$(make_token eyes read)
narrow=$(make_token blog-only deploy '"blog"')
check "a token" [ "${#deploy}" -gt 50 ]
check "is kept nowhere" eval '! grep -rnF -e "${deploy:16}" -- "$state"'
bearer() { ask -H "Authorization: Bearer $1" "${@:2}"; }
same "it reads" 0 "$(bearer "$reading" "$api/apps" | jq '.apps | length')"
same "one that reads does not write" 403 "$(bearer "$reading" -o /dev/null -w '%{http_code}' -X PUT --data-binary 'app: x' "$api/apps/x/spec")"
same "one for another app neither" 403 "$(bearer "$narrow" -o /dev/null -w '%{http_code}' -X PUT --data-binary 'app: x' "$api/apps/x/spec")"
same "a forged one" 401 "$(bearer "${deploy:0:40}AAAAAAAAAAAAAAAAAAAA" -o /dev/null -w '%{http_code}' "$api/apps")"

# --- a spec
spec='app: hello
image: busybox:stable
command: ["sleep", "100000"]
stop_signal: SIGKILL
network_mode: none
'
put() { bearer "$deploy" -X PUT --data-binary @- "$api/apps/$1/spec"; }
same "a spec is taken" '{"app":"hello","changed":true}' "$(put hello <<<"$spec" | jq -c '{app, changed}')"
check "and runs" wait_until 20 docker_running hello-app-1
same "it is a file of the root" "hello.yaml" "$(ls "$root/uploads")"
same "the same again changes nothing" false "$(put hello <<<"$spec" | jq .changed)"
same "it can be read back" "$spec" "$(bearer "$reading" "$api/apps/hello/spec")
"
says "one with a mistake is refused with its place" 'hello.yaml:2:1: error: unknown key \"imagine\"' "$(printf 'app: hello\nimagine: x\nimage: busybox:stable\n' | put hello)"
says "so is another's name" 'is of app' "$(put other <<<"$spec")"
says "a file of this machine is not read" "may not read files" "$(printf 'app: spy\nimage: busybox:stable\nenv_file: /etc/passwd\n' | put spy)"
says "nor what it holds" "may not read files" "$(printf 'name: spy\nservices: {web: {image: "busybox:stable", secrets: [s]}}\nsecrets: {s: {file: /etc/shadow}}\n' | put spy)"
check "nothing is placed by it" [ ! -e "$root/uploads/spy.yaml" ]
sleeper taken "network_mode: none"
check "an app of another file" wait_until 20 docker_running taken-app-1
same "is not taken over" 409 "$(put taken <<<"${spec/hello/taken}" | jq .status)"
listed() { bearer "$reading" "$api/apps" | jq -r '[.apps[] | "\(.app)=\(.state)"] | join(" ")'; }
check "the list shows both" wait_until 10 eval '[ "$(listed)" = "hello=Synced taken=Synced" ]'
etag=$(bearer "$reading" -D - -o /dev/null "$api/apps" | tr -d '\r' | sed -n 's/^ETag: //p')
same "unchanged is not sent again" 304 "$(bearer "$reading" -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "$api/apps")"
same "one app's token sees one" "" "$(bearer "$narrow" "$api/apps" | jq -r '.apps[].app')"
bearer "$deploy" -X POST "$api/apps/hello/stop" >/dev/null
stopped() { [ "$(inspect hello-app-1 .State.Running)" = false ]; }
check "stop stops" wait_until 20 stopped
says "by an override that names who" 'by: "token:ci"' "$(cat "$state/overrides/hello.yaml")"
bearer "$deploy" -X POST "$api/apps/hello/start" >/dev/null
check "start starts" wait_until 20 docker_running hello-app-1
says "history tells" '"app":"hello"' "$(bearer "$reading" "$api/apps/hello/history")"
bearer "$deploy" -X DELETE "$api/apps/hello/spec" >/dev/null
gone() { ! inspect hello-app-1 .Id >/dev/null 2>&1; }
check "without its file it goes" wait_until 20 gone

same "a Compose file, too" true "$(printf 'services: {web: {image: "busybox:stable", command: ["sleep", "100000"], network_mode: none}}\nname: comp\n' | put comp | jq .changed)"
check "and runs" wait_until 20 docker_running comp-web-1

# --- what must not end the agent
same "a NUL and much behind it" 400 "$({ printf '\0'; head -c 60000 /dev/zero | tr '\0' '['; } | json -o /dev/null -w '%{http_code}' --data-binary @- "$api/login")"
same "brackets without end" 400 "$(head -c 60000 /dev/zero | tr '\0' '[' | json -o /dev/null -w '%{http_code}' --data-binary @- "$api/login")"
same "a token for a malformed list of apps is none" 422 "$(in_browser -o /dev/null -w '%{http_code}' -H "X-CSRF-Token: $(csrf)" -H 'Content-Type: application/json' -d '{"name":"w","scope":"deploy","apps":"blog"}' "$api/tokens")"
same "a token for an empty list of apps is none" 422 "$(in_browser -o /dev/null -w '%{http_code}' -H "X-CSRF-Token: $(csrf)" -H 'Content-Type: application/json' -d '{"name":"w","scope":"deploy","apps":[]}' "$api/tokens")"
check "it is there" agent_running

# --- an archive
mkdir "$work/site"
printf 'FROM busybox:stable\nCOPY page /page\nCMD ["sleep", "100000"]\nSTOPSIGNAL SIGKILL\n' >"$work/site/Dockerfile"
echo one >"$work/site/page"
pack() { (cd "$work/site" && rm -f "$work/site.zip" && zip -qr "$work/site.zip" .); }
pack
send() { bearer "$deploy" --data-binary @"$work/site.zip" "$api/apps/blog/bundle"; }
same "an archive is taken" true "$(send | jq .changed)"
check "built and run" wait_until 60 docker_running blog-app-1
same "the same again changes nothing" false "$(send | jq .changed)"
sed -i "s|route: /blog|route: /blog\\nenvironment: {KEEP: me}|" "$root/uploads/blog.yaml"
echo two >"$work/site/page"
image=$(inspect blog-app-1 .Image)
pack
same "a newer one" true "$(send | jq .changed)"
newer() { docker_running blog-app-1 && [ "$(inspect blog-app-1 .Image)" != "$image" ]; }
check "replaces it" wait_until 60 newer
says "what somebody wrote into its spec stays" "KEEP: me" "$(cat "$root/uploads/blog.yaml")"
says "no archive" "this is no ZIP" "$(bearer "$deploy" --data-binary 'hello' "$api/apps/x/bundle")"
head -c 200 "$work/site.zip" >"$work/cut.zip"
same "half of one" 422 "$(bearer "$deploy" --data-binary @"$work/cut.zip" "$api/apps/x/bundle" | jq .status)"
python3 - "$work/slip.zip" <<'PY'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    z.writestr("../../evil", "x")
PY
says "one that leaves its folder" "../../evil" "$(bearer "$deploy" --data-binary @"$work/slip.zip" "$api/apps/x/bundle")"
same "none of them stays" "2" "$(ls -A "$root/uploads/.bundles" | wc -l)"
check "nor becomes an app" [ ! -e "$root/uploads/x.yaml" ]
{ printf 'PUT /api/v1/apps/x/bundle HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: 100000\r\n\r\nPK\003\004' "$deploy"; sleep 1; } |
    timeout 5 socat - TCP:127.0.0.1:5001 >/dev/null || true
check "nor does one that breaks off" wait_until 15 eval '[ "$(ls -A "$root/uploads/.bundles" | wc -l)" = 2 ]'

# --- by the plain page
page=$(in_browser -H 'Accept: text/html' -F "csrf=$(csrf)" -F app=byform -F route=/byform -F "bundle=@$work/site.zip" -D - "$at/upload")
says "the form takes it" "Location: /upload?placed=byform" "$page"
check "and it runs" wait_until 60 docker_running byform-app-1
same "without the session's token it does not" 403 "$(in_browser -o /dev/null -w '%{http_code}' -F csrf=wrong -F app=evil -F "bundle=@$work/site.zip" "$at/upload")"

# --- readiness and figures
same "ready" 200 "$(status "$at/readyz")"
says "and of the process" 'process_resident_memory_bytes ' "$(ask "$at/metrics")"
says "figures" 'evenkeel_app_state{app="blog",state="Synced"} 1' "$(ask "$at/metrics")"

# --- what was done
audit=$("$EVENKEEL" audit ls --state "$state" --limit 200)
says "the audit log has who" "token:ci from 127.0.0.1  PUT /api/v1/apps/hello/spec hello" "$audit"
says "what was refused" "refused" "$audit"
check "and is whole" "$EVENKEEL" audit verify --state "$state"
check "no secret is in it" eval '! grep -rnF -e "${deploy:16}" -e "$password" -- "$state/audit"'

# --- out
same "a revoked token ends at once" "200 401" "$(in_browser -o /dev/null -w '%{http_code}' -H "X-CSRF-Token: $(csrf)" -X DELETE "$api/tokens/ci") $(bearer "$deploy" -o /dev/null -w '%{http_code}' "$api/apps")"
same "logged out" 303 "$(in_browser -o /dev/null -w '%{http_code}' -d "csrf=$(csrf)" "$at/logout")"
same "is out" 401 "$(in_browser -o /dev/null -w '%{http_code}' "$api/session")"
for _ in 1 2 3 4 5 6 7; do last=$(json -o /dev/null -w '%{http_code}' -d '{"account":"admin","password":"guess"}' "$api/login"); done
same "guessing is slowed down" 429 "$last"
