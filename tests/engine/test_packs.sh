#!/bin/bash
# Sources built with tools of the host, nixpacks and pack. Both are stand-ins here, made below: nixpacks writes what the real one (1.41) writes, pack makes
# an image through the engine's API. They get little of the agent, they end when their build does, and what they make is named, labelled and collected like
# every other build.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

# --- the stand-ins -------------------------------------------------------------------------------

bin=$work/bin
mkdir -p "$bin"
export PATH=$bin:$PATH

# make_nixpacks: `nixpacks plan DIR --format=json` and `nixpacks build DIR --out=DIR`. A file `escape` in the source has it write outside, `no-plan` say no,
# `assets` name a static asset.
make_nixpacks() {
    cat >"$bin/nixpacks" <<'EOF'
#!/bin/bash
verb=$1 dir='' out='' start='httpd -f -p $PORT -h /app/www' names=''
shift
for word in "$@"; do
    case $word in
    --out=*) out=${word#*=} ;;
    --start-cmd=*) start=${word#*=} ;;
    --env=*) word=${word#*=} names="$names ${word%%=*}" ;;
    --*) ;;
    *) dir=$word ;;
    esac
done
if [ -e "$dir/no-plan" ] && [ "$verb" = build ]; then
    printf '\nNixpacks was unable to generate a build plan for this app.\nThe contents of the app directory are:\n  no-plan\n'
    exit 1
fi
if [ "$verb" = plan ]; then
    jq -n --rawfile asset <(cat "$dir/assets" 2>/dev/null || echo robots.txt) \
        '{providers: [], variables: {NIXPACKS_METADATA: "busybox"}, staticAssets: {($asset | rtrimstr("\n")): "asset"}, phases: {setup: {}}, start: {}}'
    exit
fi
[ ! -e "$dir/escape" ] || echo boo >"$(cat "$dir/escape")" || exit 1
mkdir -p "$out/.nixpacks/assets" && cd "$out/.nixpacks" || exit 1
echo asset >assets/robots.txt
echo '{ }: "nix"' >nixpkgs-0123.nix
echo docker build >build.sh
cat >Dockerfile <<END
FROM busybox:stable

ENTRYPOINT ["/bin/sh", "-c"]
WORKDIR /app/

COPY .nixpacks/nixpkgs-0123.nix .nixpacks/nixpkgs-0123.nix
COPY .nixpacks/assets /assets/
ARG NIXPACKS_METADATA$names
ENV NIXPACKS_METADATA=\$NIXPACKS_METADATA $(for name in $names; do echo "$name=\$$name "; done | tr -d '\n')

# start
COPY . /app
RUN mkdir -p /app/www && cp /app/index.html /app/www/ && { env; find /app/.nixpacks /assets -type f | sort; } >/app/www/made

CMD ["$start"]
END
EOF
    chmod 755 "$bin/nixpacks"
}

# make_pack: `pack build IMAGE --path=DIR ...`. A file `slow` in the source has it wait before it makes the image, `late` after, `broken` fail.
make_pack() {
    cat >"$bin/pack" <<'EOF'
#!/bin/bash
[ "$1" = build ] || exit 64
image=$2 dir='' host=''
for word in "$@"; do
    case $word in
    --path=*) dir=${word#*=} ;;
    --docker-host=*) host=${word#*=} ;;
    --env-file=*) arguments=${word#*=} ;;
    esac
done
echo "===> ANALYZING"
printf 'word %s\n' "$@"
env | sed 's/^/env /'
if [ -e "$dir/slow" ]; then
    sleep 2718.28 &
    sleep 3141.59
fi
echo "===> BUILDING"
[ ! -e "$dir/broken" ] || { echo "ERROR: No buildpack groups passed detection." >&2; exit 20; }
[ "$host" = "$DOCKER_HOST" ] || { echo "not the engine of the agent: $host" >&2; exit 1; }
mkdir "$HOME/context" && cp -r "$dir" "$HOME/context/app" && cp "$arguments" "$HOME/context/app/arguments" || exit 1
printf 'FROM busybox:stable\nCOPY app /www/\nLABEL io.buildpacks.stack.id=little\nCMD ["sh", "-c", "exec httpd -f -p $PORT -h /www"]\n' >"$HOME/context/Dockerfile"
tar -C "$HOME/context" -c . |
    curl -sS --unix-socket "${DOCKER_HOST#unix://}" -H 'Content-Type: application/x-tar' -T - -X POST "http://engine/build?version=1&t=$image"
echo "Successfully built image $image"
[ ! -e "$dir/late" ] || sleep 1618.03
EOF
    chmod 755 "$bin/pack"
}

# --- what the tests below ask --------------------------------------------------------------------

began=$(date +%s.%N)

# builds APP: how many builds of it the engine ended well so far under the name that evenkeel gives.
builds() {
    engine_curl "/events?since=$began&until=$(date +%s.%N)&filters=%7B%22type%22:%5B%22image%22%5D,%22event%22:%5B%22tag%22%5D%7D" |
        jq -r '.Actor.Attributes.name | select(startswith("evenkeel/'"$1"'/")) | select(endswith(":packing") | not)' | wc -l
}

# packings APP: how often pack made its image.
packings() {
    engine_curl "/events?since=$began&until=$(date +%s.%N)&filters=%7B%22type%22:%5B%22image%22%5D,%22event%22:%5B%22tag%22%5D%7D" |
        jq -r '.Actor.Attributes.name | select(. == "evenkeel/'"$1"'/app:packing")' | wc -l
}

# answer APP [PATH]: what its container says on port 8000.
answer() {
    local ip
    ip=$(inspect "$1-app-1" '.NetworkSettings.Networks | to_entries[0].value.IPAddress' 2>/dev/null) && [ -n "$ip" ] &&
        curl -s --max-time 2 "http://$ip:8000/${2:-}"
}

answers() { [ "$(answer "$1")" = "$2" ]; }
synced() { is Synced "$1"; }

# comes NAME APP TEXT: passes once the app answers with this text.
comes() {
    if wait_until 40 answers "$2" "$3"; then
        pass "$1"
    else
        fail "$1" "answer \"$(answer "$2")\", status: $({ evenkeel status 2>&1 || true; } | tail -n +2)"
    fi
}

# why_says NAME APP WORDS
why_says() {
    local words=$3
    # shellcheck disable=SC2317,SC2329
    told() { [[ $(app_why "$1") == *"$words"* ]]; }
    if wait_until 30 told "$2"; then
        pass "$1"
    else
        fail "$1" "\"$3\" is not in \"$(app_why "$2")\""
    fi
}

image_of() { inspect "$1-app-1" .Image; }
running() { pgrep -x -f "sleep $1"; }
work_folders() { find /var/tmp "${TMPDIR:-/var/tmp}" -maxdepth 1 -name 'evenkeel-work-*' | wc -l; }
build_log() { "$EVENKEEL" logs --build "$1" --state "$state" || true; }

# --- not installed -------------------------------------------------------------------------------

for app in nix cnb; do
    write_file $app/index.html <<<one
done
printf 'app: nix\nstop_signal: SIGKILL\nsource:\n  path: ./nix\n  strategy: nixpacks\n' | write_file nix.yaml
printf 'app: cnb\nstop_signal: SIGKILL\nsource:\n  path: ./cnb\n  strategy: buildpacks\n  builder: busybox:stable\n' | write_file cnb.yaml
export EVENKEEL_TEST_SECRET=hunter2
start_agent
if command -v nixpacks pack >/dev/null; then
    skip "what is not installed is named" "nixpacks or pack is installed here"
else
    why_says "what is not installed is named, with the place of the field" nix "nix.yaml:5: strategy nixpacks: the program \`nixpacks\` is not in the agent's PATH"
    why_says "and what to do" cnb "use \`strategy: auto\` or a Dockerfile"
    why_says "pack likewise" cnb "cnb.yaml:5: strategy buildpacks: the program \`pack\`"
fi
stop_agent # or it sees pack before it sees the spec go
mv "$root/cnb.yaml" "$work/cnb.yaml"
start_agent
make_nixpacks
make_pack
touch "$root/nix.yaml"

# --- nixpacks ------------------------------------------------------------------------------------

comes "installed and looked at again, nixpacks builds" nix one
check "and that is all" wait_until 20 synced nix
same "the image has our name" 1 "$(inspect nix-app-1 .Config.Image | grep -cE '^evenkeel/nix/app:[0-9a-f]{12}$')"
same "and our labels" "default nix app" \
    "$(api GET "/images/$(image_of nix)/json" | jq -r '.Config.Labels | "\(.["evenkeel.build.owner"]) \(.["evenkeel.build.app"]) \(.["evenkeel.build.service"])"')"
made=$(answer nix made)
same "its files are there, how to build by hand is not" "/app/.nixpacks/Dockerfile /app/.nixpacks/assets/robots.txt /app/.nixpacks/nixpkgs-0123.nix /assets/robots.txt" \
    "$(grep '^/' <<<"$made" | tr '\n' ' ' | sed 's/ $//')"
same "the values of its arguments come from its plan" 1 "$(grep -c '^NIXPACKS_METADATA=busybox$' <<<"$made")"
stop_agent
rm -rf "$state"
mkdir -p "$state"
start_agent
check "the agent is back without its database" wait_until 20 synced nix
same "the same source is not built twice" 1 "$(builds nix)"

printf 'app: nix\nstop_signal: SIGKILL\nstart: echo two >/app/www/index.html; exec httpd -f -p $PORT -h /app/www\nsource:\n  path: ./nix\n  strategy: nixpacks\n  args: {GREETING: hello}\n' |
    sed 's/\$PORT/$$PORT/' | write_file nix.yaml
comes "a start command and arguments are handed on" nix two
check "and that is all" wait_until 20 synced nix
same "with their values" 1 "$(answer nix made | grep -c '^GREETING=hello$')"
same "the Dockerfile can be seen" 1 "$("$EVENKEEL" convert --dockerfile nix "${flags[@]}" --state "$state" 2>/dev/null | grep -c '^EXPOSE 8000$')"

running_before=$(image_of nix)
echo "$work/evil" | write_file nix/escape
why_says "nixpacks cannot write outside of its folder" nix "strategy nixpacks: nixpacks"
check "and did not" test ! -e "$work/evil"
rm "$root/nix/escape"
echo "../../evil" | write_file nix/assets
why_says "a static asset that leaves the source is refused by name" nix 'the static asset "../../evil" leaves the source'
rm "$root/nix/assets"
touch "$root/nix/no-plan"
why_says "what it says when it cannot is told" nix "Nixpacks was unable to generate a build plan"
same "the running version is left alone" "$running_before" "$(image_of nix)"
rm "$root/nix/no-plan"
check "the source as it was is well again" wait_until 20 synced nix
same "without another build" 2 "$(builds nix)"

mkdir -p "$work/zip"
echo zipped >"$work/zip/index.html"
(cd "$work/zip" && python3 -c 'import zipfile; zipfile.ZipFile("../nixzip.zip", "w").write("index.html")')
cp "$work/nixzip.zip" "$root/.nixzip.zip" && mv "$root/.nixzip.zip" "$root/nixzip.zip"
printf 'app: nixzip\nstop_signal: SIGKILL\nsource: {bundle: nixzip.zip, strategy: nixpacks}\n' | write_file nixzip.yaml
comes "an archive is unpacked for it" nixzip zipped

# --- buildpacks ----------------------------------------------------------------------------------

began=$(date +%s.%N)
mv "$work/cnb.yaml" "$root/cnb.yaml"
comes "pack builds" cnb one
check "and that is all" wait_until 20 synced cnb
same "the image has our name" 1 "$(inspect cnb-app-1 .Config.Image | grep -cE '^evenkeel/cnb/app:[0-9a-f]{12}$')"
same "our labels, and pack's" "default cnb app little" \
    "$(api GET "/images/$(image_of cnb)/json" | jq -r '.Config.Labels | "\(.["evenkeel.build.owner"]) \(.["evenkeel.build.app"]) \(.["evenkeel.build.service"]) \(.["io.buildpacks.stack.id"])"')"
same "its port is known" "8000/tcp" "$(api GET "/images/$(image_of cnb)/json" | jq -r '.Config.ExposedPorts | keys[0]')"
packing_gone() { ! api GET /images/evenkeel/cnb/app:packing/json 2>/dev/null; }
check "pack's own name for it is gone" wait_until 5 packing_gone
log=$(build_log cnb)
same "the build log has what pack said" 1 "$(grep -c 'Successfully built image evenkeel/cnb/app:packing' <<<"$log")"
same "it was told the builder" 1 "$(grep -c 'word --builder=busybox:stable$' <<<"$log")"
same "and to pull only what is missing" 1 "$(grep -c 'word --pull-policy=if-not-present$' <<<"$log")"
same "its environment is small" "DOCKER_HOST HOME LC_ALL PATH TMPDIR" \
    "$(grep -oE 'env [A-Z_]+=' <<<"$log" | sed 's/env //; s/=//' | grep -vE '^(PWD|SHLVL|OLDPWD|_)$' | sort -u | tr '\n' ' ' | sed 's/ $//')"
same "and holds nothing of the agent's" 0 "$(grep -c hunter2 <<<"$log")"
same "one image by pack, one build of ours" "1 1" "$(packings cnb) $(builds cnb)"

stop_agent
rm -rf "$state"
mkdir -p "$state"
start_agent
check "the agent is back without its database" wait_until 20 synced cnb
touch "$root/cnb/index.html"
sleep 1
check "and after a touch" wait_until 20 synced cnb
same "the same source is not built twice" "1 1" "$(packings cnb) $(builds cnb)"

printf 'app: cnb\nstop_signal: SIGKILL\nstart: ./serve\nsource:\n  path: ./cnb\n  strategy: buildpacks\n  builder: busybox:stable\n  args: {BP_NODE_VERSION: "20"}\n' | write_file cnb.yaml
write_file cnb/index.html <<<two
comes "a changed source is built anew" cnb two
check "and that is all" wait_until 20 synced cnb
same "a start command is a Procfile" "web: ./serve" "$(answer cnb Procfile)"
same "arguments are given in a file" "BP_NODE_VERSION=20" "$(answer cnb arguments)"
same "and in no command line" 0 "$(build_log cnb | grep -c 'word.*BP_NODE_VERSION')"

running_before=$(image_of cnb)
touch "$root/cnb/broken"
why_says "a failing pack is told with its last lines" cnb "No buildpack groups passed detection"
why_says "and its exit code" cnb "code 20"
same "the running version is left alone" "$running_before" "$(image_of cnb)"
rm "$root/cnb/broken"

# --- builds that are given up --------------------------------------------------------------------

touch "$root/cnb/slow"
check "a slow build" wait_until 20 running 3141.59
rm "$root/cnb/slow"
write_file cnb/index.html <<<three
comes "is superseded by a newer source" cnb three
same "and all of its processes are gone" "1 1" "$(exit_of running 3141.59) $(exit_of running 2718.28)"
touch "$root/cnb/slow"
check "another slow build" wait_until 20 running 3141.59
sleeper other
check "delays no other app" wait_until 10 docker_running other-app-1
from=$(date +%s%N)
stop_agent
took=$((($(date +%s%N) - from) / 1000000))
check "the agent stops within 10 s (it took $took ms)" test "$took" -lt 10000
same "and leaves no child" "1 1" "$(exit_of running 3141.59) $(exit_of running 2718.28)"
same "and no temporary folder" 0 "$(work_folders)"

# --- killed between pack's image and ours --------------------------------------------------------

rm "$root/cnb/slow"
touch "$root/cnb/late"
start_agent
check "a build at its last step" wait_until 20 running 1618.03
check "pack's image is there" api GET /images/evenkeel/cnb/app:packing/json
same "its name is written down" evenkeel/cnb/app:packing "$(cat "$state/packing/cnb.app")"
same "a collection beside it leaves it alone" 0 "$("$EVENKEEL" gc --dry-run --json --state "$state" "${flags[@]}" | jq '[.images[] | select(.image | endswith(":packing"))] | length')"
stop_agent KILL
pkill -KILL -f 'sleep 1618[.]03' || true
rm "$root/cnb.yaml"
says "what is left can be seen" "evenkeel/cnb/app:packing (left by a pack that was cut off)" "$("$EVENKEEL" gc --dry-run --state "$state" "${flags[@]}")"
check "and is still there" api GET /images/evenkeel/cnb/app:packing/json
same "gc" 0 "$("$EVENKEEL" gc --state "$state" "${flags[@]}" >/dev/null 2>&1; echo $?)"
check "it is gone" packing_gone
check "and so is its record" [ ! -e "$state/packing/cnb.app" ]
