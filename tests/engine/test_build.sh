#!/bin/bash
# Images made from folders: a folder with a Dockerfile builds and answers; what was built once is never built again; a failed build leaves
# the running version alone; a newer source ends the build of the older one; other apps do not wait.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

# --- what the tests below ask --------------------------------------------------------------------

began=$(date +%s.%N)

# builds [APP]: how many builds of ours the engine ended well so far (each gives its image a name).
builds() {
    engine_curl "/events?since=$began&until=$(date +%s.%N)&filters=%7B%22type%22:%5B%22image%22%5D,%22event%22:%5B%22tag%22%5D%7D" |
        jq -r '.Actor.Attributes.name | select(startswith("evenkeel/'"${1:-}"'"))' | wc -l
}

# answer APP [PATH]: what its container says on port 8000.
answer() {
    local ip
    ip=$(inspect "$1-app-1" '.NetworkSettings.Networks | to_entries[0].value.IPAddress' 2>/dev/null) && [ -n "$ip" ] &&
        curl -s --max-time 2 "http://$ip:8000/${2:-}"
}

answers() {
    [ "$(answer "$1" "${3:-}")" = "$2" ]
}

# comes NAME APP TEXT [SECONDS] [PATH]: passes once the app answers with this text.
comes() {
    if wait_until "${4:-40}" answers "$2" "$3" "${5:-}"; then
        pass "$1"
    else
        fail "$1" "answer \"$(answer "$2" "${5:-}")\", status: $({ evenkeel status 2>&1 || true; } | tail -n +2)"
    fi
}

image_of() { inspect "$1-app-1" .Image; }
synced() { is Synced "$1"; }

# why_says NAME APP WORDS [SECONDS]
why_says() {
    local words=$3
    # shellcheck disable=SC2317,SC2329
    told() { [[ $(app_why "$1") == *"$words"* ]]; }
    if wait_until "${4:-30}" told "$2"; then
        pass "$1"
    else
        fail "$1" "\"$3\" is not in \"$(app_why "$2")\""
    fi
}

# web APP [LINE...]: an app built from APP/, with these lines added to its spec.
web() {
    { printf 'app: %s\nsource: {path: ./%s}\nstop_signal: SIGKILL\n' "$1" "$1" && printf '%s\n' "${@:2}"; } | write_file "$1.yaml"
}

# server: the end of a Dockerfile that serves /www on port 8000, never the same as in an earlier run of this test
server='EXPOSE 8000
CMD ["httpd", "-f", "-p", "8000", "-h", "/www"]
# '$began

start_agent

# --- a folder becomes an app ---------------------------------------------------------------------

write_file blog/index.html <<<one
printf 'FROM busybox:stable\nCOPY index.html /www/index.html\n%s\n' "$server" | write_file blog/Dockerfile
web blog
comes "a folder with a Dockerfile builds and answers" blog one
same "with one build" 1 "$(builds blog)"
check "and is Synced" wait_until 10 synced blog
same "the image is named after app, service and content" 1 "$(inspect blog-app-1 .Config.Image | grep -cE '^evenkeel/blog/app:[0-9a-f]{12}$')"
same "the image says whose it is" "default blog app" \
    "$(api GET "/images/$(image_of blog)/json" | jq -r '.Config.Labels | "\(.["evenkeel.build.owner"]) \(.["evenkeel.build.app"]) \(.["evenkeel.build.service"])"')"

# --- nothing changed, nothing is built -----------------------------------------------------------

before=$(snapshot)
image=$(image_of blog)
touch "$root/blog/index.html" "$root/blog.yaml"
same "after a touch the plan is empty" 0 "$(exit_of plan)"
same "apply builds nothing" 0 "$(exit_of apply)"
stop_agent
start_agent
check "the agent is back" wait_until 10 synced blog
stop_agent
rm -rf "$state"
mkdir -p "$state"
mv "$root/blog.yaml" "$root/renamed.yaml"
start_agent
check "the agent is back without its database" wait_until 10 synced blog
sleep 1
same "a touched file, a restart, a lost database and a renamed spec build nothing" 1 "$(builds blog)"
same "and touch nobody" "$before" "$(snapshot)"
mv "$root/renamed.yaml" "$root/blog.yaml"

# --- a changed file replaces ---------------------------------------------------------------------

write_file blog/index.html <<<two
comes "one changed file rebuilds and replaces" blog two
same "with one more build" 2 "$(builds blog)"
write_file blog/index.html <<<one
comes "content that was built before runs again" blog one
check "and that is all" wait_until 20 synced blog
same "without a build" 2 "$(builds blog)"
same "as the same image" "$image" "$(image_of blog)"

# --- a failing step ------------------------------------------------------------------------------

printf 'FROM busybox:stable\nRUN echo compiling; echo "no such module: left-pad" >&2; exit 3\n%s\n' "$server" | write_file blog/Dockerfile
why_says "a failing step is named" blog 'RUN echo compiling'
why_says "with its last lines" blog 'no such module: left-pad' 5
why_says "and its exit code" blog '3' 5
check "the app is Degraded" wait_until 20 is Degraded blog
comes "the old version keeps serving" blog one 1
same "as the same container" "$image" "$(image_of blog)"

# --- a Dockerfile that does not parse ------------------------------------------------------------

printf 'FROM busybox:stable\n\nCOPPY index.html /www/\n%s\n' "$server" | write_file blog/Dockerfile
why_says "a Dockerfile that does not parse is named with its line" blog 'Dockerfile:3:'
comes "and the old version keeps serving" blog one 1
same "it is never sent" 2 "$(builds blog)"
differences() { { plan 2>/dev/null || true; } | grep -E '^ +[!~+-] ' || true; }
same "plan shows the reason and no difference" "" "$(differences)"

# --- what a Dockerfile may hold ------------------------------------------------------------------

{
    printf '# syntax=docker/dockerfile:1.7\nFROM busybox:stable AS base\nARG GREETING=unset\n'
    printf 'RUN --mount=type=cache,target=/cache date >> /cache/runs; mkdir /www; echo "$GREETING" > /www/index.html\n'
    printf 'FROM base AS wanted\n%s\nFROM base AS other\nRUN exit 1\n' "$server"
} | write_file blog/deploy/web.Dockerfile
printf 'app: blog\nsource:\n  path: ./blog\n  dockerfile: deploy/web.Dockerfile\n  target: wanted\n  args: {GREETING: hello}\n  labels: {org.example.team: web}\nstop_signal: SIGKILL\n' |
    write_file blog.yaml
comes "syntax line, cache mount, another Dockerfile, target, args" blog hello
check "and that is all" wait_until 20 synced blog
same "labels" web "$(api GET "/images/$(image_of blog)/json" | jq -r '.Config.Labels["org.example.team"]')"

printf 'app: blog\nsource:\n  path: ./blog\n  dockerfile_inline: |\n    FROM busybox:stable\n    RUN mkdir /www; echo inline > /www/index.html\n    CMD ["httpd", "-f", "-p", "8000", "-h", "/www"]\nstop_signal: SIGKILL\n' |
    write_file blog.yaml
comes "a Dockerfile in the spec" blog inline

# --- what is sent --------------------------------------------------------------------------------

printf 'FROM busybox:stable\nCOPY . /www/\nRUN cd /www; find . -name "*.*s" -o -name "*.log" | sort | tr "\\n" " " > index.html\n%s\n' "$server" | write_file files/Dockerfile
printf '# notes\n*.log\n!keep.log\n**/node_modules\nDockerfile\n.dockerignore\n' | write_file files/.dockerignore
for file in a.log keep.log sub/node_modules/x.js sub/app.js; do write_file files/$file <<<"$file"; done
web files
comes ".dockerignore, with a negation" files './keep.log ./sub/app.js '
count=$(builds files)
write_file files/a.log <<<changed
write_file files/sub/node_modules/y.js <<<new
sleep 1.5
same "what is ignored rebuilds nothing" "$count" "$(builds files)"
printf 'sub\n*ocker*\n' | write_file files/Dockerfile.dockerignore
comes "the ignore file of the Dockerfile goes first" files './a.log ./keep.log '

# BuildKit finds the Dockerfile in the tar, and copies what is there
printf 'FROM busybox:stable\nCOPY . /www/\nRUN cd /www; ls -A | tr "\\n" " " > /tmp/l; cat /tmp/l > index.html\n%s\n' "$server" | write_file bare/Dockerfile
printf 'Dockerfile\n**/.dockerignore\n*.Dockerfile\n' | write_file bare/.dockerignore
web bare
write_file bare/index.html <<<x
comes "an ignored .dockerignore is not copied" bare 'Dockerfile index.html '
rm "$root/bare.yaml"

# --- base images ---------------------------------------------------------------------------------

printf 'FROM registry.invalid/nobody/nothing:1\n%s\n' "$server" | write_file lost/Dockerfile
web lost
why_says "a base image that nobody has is named" lost 'registry.invalid/nobody/nothing:1'
rm "$root/lost.yaml"

api POST '/images/busybox:stable/tag?repo=example/base&tag=1' >/dev/null
printf 'FROM example/base:1\nRUN mkdir -p /www; cat /etc/os-release > /www/index.html\n%s\n' "$server" | write_file based/Dockerfile
web based
comes "an image of ours as base" based 'PRETTY_NAME="evenkeel stand-in image"'
printf 'FROM busybox:stable\nRUN echo newer > /etc/os-release\n' >"$work/Dockerfile"
tar -C "$work" -c Dockerfile | engine_curl '/build?t=example/base:1' -X POST -H 'Content-Type: application/x-tar' --data-binary @- -o /dev/null
comes "a base image with another id is a change" based newer

# --- a source outside the roots, where the agent's configuration allows one ----------------------

mkdir -p "$work/elsewhere/src/deep"
echo far >"$work/elsewhere/src/deep/index.html"
printf 'FROM busybox:stable\nCOPY deep /www\n%s\n' "$server" >"$work/elsewhere/src/Dockerfile"
printf 'builds: {allow: ["%s"]}\n' "$work/elsewhere" >"$work/agent.yaml"
flags+=(--config "$work/agent.yaml")
start_agent
printf 'app: far\nsource: {path: "%s"}\nstop_signal: SIGKILL\n' "$work/elsewhere/src" | write_file far.yaml
comes "a source outside the roots" far far
echo farther >"$work/elsewhere/src/deep/index.html"
comes "is watched, too" far farther 20
rm "$root/far.yaml"
flags=(--root "$root")
start_agent

# --- named after the platform --------------------------------------------------------------------

arch=$(api GET /version | jq -r .Arch)
api POST "/images/busybox:stable/tag?repo=example/tools&tag=linux-$arch" >/dev/null
{
    printf 'ARG BASE=example/tools:${TARGETOS}-${TARGETARCH}\nFROM --platform=$BUILDPLATFORM ${BASE} AS made\nARG TARGETPLATFORM\nARG BUILDARCH\n'
    printf 'RUN mkdir /www; echo "$TARGETPLATFORM on $BUILDARCH" > /www/index.html\nFROM example/tools:linux-$TARGETARCH\nCOPY --from=made /www /www\n%s\n' "$server"
} | write_file arched/Dockerfile
web arched
comes "base images named after the platform" arched "linux/$arch on $arch"
check "and that is all" wait_until 20 synced arched
same "plan is empty, for who asks anew" 0 "$(exit_of plan)"
web arched 'platform: linux/s390x'
why_says "the platform of the service goes before" arched 'example/tools:linux-s390x'
rm "$root/arched.yaml"

# --- others do not wait --------------------------------------------------------------------------

write_file slow/version <<<1
printf 'FROM busybox:stable\nCOPY version /www/index.html\nRUN sleep 60; : %s\n%s\n' "$began" "$server" | write_file slow/Dockerfile
{
    printf 'app: slow\nservices:\n  app:\n    build: ./slow\n    stop_signal: SIGKILL\n'
    printf '  front:\n    image: busybox:stable\n    command: [sleep, "1000"]\n    stop_signal: SIGKILL\n    depends_on: [app]\n'
} | write_file slow.yaml
check "a long build is under way" wait_until 15 is Progressing slow
sleep 1
sleeper quick
check "another app converges meanwhile" wait_until 15 docker_running quick-app-1
same "the dependant waits" no "$(docker_running slow-front-1 && echo yes || echo no)"

printf 'FROM busybox:stable\nCOPY version /www/index.html\n%s\n' "$server" | write_file slow/Dockerfile
write_file slow/version <<<2
comes "a newer source ends the build of the older one" slow 2 30
check "and the dependant follows" wait_until 15 docker_running slow-front-1
same "the older one never got a name" 1 "$(builds slow)"

# --- kill -9 in the middle of a build ------------------------------------------------------------

printf 'FROM busybox:stable\nCOPY version /www/index.html\nRUN sleep 4; : %s\n%s\n' "$began" "$server" | write_file slow/Dockerfile
write_file slow/version <<<3
check "a build is under way" wait_until 15 is Progressing slow
sleep 1
stop_agent KILL
comes "without the agent the old version serves" slow 2 1
start_agent
comes "the next start converges" slow 3 40
check "to the end" wait_until 20 synced slow
same "with one of each" "slow-app-1 slow-front-1" "$(owned containers '.Names[0][1:]' | grep slow | sort | xargs)"

for app in blog files based slow quick; do rm -f "$root/$app.yaml"; done
