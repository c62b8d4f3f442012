#!/bin/bash
# The agent beside the managed Traefik: its page where no app answers, who may reach it on the ingress network, secrets that reach Traefik and change there, certificates that end, and what
# stays when the agent leaves.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

code() { curl -sk --noproxy '*' --max-time 5 -o /dev/null -w '%{http_code}' "$@"; }
get() { curl -sk --noproxy '*' --max-time 5 "$@"; }
is_code() { [ "$(code "${@:2}")" = "$1" ]; }
secret() { "$EVENKEEL" secret --state "$state" "$@" >/dev/null 2>&1; }
users() { printf '%s:{SHA}%s\n' "$1" "$(printf %s "$2" | openssl dgst -sha1 -binary | base64)"; }
shown_certificate() { openssl s_client -connect 127.0.0.1:443 -servername shop.example.org </dev/null 2>/dev/null | openssl x509 -noout -subject 2>/dev/null; }
ends_with() { [[ $(shown_certificate) == *"$1" ]]; }
make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$2" -subj "/CN=$1" \
        -addext subjectAltName=DNS:shop.example.org -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
    secret set cert --file "$work/cert.pem"
    secret set key --file "$work/key.pem"
}

start_agent
check "the agent is there" wait_until 10 is_code 200 http://127.0.0.1:5001/healthz

# --- a secret that is not there
write_file shop.yaml <<'Y'
app: shop
image: traefik/whoami:v1.10
port: 80
route:
  - host: shop.example.org
    tls: {cert: cert, key: key}
  - path: /shop
    middlewares: {basic_auth: {secret: users}}
Y
check "a secret that is missing is named" wait_until 10 eval '[[ $(app_why shop) == *"evenkeel secret set"* ]]'
make_certificate first.example 10
users anna one | secret set users
becomes "the agent sees it come" "evenkeel=Synced shop=Synced" 40

# --- what Traefik was given
check "with the password" wait_until 5 is_code 200 -u anna:one http://127.0.0.1/shop
same "not without" 401 "$(code http://127.0.0.1/shop)"
same "not with another" 401 "$(code -u anna:two http://127.0.0.1/shop)"
check "the certificate is the app's" wait_until 5 ends_with first.example
says "addresses" "https://shop.example.org/" "$(evenkeel status)"
says "and when it ends" "the certificate cert of shop ends at " "$(evenkeel status)"
says "in plan too" "evenkeel secret set cert --file NEW" "$(plan)"
same "in JSON" cert "$(evenkeel status --json | jq -r '.certificates[0].secret')"
same "Traefik reads copies" "640 65532" "$(stat -c '%a %g' "$state"/ingress/files/* | sort -u)"
same "and no secret itself" "" "$(inspect "$(owned containers '.Names[0][1:]' | grep '^evenkeel')" '.Mounts[].Source' | grep secrets || true)"

# --- a secret that changes
before=$(snapshot)
users anna two | secret set users
check "a new password" wait_until 10 is_code 200 -u anna:two http://127.0.0.1/shop
check "the old one no more" wait_until 5 is_code 401 -u anna:one http://127.0.0.1/shop
make_certificate second.example 100
check "a new certificate" wait_until 10 ends_with second.example
becomes "all is well" "evenkeel=Synced shop=Synced"
same "and no container was touched" "$before" "$(snapshot)"
check "nothing is said of its end" eval '! [[ $(evenkeel status) == *"ends at"* ]]'

# --- where no app is
same "nothing is there" 404 "$(code http://127.0.0.1/none)"
says "words for it" "nothing answers at who.example/none" "$(get -H 'Host: who.example' http://127.0.0.1/none)"
says "by TLS as well" "<h1>Nothing answers at" "$(get -H 'Accept: text/html' https://127.0.0.1/none)"
page=$(get -H 'Accept: text/html' "http://127.0.0.1/%3Cscript%3E?<b>")
check "escaped" eval '! [[ $page == *"<script"* || $page == *"<b>"* ]]'
same "the platform's pages are its own" 404 "$(code http://127.0.0.1/admin)"
same "what the direct address is asked for by a route's host" 404 "$(code -H 'Host: shop.example.org' http://127.0.0.1:5001/)"
same "and by another" 421 "$(code -H 'Host: who.example' http://127.0.0.1:5001/)"

# --- only Traefik reaches the agent on its network
agent_url=$(sed -n 's/.*url: "\(http:[^"]*:5001\)".*/\1/p' "$state/ingress/routes/evenkeel.yaml")
says "the agent stands on a gateway" "http://10.213." "$agent_url"
# By way of the engine's masquerading the host comes from another network, where nobody is even heard.
check "the host itself is not Traefik" eval '[[ $(code "$agent_url/healthz") == @(000|403) ]]'
write_file spy.yaml <<Y
app: spy
image: busybox:stable
command: ["sh", "-c", "wget -q -T 3 -O - $agent_url/healthz; echo code \$?; sleep 100000"]
stop_signal: SIGKILL
Y
becomes "somebody else's container" "evenkeel=Synced shop=Synced spy=Synced" 30
check "does not get through" wait_until 8 eval '[[ $(evenkeel logs spy 2>&1) == *"code 1"* ]]'

# --- replay, and the agent's end
check "the saved pass is planned again" eval '"$EVENKEEL" replay --state "$state" >/dev/null 2>&1 || [ $? = 2 ]'
stop_agent
same "apps go on without the agent" 200 "$(code -u anna:two http://127.0.0.1/shop)"
same "its page does not" 502 "$(code http://127.0.0.1/none)"

# --- a host of its own
same "that an app shares its host with the pages was said once" 1 "$(grep -c 'scripts act as who is logged in' "$agent_log")"
printf 'http: {hosts: [ops.example.org]}\n' >"$work/agent.yaml"
start_agent --config "$work/agent.yaml"
check "there the pages are" wait_until 20 is_code 200 -H 'Host: ops.example.org' http://127.0.0.1/login
check "and nowhere else" wait_until 10 is_code 404 http://127.0.0.1/login
same "not by TLS either" 404 "$(code https://127.0.0.1/api/v1/apps)"
check "no app is, by whatever path" wait_until 10 is_code 404 -u anna:two -H 'Host: ops.example.org' http://127.0.0.1/shop
check "it is where it was" wait_until 10 is_code 200 -u anna:two http://127.0.0.1/shop
printf 'app: thief\nimage: traefik/whoami:v1.10\nport: 80\nroute: OPS.example.org\n' | write_file thief.yaml
check "who asks for that host is refused" wait_until 10 grep -q "ops.example.org is the platform's own" "$agent_log"
rm "$root/thief.yaml"
stop_agent
start_agent
check "and is back with it" wait_until 20 is_code 200 http://127.0.0.1/login
rm "$root"/*.yaml
sleep 0.5
check "held removals keep the routes" is_code 200 -u anna:two http://127.0.0.1/shop
