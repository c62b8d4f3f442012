#!/bin/bash
# Deploying from elsewhere: `?wait=1`, whose last line and whose end tell a script how it went, `evenkeel deploy`, and each step of the example workflow as it stands.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

export EVENKEEL_URL=http://127.0.0.1:5001 EVENKEEL_ADMIN_PASSWORD=correct-horse-battery NO_PROXY='*' no_proxy='*'
api=$EVENKEEL_URL/api/v1
printf 'ingress: none\n' >"$work/agent.yaml"
start_agent --config "$work/agent.yaml"
check "the agent answers" wait_until 20 curl -s -f -o /dev/null "$EVENKEEL_URL/login"
token() { "$EVENKEEL" token create "$1" --scope "$2" ${3:+--app "$3"} --state "$state" 2>/dev/null; }
EVENKEEL_TOKEN=$(token ci deploy)
export EVENKEEL_TOKEN
reading=$(token eyes read)
# send PATH ARGS...: what curl says goes to $work/said, its exit status is printed
send() {
    local status=0
    curl -fsSN --max-time 120 -H "Authorization: Bearer $EVENKEEL_TOKEN" "${@:2}" "$api/$1" >"$work/said" 2>"$work/trouble" || status=$?
    echo $status
}
last() { tail -n 1 "$work/said"; }

mkdir "$work/site"
dockerfile() { # LINE...
    printf 'FROM busybox:stable\n' >"$work/site/Dockerfile"
    printf '%s\n' "$@" 'STOPSIGNAL SIGKILL' >>"$work/site/Dockerfile"
    (cd "$work/site" && rm -f "$work/site.zip" && zip -qr "$work/site.zip" .)
}

# --- by curl
dockerfile 'RUN echo being-built' 'CMD ["sleep", "100000"]'
same "an archive that comes up" 0 "$(send 'apps/site/bundle?wait=1' -T "$work/site.zip")"
same "its last line" "ok: site is Synced" "$(last)"
says "and before it what was done" "create container site-app-1: done" "$(cat "$work/said")"
says "and said by the builder" "| " "$(cat "$work/said")"
check "it runs" docker_running site-app-1
same "the same again is well at once" "0 ok: site is Synced" "$(send 'apps/site/bundle?wait=1' -T "$work/site.zip") $(last)"
before=$(inspect site-app-1 .Id)
dockerfile 'RUN false'
same "one that cannot be built ends in curl's 18" 18 "$(send 'apps/site/bundle?wait=1' -T "$work/site.zip")"
says "its last line" "failed: site is Degraded" "$(last)"
same "the old one runs on" "$before" "$(inspect site-app-1 .Id)"
dockerfile 'CMD ["sh", "-c", "echo cannot start; exit 3"]'
same "one that does not stay up" 18 "$(send 'apps/site/bundle?wait=1' -T "$work/site.zip")"
says "says so" "failed: " "$(last)"
same "one that is refused" 22 "$(send 'apps/site/bundle?wait=1' --data-binary hello)"
same "a time that is none" 22 "$(send 'apps/site/bundle?wait=1&timeout=soon' -T "$work/site.zip")"
spec='app: web
image: busybox:stable
command: ["sleep", "100000"]
stop_signal: SIGKILL
network_mode: none
'
same "a spec" "0 ok: web is Synced" "$(send 'apps/web/spec?wait=1' -X PUT --data-binary "$spec") $(last)"
slow="$spec
healthcheck: {test: [\"CMD\", \"false\"], interval: 300s, start_period: 300s}
"
same "one that takes longer than it may" 18 "$(send 'apps/web/spec?wait=1&timeout=2s' -X PUT --data-binary "$slow")"
says "says so" "failed: it is not done yet" "$(last)"
send apps/web/spec -X DELETE >/dev/null
check "by HTTP/1.0 it just ends" eval 'send "apps/plain/spec?wait=1" -0 -X PUT --data-binary "${spec/web/plain}" >/dev/null; [ "$(last)" = "ok: plain is Synced" ]'

# --- by evenkeel deploy
deploy() { "$EVENKEEL" deploy "$@" >"$work/said" 2>"$work/trouble"; }
dockerfile 'CMD ["sleep", "100000"]'
check "deploy" deploy "$work/site.zip"
same "its last line" "ok: site is Synced" "$(last)"
check "under another name, at a route" deploy "$work/site.zip" --to "$EVENKEEL_URL/" --app other --route /there --timeout 2m
says "which its spec has" 'route: "/there"' "$(cat "$root/uploads/other.yaml")"
printf '%s' "$spec" >"$work/web.yaml"
check "a spec" deploy "$work/web.yaml"
same "its last line" "ok: web is Synced" "$(last)"
dockerfile 'RUN false'
same "what fails ends in 1" 1 "$(exit_of deploy "$work/site.zip")"
says "with the reason" "evenkeel: site is Degraded" "$(deploy "$work/site.zip" || cat "$work/trouble")"
echo hello >"$work/text.zip"
says "what is no archive is refused" "this is no ZIP" "$(deploy "$work/text.zip" || cat "$work/trouble")"
says "who may not is told" "this token may only read" "$(EVENKEEL_TOKEN=$reading deploy "$work/site.zip" || cat "$work/trouble")"
printf '%s\n' "$EVENKEEL_TOKEN" >"$work/token"
check "a token from a file" eval 'EVENKEEL_TOKEN= deploy "$work/web.yaml" --token-file "$work/token"'
says "none" "a token is needed" "$(EVENKEEL_TOKEN='' deploy "$work/web.yaml" || cat "$work/trouble")"
says "nobody there" "127.0.0.1" "$(deploy "$work/web.yaml" --to http://127.0.0.1:1 || cat "$work/trouble")"
says "no address" "where is the agent" "$(deploy "$work/web.yaml" --to somewhere || cat "$work/trouble")"
check "the token is in no argument list that it made" eval '! grep -rqF -e "${EVENKEEL_TOKEN:16}" -- "$agent_log" "$state"'

# --- each step of the example workflow
cp -r "$repo/examples/ci/." "$work/ci"
python3 - "$work/ci/deploy.yml" "$work/steps" <<'PY'
# Writes each `run:` of the workflow into a file of its own: one line, or the indented block behind `run: |`.
import os, re, sys
lines = open(sys.argv[1]).read().split("\n")
os.makedirs(sys.argv[2])
n = i = 0
while i < len(lines):
    m = re.match(r"( *)(?:- )?run: (.*)", lines[i])
    i += 1
    if not m:
        continue
    text = m[2]
    if text == "|":
        block = []
        while i < len(lines) and (not lines[i].strip() or len(lines[i]) - len(lines[i].lstrip()) > len(m[1])):
            block.append(lines[i].strip())
            i += 1
        text = "\n".join(block)
    n += 1
    open(f"{sys.argv[2]}/{n}", "w").write(text + "\n")
PY
same "the workflow has its steps" 4 "$(ls "$work/steps" | wc -l)"
export APP=hello
for step in 1 2 3 4; do
    check "step $step of the workflow: $(head -c 50 "$work/steps/$step" | head -n 1)" \
        bash -euo pipefail -c 'cd "$1" && . "$2"' step "$work/ci" "$work/steps/$step"
done
check "what it deployed runs" docker_running hello-app-1
printf 'FROM busybox:stable\nRUN false\n' >"$work/ci/app/Dockerfile"
bash -euo pipefail -c 'cd "$1" && . "$2"' step "$work/ci" "$work/steps/2" >/dev/null 2>&1
check "with a mistake in it the workflow fails" eval '! bash -euo pipefail -c '\''cd "$1" && . "$2"'\'' step "$work/ci" "$work/steps/3" >/dev/null 2>&1'
