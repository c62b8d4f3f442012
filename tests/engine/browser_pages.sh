#!/bin/bash
# What a visitor sees behind the managed Traefik where no app answers: an address that nobody has, an app that starts, an app that was stopped. In a real
# browser, by a person's means: what stands there, how it is laid out, in the dark and on a small screen.
# EVENKEEL_TEST_KEEP=1 keeps the screenshots.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
command -v chromium >/dev/null && command -v node >/dev/null || skip_all "no browser (tests/deps.sh browser installs one)"
playwright=$("$engine_dir/tools.sh" playwright) || skip_all "no driver for the browser"
need_engine
# shellcheck source=tests/engine/ingress.sh
. "$engine_dir/ingress.sh"

# see STEP: what browser_pages.mjs finds, one line each
see() {
    local word rest
    while read -r word rest; do
        case $word in
        ok) pass "$rest" ;;
        FAIL) fail "${rest%% :: *}" "${rest#* :: }" ;;
        *) fail "the browser" "$word $rest" ;;
        esac
    done < <(timeout 60 node "$engine_dir/browser_pages.mjs" "$playwright" "http://127.0.0.1:$http_port" "$work" "$1" 2>&1 ||
        echo "FAIL the browser :: it ended badly")
}

start_agent
page_app shop "welcome" "route: /shop"
page_app slow "there at last" "route: /slow" 'healthcheck: {test: ["CMD", "sh", "-c", "test -e /tmp/well"], interval: 500ms, retries: 1, start_period: 60s}'
check "the shop answers" wait_until 40 answers 200 /shop
check "its neighbour starts" wait_until 30 answers 503 /slow
see starting
id=$(api POST /containers/slow-app-1/exec '{"Cmd": ["touch", "/tmp/well"], "User": "1000"}' | jq -r .Id)
api POST "/exec/$id/start" '{"Detach": true}' >/dev/null
check "and answers" wait_until 20 answers 200 /slow
evenkeel stop shop >/dev/null
check "a stopped app answers no more" wait_until 20 answers 503 /shop
see stopped
for shot in missing missing-dark missing-phone starting stopped; do
    check "there is a screenshot: $shot" test -s "$work/$shot.png"
done
