#!/bin/bash
# Each command of the README's part about the door, as it stands there, from a token to a deployment in CI. Only names change: the state, the port's other end, the host that is an example.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

export EVENKEEL_ADMIN_PASSWORD=correct-horse-battery NO_PROXY='*' no_proxy='*'
printf 'ingress: none\n' >"$work/agent.yaml"
start_agent --config "$work/agent.yaml"
check "the agent is ready" wait_until 20 curl -sf -o /dev/null http://127.0.0.1:5001/readyz

# What the commands name.
mkdir "$work/here" "$work/blog"
cd "$work/here"
printf 'FROM busybox:stable\nLABEL once=%s\nUSER 0\nCMD ["sleep", "100000"]\nSTOPSIGNAL SIGKILL\n' "$RANDOM$RANDOM" >"$work/blog/Dockerfile"
(cd "$work/blog" && zip -qr "$work/here/blog.zip" .)
printf 'app: hello\nimage: busybox:stable\ncommand: ["sleep", "100000"]\nstop_signal: SIGKILL\nnetwork_mode: none\n' >hello.yaml
echo "a key" >key.pem
sudo() { "$@"; }
evenkeel() {
    case $1 in
    deploy) "$EVENKEEL" "$@" ;;
    *) "$EVENKEEL" "$@" --state "$state" 2>/dev/null ;;
    esac
}
# What stays open is cut off once it has begun.
curl() {
    case "$*" in
    */events* | *follow=1*) grep -q '^HTTP/1.1 200' < <(timeout 5 curl -sS -D - "$@") ;;
    *) command curl -sSf --max-time 120 "$@" ;;
    esac
}

python3 - "$repo/README.md" >"$work/commands" <<'PY'
# The indented lines from "## The door" to the next chapter.
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
part = text[text.index("\n## The door"):]
part = part[:part.index("\n## ", 5)]
for line in part.split("\n"):
    if line.startswith("    "):
        print(re.sub(r"EVENKEEL_TOKEN=\.\.\.", 'EVENKEEL_TOKEN="$TOKEN"', line.strip()).replace("https://evenkeel.example.org", "http://127.0.0.1:5001"))
PY
check "there are such commands" [ "$(wc -l <"$work/commands")" -ge 15 ]
known() { command curl -sf -o /dev/null -H "Authorization: Bearer $TOKEN" http://127.0.0.1:5001/api/v1/apps/blog; }
while read -r line <&3; do
    if [[ $line =~ ^(TOKEN|API)= ]]; then
        eval "$line"
        check "README: ${line%%=*} is set" [ -n "${TOKEN:-}" ]
    else
        check "README: ${line:0:100}" eval "$line"
        [[ $line != *blog/bundle* ]] || check "and the app is known" wait_until 20 known
    fi
done 3<"$work/commands"
check "the app that it is about runs" wait_until 60 docker_running blog-app-1
same "as the last of them said" 'LANG=en MODE=fast' "$(inspect blog-app-1 '[.Config.Env[] | select(test("LANG|MODE"))] | sort | join(" ")')"
