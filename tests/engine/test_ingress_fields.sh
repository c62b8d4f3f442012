#!/bin/bash
# What happens to a request on its way: each field of `route:` by a request through Traefik.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
# shellcheck source=tests/engine/ingress.sh
. "$(dirname "$0")/ingress.sh"
web=http://127.0.0.1:$http_port

printf 'ann:%s\n' "$(openssl passwd -apr1 wonder)" | secret set team
printf 'bob:%s\n' "$(openssl passwd -apr1 builder)" | secret set --app guarded own

middlewares() { echo_app "$1" "route: {path: /$1, middlewares: {$2}}"; }
middlewares heads 'headers: {request: {X-Told: "it`s $${HOME} {{ env \"PATH\" }}"}, response: {X-Answered: "yes {{x}}", Server: ""}}'
middlewares limited 'rate_limit: {average: 1, burst: 2, period: 1m}'
middlewares guarded 'basic_auth: {secret: own}'
middlewares common 'basic_auth: {secret: team}'
middlewares inside 'ip_allow_list: [10.0.0.0/8, 127.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]'
middlewares outside 'ip_allow_list: [203.0.113.0/24]'
middlewares zipped 'compress: true'
middlewares moved 'redirect: {to: /elsewhere, permanent: true}'
middlewares away 'redirect: {to: "https://www.example.com/x"}'
middlewares small 'max_body: 1k'
middlewares again 'retry: {attempts: 4}'
echo_app sticky "route: {path: /sticky, sticky: true}" "deploy: {replicas: 2}"
echo_app named "route: {path: /named, sticky: {cookie: mine}}" "deploy: {replicas: 2}"
# A Traefik speaks everything that an app may speak.
program() {
    printf 'app: %s\nimage: traefik:v3.7\nentrypoint: ["traefik"]\nstop_signal: SIGKILL\nmem_limit: 256m\n' "$1"
    printf 'command: ["--ping=true", "--ping.entrypoint=web", "--entrypoints.web.address=:8080", "--accesslog=true", "--accesslog.addinternals=true"%s]\n' "$2"
    printf 'route: {path: /%s, port: 8080, %s}\n' "$1" "$3"
}
program h2c '' 'scheme: h2c' | write_file h2c.yaml
program secure ', "--entrypoints.web.http.tls=true"' 'scheme: https, insecure_skip_verify: true' | write_file secure.yaml
program distrust ', "--entrypoints.web.http.tls=true"' 'scheme: https' | write_file distrust.yaml
cat <<'YAML' | write_file sick.yaml
app: sick
image: busybox:stable
command: ["sh", "-c", "mkdir /tmp/w; echo well >/tmp/w/index.html; [ $$(hostname) ]; echo yes >/tmp/w/up; exec standin httpd -f -p 8000 -h /tmp/w"]
port: 8000
stop_signal: SIGKILL
user: "1000"
deploy: {replicas: 2}
route: {path: /sick, health: {path: /up, interval: 300ms, timeout: 1s}}
YAML
start_agent
at_rest() { evenkeel status --json 2>/dev/null | jq -e '(.apps | length == 18) and all(.apps[]; .state == "Synced")'; }
if wait_until 60 at_rest; then pass "all are there"; else fail "all are there" "$(states)"; fi

# --- headers
page=$(fetch /heads)
says "a header goes with the request, to the letter" 'X-Told: it`s ' "$page"
says "without being read as a template" '{{ env "PATH" }}' "$page"
says "one comes with the answer" 'x-answered: yes {{x}}' "$(headers /heads)"
same "one is taken away" "" "$(headers /heads | grep '^server:' || true)"

# --- rate limit
codes=$(for _ in 1 2 3 4 5; do code /limited; echo; done | sort | uniq -c | awk '{print $2 "x" $1}' | xargs)
same "a burst, then 429" "200x2 429x3" "$codes"

# --- passwords
coded "no password" 401 /guarded
coded "a wrong one" 401 /guarded -u bob:wrong
served "the right one" guarded /guarded -u bob:builder
coded "an app's secret is its own" 401 /guarded -u ann:wonder
served "a common one" common /common -u ann:wonder
same "the password stays at the door" "" "$(fetch /common -u ann:wonder | grep -i '^Authorization' || true)"
printf 'ann:%s\n' "$(openssl passwd -apr1 changed)" | secret set team
check "a changed secret is taken" wait_until 10 answers 200 /common -u ann:changed
coded "and the old one no more" 401 /common -u ann:wonder
same "no secret in a label or a route file" "" "$(grep -rl 'apr1' "$routes" || true; owned containers .Labels | grep apr1 || true)"

# --- who may come
served "from an allowed address" inside /inside
coded "from another" 403 /outside

# --- the body
same "compressed when asked for" gzip "$(headers /zipped -H 'Accept-Encoding: gzip' -H "X-Long: $(printf 'x%.0s' {1..2000})" | sed -n 's/^content-encoding: //p')"
same "and not otherwise" "" "$(headers /zipped -H "X-Long: $(printf 'x%.0s' {1..2000})" | sed -n 's/^content-encoding: //p')"
head -c 1000 /dev/zero | tr '\0' x >"$work/1000"
head -c 5000 /dev/zero | tr '\0' x >"$work/5000"
coded "a small body" 200 /small --data-binary "@$work/1000"
coded "a large one" 413 /small --data-binary "@$work/5000"
served "other apps take it" again /again --data-binary "@$work/5000"

# --- redirects
same "redirect" "301 $web/elsewhere/a?b=c" "$(curl -s -o /dev/null -w '%{http_code} %{redirect_url}' "$web/moved/a?b=c")"
same "to another host, for now" "302 https://www.example.com/x" "$(curl -s -o /dev/null -w '%{http_code} %{redirect_url}' "$web/away")"

# --- one visitor, one server
visits() { for _ in 1 2 3 4 5 6; do curl -s -b "$work/jar" -c "$work/jar" "$web/$1" | sed -n 's/^Hostname: //p'; done | sort -u | wc -l; }
same "sticky: one server" 1 "$(visits sticky)"
same "by a cookie of its own" 1 "$(visits named)"
says "with the name it was given" mine "$(cat "$work/jar")"
same "without the cookie both" 2 "$(for _ in 1 2 3 4 5 6; do fetch /named | sed -n 's/^Hostname: //p'; done | sort -u | wc -l)"

# --- what the app speaks
coded "h2c" 200 /h2c/ping
log_of() { api GET "/containers/$1/logs?stdout=1&stderr=1" | tr -d '\0'; }
says "really" "HTTP/2.0" "$(log_of h2c-app-1)"
coded "https" 200 /secure/ping
coded "a certificate that nobody signed is refused" 500 /distrust/ping

# --- Traefik looks after the servers itself
for _ in 1 2 3 4; do fetch /sick; done >"$work/well"
same "both are well" 4 "$(grep -c well "$work/well")"
# One goes on listening but says that it is ill: only Traefik's own look can tell.
exec_in() {
    local id
    id=$(api POST "/containers/$1/exec" "$(jq -nc '{Cmd: $ARGS.positional}' --args "${@:2}")" | jq -r .Id)
    api POST "/exec/$id/start" '{"Detach": true}'
}
exec_in sick-app-1 rm /tmp/w/up
exec_in sick-app-1 sh -c 'echo ill >/tmp/w/index.html'
only_well() { local n; for n in 1 2 3 4 5 6; do [[ $(fetch /sick) == *well* ]] || return 1; done; }
check "one that says it is ill gets no requests" wait_until 10 only_well
