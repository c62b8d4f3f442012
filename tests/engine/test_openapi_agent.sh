#!/bin/bash
# The API as it is described (schemas/openapi.json) and as a running agent answers: each operation is asked for, and status, media type and body are compared.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

export EVENKEEL_ADMIN_PASSWORD=correct-horse-battery NO_PROXY='*' no_proxy='*'
printf 'ingress: none\n' >"$work/agent.yaml"
start_agent --config "$work/agent.yaml"
check "the agent is ready" wait_until 20 curl -sf -o /dev/null http://127.0.0.1:5001/readyz
mkdir "$work/built"
printf 'FROM busybox:stable\nLABEL once=%s\nCMD ["sleep", "100000"]\nSTOPSIGNAL SIGKILL\n' "$RANDOM$RANDOM" >"$work/built/Dockerfile"
(cd "$work/built" && zip -qr "$work/built.zip" .)
token=$("$EVENKEEL" token create boss --scope admin --state "$state" 2>/dev/null)
while read -r word rest; do
    case $word in
    ok) pass "$rest" ;;
    FAIL) fail "${rest%% :: *}" "${rest#* :: }" ;;
    *) fail "the comparison" "$word $rest" ;;
    esac
done < <(timeout 200 python3 "$engine_dir/openapi_ask.py" "$repo/schemas/openapi.json" http://127.0.0.1:5001 "$EVENKEEL_ADMIN_PASSWORD" "$token" "$work/built.zip" 2>&1 ||
    echo "FAIL the comparison :: it ended badly")
