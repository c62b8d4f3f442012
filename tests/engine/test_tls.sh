#!/bin/bash
# The engine over TCP, plain and with TLS: client certificates, a wrong authority, a wrong name, nobody there. socat stands in front of the engine's socket.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
command -v socat >/dev/null || skip_all "no socat (tests/deps.sh test installs it)"
command -v openssl >/dev/null || skip_all "no openssl (tests/deps.sh test installs it)"
need_engine
[[ $DOCKER_HOST == unix://* ]] || skip_all "needs an engine on a unix socket to stand in front of"

socket=${DOCKER_HOST#unix://}
real=$DOCKER_HOST
certs=$work/certs
mkdir -p "$certs"/{good,other,bare}
ssl() { openssl "$@" 2>/dev/null; }

# authority NAME, then certificate AUTHORITY NAME EXTENSION
authority() { ssl req -x509 -newkey ed25519 -nodes -days 2 -subj "/CN=$1" -keyout "$certs/$1.key" -out "$certs/$1.pem" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign; }
certificate() {
    ssl req -newkey ed25519 -nodes -subj "/CN=$2" -keyout "$certs/$2.key" -out "$certs/$2.csr"
    ssl x509 -req -in "$certs/$2.csr" -CA "$certs/$1.pem" -CAkey "$certs/$1.key" -CAcreateserial -days 2 -extfile <(echo "$3") -out "$certs/$2.pem"
}
authority ca
authority stranger
certificate ca server subjectAltName=DNS:localhost,IP:127.0.0.1
certificate ca client extendedKeyUsage=clientAuth
certificate stranger intruder extendedKeyUsage=clientAuth
# As `docker context` and DOCKER_CERT_PATH expect them
cp "$certs/ca.pem" "$certs/good/ca.pem" && cp "$certs/client.pem" "$certs/good/cert.pem" && cp "$certs/client.key" "$certs/good/key.pem"
cp "$certs/ca.pem" "$certs/other/ca.pem" && cp "$certs/intruder.pem" "$certs/other/cert.pem" && cp "$certs/intruder.key" "$certs/other/key.pem"
cp "$certs/stranger.pem" "$certs/bare/ca.pem" && cp "$certs/client.pem" "$certs/bare/cert.pem" && cp "$certs/client.key" "$certs/bare/key.pem"

socat TCP-LISTEN:12375,bind=127.0.0.1,reuseaddr,fork "UNIX-CONNECT:$socket" 2>/dev/null &
# pf=ip4, so that "localhost" finds it
socat "OPENSSL-LISTEN:12376,bind=127.0.0.1,reuseaddr,fork,cert=$certs/server.pem,key=$certs/server.key,cafile=$certs/ca.pem,verify=1" "UNIX-CONNECT:$socket" 2>/dev/null &
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
check "both listen" wait_until 5 eval 'listens 12375 && listens 12376'
says "the certificates are good" OK "$(curl -s --max-time 5 --cacert "$certs/ca.pem" --cert "$certs/client.pem" --key "$certs/client.key" https://localhost:12376/_ping)"

sleeper web "network_mode: none"
on() { # URL [VARIABLE=VALUE...] -- COMMAND...: with that engine
    local url=$1 settings=()
    shift
    while [ "$1" != -- ]; do settings+=("$1") && shift; done
    shift
    env -u DOCKER_HOST -u DOCKER_TLS_VERIFY -u DOCKER_CERT_PATH "${settings[@]}" "$EVENKEEL" "$@" --root "$root" --state "$state" --docker "$url"
}
refused() { # NAME WORDS ON'S ARGUMENTS...: a clear error, within 15 s
    local name=$1 words=$2 out status=0 begin=$SECONDS
    shift 2
    out=$(on "$@" 2>&1) || status=$?
    same "$name" 1 "$status"
    [ -z "${EVENKEEL_TEST_VERBOSE:-}" ] || echo "     $out"
    if grep -qiE "$words" <<<"$out"; then pass "$name: it says why"; else fail "$name: it says why" "no \"$words\" in: $out"; fi
    check "$name: soon" test $((SECONDS - begin)) -le 15
}

# --- plain
same "tcp://" 0 "$(exit_of on tcp://127.0.0.1:12375 -- apply)"
check "it runs" docker_running web-app-1
same "from DOCKER_HOST" 0 "$(DOCKER_HOST=tcp://127.0.0.1:12375 exit_of "$EVENKEEL" plan --root "$root" --state "$state")"
same "a name instead of an address" 0 "$(exit_of on tcp://localhost:12375 -- plan)"
flags=(--root "$root")
DOCKER_HOST=tcp://127.0.0.1:12375 start_agent
check "an agent over TCP" wait_until 10 grep -q "Synced app=web" "$agent_log"
api DELETE '/containers/web-app-1?force=1'
check "sees events, and heals" wait_until 5 docker_running web-app-1
stop_agent

# --- TLS
tls=(DOCKER_TLS_VERIFY=1 "DOCKER_CERT_PATH=$certs/good")
same "TLS" 0 "$(exit_of on tcp://localhost:12376 "${tls[@]}" -- plan)"
same "written as https" 0 "$(exit_of on https://localhost:12376 "${tls[@]}" -- plan)"
same "by address" 0 "$(exit_of on tcp://127.0.0.1:12376 "${tls[@]}" -- plan)"
same "logs over TLS" 0 "$(exit_of on tcp://localhost:12376 "${tls[@]}" -- logs web)"
: >"$agent_log"
export "${tls[@]}"
DOCKER_HOST=tcp://localhost:12376 start_agent
check "an agent over TLS" wait_until 10 grep -q "Synced app=web" "$agent_log"
before=$(inspect web-app-1 .Id)
api DELETE '/containers/web-app-1?force=1'
check "sees events, and heals" wait_until 5 eval '[ "$(inspect web-app-1 .Id)" != "$before" ] && docker_running web-app-1'
stop_agent
unset DOCKER_TLS_VERIFY DOCKER_CERT_PATH
DOCKER_HOST=$real

# --- what must not work
refused "another authority" "certificate|authority|issuer|CA" tcp://localhost:12376 DOCKER_TLS_VERIFY=1 "DOCKER_CERT_PATH=$certs/bare" -- plan
refused "a client of another authority" "certificate|tls|handshake|alert|denied|closed" tcp://localhost:12376 DOCKER_TLS_VERIFY=1 "DOCKER_CERT_PATH=$certs/other" -- plan
certificate ca wrongname subjectAltName=DNS:elsewhere.test
socat "OPENSSL-LISTEN:12377,bind=127.0.0.1,reuseaddr,fork,cert=$certs/wrongname.pem,key=$certs/wrongname.key,cafile=$certs/ca.pem,verify=1" "UNIX-CONNECT:$socket" 2>/dev/null &
wait_until 5 listens 12377
refused "a certificate of another name" "name|localhost|certificate" tcp://localhost:12377 "${tls[@]}" -- plan
refused "TLS where there is none" "tls|ssl|wrong version|handshake" tcp://localhost:12375 "${tls[@]}" -- plan
refused "none where there is TLS" "12376" tcp://localhost:12376 -- plan
refused "no certificates" "cert.pem|key.pem|ca.pem|certificate" tcp://localhost:12376 DOCKER_TLS_VERIFY=1 "DOCKER_CERT_PATH=$work/none" -- plan
refused "nobody there" "127.0.0.1:9|connect" tcp://127.0.0.1:9 -- plan
refused "a name that is nobody's" "nobody.invalid|resolve" tcp://nobody.invalid:2375 -- plan
refused "a URL that is none" "gopher" gopher://localhost -- plan
same "what runs was not touched" true "$(inspect web-app-1 .State.Running)"
