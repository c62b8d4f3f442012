#!/bin/bash
# Nobody gets what is another's or the platform's: neither by what a file says nor by what a request looks like.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
# shellcheck source=tests/engine/ingress.sh
. "$(dirname "$0")/ingress.sh"

printf 'ann:%s\n' "$(openssl passwd -apr1 wonder)" | secret set team
echo_app victim "route: [/victim, victim.test]"
echo_app guarded "route: {path: /guarded, middlewares: {basic_auth: {secret: team}}}"
echo_app open "route: /open"
start_agent
check "the platform is at work" wait_until 60 from victim /victim
check "all of it" wait_until 20 from open /open
check "the guarded one asks" wait_until 20 answers 401 /guarded

# --- what a file may not say: each is refused with its place, and nothing of it is ever served
refuse() { # NAME TEXT OF THE FILE
    local out status=0
    printf '%s\n' "$2" >"$work/try/evil.yaml"
    out=$("$EVENKEEL" validate --root "$root" --root "$work/try" --config "$config" 2>&1) || status=$?
    if [ $status = 1 ] && grep -q 'evil.yaml:[0-9]*:.*error' <<<"$out"; then
        refused=$((refused + 1))
    else
        fail "refused: $1" "exit status $status, \"$out\""
    fi
}
mkdir -p "$work/try"
refused=0
routes_tried=0
while IFS= read -r route; do
    [ -n "$route" ] || continue
    routes_tried=$((routes_tried + 1))
    refuse "route $route" "$(printf 'app: evil\nimage: busybox:stable\nroute: %s' "$route")"
done <<'LIST'
/victim
/victim/
{host: VICTIM.test}
victim.test
{host: victim.test, path: /}
[/fine, /victim]
"/a`) || PathPrefix(`/victim"
"/a`) || Host(`victim.test"
"/a\") || PathPrefix(\"/victim"
"/a') || PathPrefix('/victim"
"/a\\`)"
"/a\nPathPrefix(`/`)"
"/a b"
"/a\tb"
"/a\u0000b"
"/victim/../x"
"/x/../victim"
"/x/./victim"
"/.."
"//victim"
"/x//victim"
"/%76ictim"
"/victim%2f"
"/x%2e%2e/victim"
"/x;/victim"
"/x?y"
"/x#y"
"/{any:.*}"
"/.*"
"/^"
"/[v]ictim"
"/(victim)"
"/victim|x"
"/x && PathPrefix(`/`)"
"/{{ env `PATH` }}"
"/${HOME}x{"
"/víctim"
"/ｖictim"
"victim"
"x/../y"
"victim.test."
"victim.test:80"
"http://victim.test"
"victim.test`) || PathPrefix(`/"
"*"
"*.*"
"x.*.test"
"victim.test, other.test"
"127.0.0.1"
"[::1]"
"-x.test"
"x..test"
"x_y.test"
"víctim.test"
{host: "{{ .Host }}.test"}
{host: "x\ny.test"}
/traefik
/TRAEFIK
/traefik/api
/api
/Api/x
/admin
/login
/logout
/upload
/hooks
/.well-known/acme-challenge
/.well-known/acme-challenge/x
{path: /x, rule: "PathPrefix(`/`)"}
{path: /x, priority: 99999999}
{path: /x, priority: "1`"}
{path: /x, middlewares: {headers: {request: {"X-A\r\nX-B": "1"}}}}
{path: /x, middlewares: {headers: {response: {X-A: "1\r\nX-B: 2"}}}}
{path: /x, middlewares: {headers: {request: {Transfer-Encoding: chunked}}}}
{path: /x, middlewares: {headers: {request: {Content-Length: "0"}}}}
{path: /x, middlewares: {redirect: {to: "javascript:alert(1)"}}}
{path: /x, middlewares: {redirect: {to: "//evil.test"}}}
{path: /x, middlewares: {redirect: {to: "https://user@victim.test"}}}
{path: /x, middlewares: {redirect: {to: "https://x.test/`${1}{{.}}"}}}
{path: /x, middlewares: {basic_auth: {secret: ../team}}}
{path: /x, middlewares: {basic_auth: {secret: victim/own}}}
{path: /x, middlewares: {basic_auth: {secret: /etc/passwd}}}
{path: /x, middlewares: {ip_allow_list: ["0.0.0.0/0`"]}}
{path: /x, middlewares: [other@file]}
{path: /x, middlewares: {forward_auth: {address: "http://evil"}}}
{path: /x, service: victim_app_1@file}
{path: /x, sticky: {cookie: "a; Domain=victim.test"}}
{path: /x, health: {path: "http://victim.test/"}}
{path: /x, health: {path: //victim.test/}}
{path: /x, port: 70000}
{path: /x, scheme: file}
{host: x.test, tls: {cert: ../../etc/x, key: y}}
{path: /x, tls: auto}
LIST
same "every route of the list is refused, with its place" $routes_tried $refused

refused=0
refuse "the platform's own name" "$(printf 'app: evenkeel\nimage: busybox:stable\nroute: /x')"
refuse "labels" "$(printf 'app: evil\nimage: busybox:stable\nlabels: {traefik.http.routers.x.rule: "PathPrefix(`/victim`)"}')"
refuse "labels as a list" "$(printf 'app: evil\nimage: busybox:stable\nlabels: ["traefik.enable=true"]')"
refuse "labels in another case" "$(printf 'app: evil\nimage: busybox:stable\nlabels: {Traefik.Enable: "true"}')"
refuse "labels of tcp routers" "$(printf 'app: evil\nimage: busybox:stable\nlabels: {traefik.tcp.routers.x.rule: "HostSNI(`*`)"}')"
same "so are names and labels" 5 $refused

# --- who has it keeps it
printf 'app: aaa\nimage: traefik/whoami:v1.10\nport: 80\nenvironment: {WHOAMI_NAME: aaa}\nroute: /victim\n' | write_file aaa.yaml
check "a second claim is refused though it comes first in order" wait_until 15 is Refused aaa
says "with the place of the first" "victim.yaml:" "$(app_why aaa)"
served "who had it keeps it" victim /victim
rm "$root/aaa.yaml"
echo_app nest "route: /victim/inner"
check "a part of another's path is claimed openly, the longer wins" wait_until 30 from nest /victim/inner
served "and leaves the rest" victim /victim/innermost
rm "$root/nest.yaml"
check "and is given back" wait_until 20 from victim /victim/inner

# --- texts that look like something else reach the app as they are
echo_app texts 'route: {path: "/te-x_t~@:+,=", middlewares: {headers: {request: {X-Text: "`\"'"'"'{{ env `PATH` }} {{DIGEST}} $${1} \\ %0a #"}}}}'
check "odd letters" wait_until 20 from texts '/te-x_t~@:+,='
says "odd texts" 'X-Text: `"'"'"'{{ env `PATH` }} {{DIGEST}} ${1} \ %0a #' "$(fetch '/te-x_t~@:+,=')"

# --- what a request may look like
never() { # NAME WORD PATH [CURL OPTIONS...]
    local page
    page=$(fetch "${@:3}")
    if [[ $page == *"$2"* ]]; then fail "$1" "$3: $page"; else clean=$((clean + 1)); fi
}
clean=0
tried=0
while IFS= read -r path; do
    tried=$((tried + 2))
    never "past the password" "Name: guarded" "$path"
    never "to Traefik's API" '"routers"' "$path"
done <<'LIST'
/guarded
/guarded/
//guarded
/./guarded
/guarded/.
/guarded//x
/open/../guarded
/open/%2e%2e/guarded
/open/..%2fguarded
/open/..%5cguarded
/open/..;/guarded
/%67uarded
/guarde%64
/guarded%2f
/guarded%00
/guarded;x
/guarded%3bx
/GUARDED
/guarded?x
/guarded%3fx
/guarded%23
/traefik
/traefik/
/traefik/api/rawdata
/%74raefik/api/rawdata
//traefik/api/rawdata
/open/../traefik/api/rawdata
/open/%2e%2e/traefik/api/rawdata
/TRAEFIK/api/rawdata
/api/rawdata
/api/http/routers
/dashboard/
/debug/pprof/
/ping
/metrics
LIST
for header in 'X-Forwarded-Prefix: /guarded' 'X-Forwarded-Host: victim.test' 'X-Original-URL: /guarded' 'X-Rewrite-URL: /guarded' \
    'X-Forwarded-Uri: /guarded' 'Authorization: Basic' 'Authorization: Basic Og==' 'X-Forwarded-User: ann'; do
    tried=$((tried + 2))
    never "by a header" "Name: guarded" /open -H "$header"
    never "by a header" "Name: guarded" /guarded -H "$header"
done
same "no spelling of a request gets past a password or to Traefik" $tried $clean

# raw TEXT: a request as it is written
raw() { printf "$1" | timeout 5 socat STDIO,ignoreeof "TCP:127.0.0.1:$http_port" || true; }
out=$(raw 'GET http://victim.test/ HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n')
says "an absolute target decides, whatever Host says" 'Host: victim.test' "$out"
out=$(raw 'GET / HTTP/1.1\r\nHost: other.test\r\nHost: victim.test\r\nConnection: close\r\n\r\n')
check "two hosts are refused" grep -q '^HTTP/1.1 400' <<<"$out"
out=$(raw 'POST /open HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /guarded HTTP/1.1\r\nHost: x\r\n\r\n')
check "two lengths smuggle nothing" bash -c '! grep -q "Name: guarded" <<<"$1"' - "$out"
out=$(fetch /open -H 'X-Forwarded-For: 6.6.6.6' -H 'X_Forwarded_For: 6.6.6.6' -H 'X-Real-Ip: 6.6.6.6')
check "nobody forges where he comes from" bash -c '! grep -q "6\.6\.6\.6" <<<"$1"' - "$out"

# --- from the inside
gateway=$(inspect $traefik '.NetworkSettings.Networks | to_entries | min_by(.key) | .value.Gateway')
agent_port=$(ss -ltnH | awk -v g="$gateway:" 'index($4, g) == 1 { sub(".*:", "", $4); print $4; exit }')
if [ -n "$agent_port" ]; then
    id=$(api POST /containers/open-app-1/exec "$(jq -nc --arg u "http://$gateway:$agent_port/" \
        '{Cmd: ["sh", "-c", "wget -T 2 -q -O - \($u) 2>&1; true"], AttachStdout: true, AttachStderr: true}')" | jq -r .Id)
    out=$(api POST "/exec/$id/start" '{"Detach": false}' | tr -d '\0')
    check "an app does not reach the agent where Traefik does" bash -c '! grep -q "evenkeel" <<<"$1" || grep -q 403 <<<"$1"' - "$out"
else
    fail "the platform's listener" "none on $gateway"
fi
