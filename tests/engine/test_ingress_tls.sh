#!/bin/bash
# https: certificates from an ACME server (pebble, which really asks back) by both challenges, certificates of the user's own by secret,
# their replacement while they are used, and what status tells of their end.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
# shellcheck source=tests/engine/ingress.sh
. "$(dirname "$0")/ingress.sh"

# secure HOST PATH [CURL OPTIONS...]: over https; the certificate must hold for the host and come from $ca.
secure() {
    curl -sS --max-time 10 -w '\n%{http_code}' --cacert "$ca" --resolve "$1:$https_port:127.0.0.1" "https://$1:$https_port$2" "${@:3}" 2>&1
}
secured() { # APP HOST PATH
    local page
    page=$(secure "${@:2}")
    [ "${page##*$'\n'}" = 200 ] && [[ $page == *"Name: $1"$'\n'* ]]
}
issuer() { # HOST
    openssl s_client -connect 127.0.0.1:$https_port -servername "$1" </dev/null 2>/dev/null | openssl x509 -noout -issuer
}
serial() {
    openssl s_client -connect 127.0.0.1:$https_port -servername "$1" </dev/null 2>/dev/null | openssl x509 -noout -serial
}

# certificate NAME HOST DAYS: NAME.pem and NAME.key, signed by the test's own authority
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" -days 30 -subj "/CN=test authority" 2>/dev/null
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" -out "$work/$1.csr" -subj "/CN=$1" 2>/dev/null
    openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days "$3" -out "$work/$1.pem" \
        -extfile <(printf 'subjectAltName=%s\n' "$2") 2>/dev/null
}

# --- a certificate of the user's own
ca=$work/ca.pem
certificate shop DNS:shop.test 100
certificate soon DNS:soon.test 10
secret set shop-cert <"$work/shop.pem"
secret set shop-key --file "$work/shop.key"
same "secrets are for root alone" 600 "$(stat -c %a "$state/secrets/shop-key")"
echo_app shop "route: {host: shop.test, tls: {cert: shop-cert, key: shop-key}}"
echo_app lost "route: {host: lost.test, tls: {cert: no-such, key: no-such-key}}"
start_agent
check "served over https" wait_until 60 secured shop shop.test /x
same "http goes to https" "https://shop.test:$https_port/a?b=c" \
    "$(curl -s -o /dev/null -w '%{redirect_url}' -H 'Host: shop.test' "http://127.0.0.1:$http_port/a?b=c")"
check "a route whose secret is not there is refused" wait_until 5 is Refused lost
says "with the next thing to do" "evenkeel secret set" "$(app_why lost)"
check "and its place" grep -q "lost.yaml:[0-9]*:[0-9]*: error" "$agent_log"
secret set no-such <"$work/soon.pem"
secret set no-such-key <"$work/soon.key"
check "and served once it is" wait_until 20 is Synced lost
out=$(evenkeel status)
says "status shows https addresses" "https://shop.test" "$out"
says "and which certificate ends soon" "no-such" "$out"
before=$(serial shop.test)
container=$(inspect $traefik .Id)
certificate shop DNS:shop.test 200
hammer_tls() { local n; for n in 1 2 3 4 5 6 7 8 9 10 11 12; do secure shop.test /x; echo; sleep 0.05; done; }
hammer_tls >"$work/during" &
secret set shop-cert <"$work/shop.pem"
# Until its key is there, too, the old pair serves.
check "a certificate without its key is not taken up" wait_until 5 is Refused shop
says "with the reason" "does not belong to the certificate" "$(app_why shop)"
secret set shop-key <"$work/shop.key"
renewed() { [ "$(serial shop.test)" != "$before" ] && secured shop shop.test /x; }
check "a new certificate is taken up" wait_until 10 renewed
wait $! || true
same "without a request lost" 12 "$(grep -c '^200$' "$work/during")"
same "or a container replaced" "$container" "$(inspect $traefik .Id)"
same "keys are nobody else's to read" "" "$(find "$state/ingress" "$state/secrets" -type f -perm /o=rwx)"
out=$(evenkeel plan 2>&1 || true)
says "a plan warns of one that ends within three weeks" "no-such" "$out"

# --- ACME
if ! pebble=$("$engine_dir/tools.sh" pebble 2>"$work/tools.log"); then
    skip "certificates by ACME" "$(tail -n 1 "$work/tools.log")"
    exit 0
fi
if [ -z "${EVENKEEL_TEST_ENGINE_DIR:-}" ]; then
    skip "certificates by ACME" "needs a private engine"
    exit 0
fi
address=$(ip -4 -o addr show | awk '$2 ~ /^evk/ { sub("/.*", "", $4); print $4; exit }')
certificate directory "IP:$address" 30
jq -n --arg dir "$work" --argjson http $http_port --argjson https $https_port '{pebble: {listenAddress: "0.0.0.0:14000",
    managementListenAddress: "127.0.0.1:15000", certificate: "\($dir)/directory.pem", privateKey: "\($dir)/directory.key",
    httpPort: $http, tlsPort: $https, ocspResponderURL: "", externalAccountBindingRequired: false, keyAlgorithm: "ecdsa",
    retryAfter: {authz: 1, order: 1}, profiles: {default: {description: "", validityPeriod: 7776000}}}}' >"$work/pebble.json"
"$("$engine_dir/tools.sh" challtestsrv)" -dnsserver 127.0.0.1:8053 -http01 '' -https01 '' -tlsalpn01 '' -doh '' -management 127.0.0.1:8055 \
    -defaultIPv4 127.0.0.1 -defaultIPv6 '' >"$work/dns.log" 2>&1 &
PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 "$pebble" -config "$work/pebble.json" -dnsserver 127.0.0.1:8053 >"$work/pebble.log" 2>&1 &
check "the ACME server answers" wait_until 10 curl -s --cacert "$work/ca.pem" "https://$address:14000/dir"
curl -sk https://127.0.0.1:15000/roots/0 >"$work/roots.pem"
install -m 644 "$work/ca.pem" "$work/acme-ca.pem"
chmod 755 "$work"

acme() { # CHALLENGE
    settings "acme: {email: admin@example.com, server: 'https://$address:14000/dir', challenge: $1, ca: $work/acme-ca.pem}"
}
acme http
echo_app auto "route: {host: auto.test, tls: auto}"
stop_agent
start_agent
ca=$work/roots.pem
check "a certificate is got by http-01" wait_until 60 secured auto auto.test /x
says "from that server" "Pebble" "$(issuer auto.test)"
check "which asked on port 80" grep -q "validate w/ HTTP: http://auto.test:$http_port/.well-known/acme-challenge/" "$work/pebble.log"
same "it is kept where only Traefik reads it" "600 65532" "$(stat -c '%a %u' "$state/ingress-acme/acme.json")"
stop_agent
acme tls-alpn
start_agent
by_alpn() { [[ $(inspect $traefik '.Args | join(" ")') == *tlschallenge* ]] && docker_running $traefik && secured auto auto.test /x; }
check "the first certificate outlives the Traefik that got it" wait_until 30 by_alpn
echo_app second "route: {host: second.test, tls: auto}"
check "another by tls-alpn-01" wait_until 60 secured second second.test /x
check "which asked for it" grep -q 'Type:"dns", Value:"second.test"' "$work/pebble.log"
check "but not on port 80" bash -c '! grep -q "w/ HTTP: http://second" "$1"' - "$work/pebble.log"
check "the first is still used" secured auto auto.test /x
ca=$work/ca.pem
check "and the user's own as well" secured shop shop.test /x
