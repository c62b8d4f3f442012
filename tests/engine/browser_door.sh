#!/bin/bash
# The door as a person uses it, in a real browser: logging in with the one-time password on the plain page, sending a ZIP, seeing it come up, opening it through the managed Traefik.
# EVENKEEL_TEST_KEEP=1 keeps the screenshots.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
command -v chromium >/dev/null && command -v node >/dev/null || skip_all "no browser (tests/deps.sh browser installs one)"
playwright=$("$engine_dir/tools.sh" playwright) || skip_all "no driver for the browser"
need_engine
# shellcheck source=tests/engine/ingress.sh
. "$engine_dir/ingress.sh"

mkdir "$work/site"
cat >"$work/site/Dockerfile" <<'END'
FROM busybox:stable
RUN mkdir /www && echo '<!doctype html><title>Hello</title><h1>Hello from the ZIP</h1>' >/www/index.html
EXPOSE 8000
CMD ["standin", "httpd", "-f", "-p", "8000", "-h", "/www"]
STOPSIGNAL SIGKILL
END
(cd "$work/site" && zip -qr "$work/hello.zip" .)
echo "no archive" >"$work/broken.zip"
page_app shop "welcome" "route: /shop"
start_agent
check "the agent is ready" wait_until 20 curl -sf -o /dev/null http://127.0.0.1:15001/readyz
check "the ingress is there" wait_until 60 answers 200 /shop
password=$(cat "$state/initial-password")

while read -r word rest; do
    case $word in
    ok) pass "$rest" ;;
    FAIL) fail "${rest%% :: *}" "${rest#* :: }" ;;
    *) fail "the browser" "$word $rest" ;;
    esac
done < <(PASSWORD=$password timeout 200 node "$engine_dir/browser_door.mjs" "$playwright" http://127.0.0.1:15001 "http://127.0.0.1:$http_port" "$work" 2>&1 ||
    echo "FAIL the browser :: it ended badly")
check "the password's file is gone" [ ! -e "$state/initial-password" ]
check "what was typed is in the spec" grep -qx 'environment: \["GREETING=hello"\]' "$root/uploads/hello.yaml"
says "the audit log has who did it" "admin from" "$("$EVENKEEL" audit ls --state "$state" --limit 50)"
for shot in login{,-dark,-phone,-refused} upload{,-dark,-phone,-more,-refused} answer{,-dark,-phone,-busy} app; do
    check "there is a screenshot: $shot" test -s "$work/$shot.png"
done
