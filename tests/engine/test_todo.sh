#!/bin/bash
# examples/todo as it stands, with real programs: nginx, Gunicorn with Flask, MariaDB. Its page through Traefik, who reaches whom, what each may do, and a todo
# that outlives every container.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
[ "${EVENKEEL_TEST_SLOW:-}" = yes ] || skip_all "takes a minute or two: EVENKEEL_TEST_SLOW=yes runs it"
need_engine
# shellcheck source=tests/engine/ingress.sh
. "$engine_dir/ingress.sh"
# shellcheck source=tests/engine/real.sh
. "$engine_dir/real.sh"
real_images nginx:1.27-alpine python:3.11-slim mariadb:10.11

cp -r "$repo/examples/todo" "$work/"
root=$work/todo
flags=(--root "$root" --config "$config")
all="todo-app-1 todo-app-2 todo-db-1 todo-nginx-1"
containers() { owned containers 'select(.Labels["evenkeel.app"] == "todo") | .Names[0][1:]' | sort | tr '\n' ' ' | sed 's/ $//'; }

# page PATH [CURL OPTIONS...]: as one visitor, with cookies
page() { curl -sS --max-time 20 -b "$work/jar" -c "$work/jar" "http://127.0.0.1:$http_port/todo$1" "${@:2}"; }
token() { page / | sed -n 's/.*name="token" value="\([^"]*\)".*/\1/p' | head -n 1; }
send() { page "$1" -o /dev/null -w '%{http_code}' --data-urlencode "token=$(token)" "${@:2}"; }
lists() { [[ $(page /) == *"$1"* ]]; }

# --- it starts
same "without its secrets" 1 "$(exit_of apply)"
says "it says what to do" "evenkeel secret set" "$(app_why todo)"
canary=c4n4ry$RANDOM$RANDOM
for name in db_password db_root_password session_key; do
    printf '%s' "$canary$name" | secret set --app todo $name >/dev/null 2>&1
done
begin=$SECONDS
start_agent
becomes "with them all of it is well" "evenkeel=Synced todo=Synced" 400
echo "     ($((SECONDS - begin)) s from nothing to all healthy)"
same "two of the application, and one each" "$all" "$(containers)"
same "nothing is left to be done" 0 "$(exit_of plan)"

# --- a visitor
check "the page, through Traefik" wait_until 10 lists "Nothing to do."
same "a todo is added" 303 "$(send /todos --data-urlencode 'title=Buy <b>milk</b>')"
check "and shown as it was written" lists "<span>Buy &lt;b&gt;milk&lt;/b&gt;</span>"
same "whatever it says" 303 "$(send /todos --data-urlencode "title=x'); DROP TABLE todo; --")"
check "to the database, too" lists "x&#39;); DROP TABLE todo; --"
same "one is ticked off" 303 "$(send /todos/1 --data done=yes)"
check "and stays so" eval '[ "$(page / | grep -c "class=\"done\"")" = 1 ]'
same "a form from elsewhere is refused" 400 "$(page /todos -o /dev/null -w '%{http_code}' --data title=forged)"
check "and changes nothing" eval '! lists forged'
same "an empty one too" 400 "$(send /todos --data title=)"
same "links keep the prefix" 200 "$(code "$(page / | sed -n 's/.*rel="stylesheet" href="\([^"]*\)".*/\1/p')")"
cookie=$(curl -s -o /dev/null -D - "http://127.0.0.1:$http_port/todo/" | tr -d '\r' | grep -i '^set-cookie')
says "the session belongs to the application" "HttpOnly; Path=/todo; SameSite=Lax" "$cookie"
says "secret over TLS" "Secure" "$(curl -s -o /dev/null -D - -H 'X-Forwarded-Proto: https' -H 'X-Forwarded-Prefix: /x' "http://$(inspect todo-nginx-1 \
    '.NetworkSettings.Networks["todo_frontend"].IPAddress'):8080/" | grep -i '^set-cookie')"

# --- nginx
style=$(headers /todo/static/style.css -H 'Accept-Encoding: gzip')
says "static files are compressed" "content-encoding: gzip" "$style"
says "and may be kept" "cache-control: max-age=3600" "$style"
for header in "x-content-type-options: nosniff" "x-frame-options: DENY" "content-security-policy: default-src 'none'" "referrer-policy: same-origin"; do
    says "${header%%:*}" "$header" "$(headers /todo)"
done
check "no word of staying with TLS without TLS" eval '[[ $(headers /todo) != *strict-transport* ]]'
same "its health" ok "$(page /health)"
direct=http://$(inspect todo-nginx-1 '.NetworkSettings.Networks["todo_frontend"].IPAddress'):8080
same "connections are kept" "1 0" "$(curl -s -o /dev/null -o /dev/null -w '%{num_connects} ' "$direct/health" "$direct/health" | xargs)"
says "over TLS a browser is told to stay with it" "Strict-Transport-Security: max-age=31536000" "$(curl -s -o /dev/null -D - -H 'X-Forwarded-Proto: https' "$direct/health")"
settings=$(run todo-nginx-1 nginx -T 2>/dev/null || true)
for setting in "worker_connections 1024;" "open_file_cache max=1000" "keepalive_timeout 65s;" "gzip on;"; do
    says "nginx: ${setting%% *}" "$setting" "$settings"
done
same "static files are shared, read-only" "bind false" "$(inspect todo-nginx-1 '.Mounts[] | select(.Destination == "/srv/static") | "\(.Type) \(.RW)"')"
said() { engine_curl "/containers/$1/logs?stdout=1&stderr=1" | grep -ac 'GET / ' || true; }
for _ in {1..30}; do page / >/dev/null; done
check "both replicas have work" test "$(said todo-app-1)" -gt 3 -a "$(said todo-app-2)" -gt 3

# --- what each of them may do
for service in nginx:101:0.25:256 app:1000:0.5:512 db:999:0.5:512; do
    IFS=: read -r name uid cpus megabytes <<<"$service"
    it=todo-$name-1
    same "$name: its user" "$uid $uid" "$(run $it id -u) $(inspect $it '.Config.User | split(":")[0]')"
    says "$name: its root cannot be written" "Read-only file system" "$(run $it touch /probe || true)"
    says "$name: no capability" 0000000000000000 "$(run $it grep CapEff /proc/1/status)"
    says "$name: none to be gained" 1 "$(run $it grep NoNewPrivs /proc/1/status)"
    same "$name: CPU and memory" "$cpus $megabytes" "$(inspect $it '"\(.HostConfig.NanoCpus / 1e9) \(.HostConfig.Memory / 1048576)"')"
    same "$name: its log" "json-file 10m 3" "$(inspect $it '.HostConfig.LogConfig | "\(.Type) \(.Config["max-size"]) \(.Config["max-file"])"')"
    same "$name: healthy" healthy "$(inspect $it .State.Health.Status)"
    same "$name: publishes nothing" "{}" "$(inspect $it '.HostConfig.PortBindings // {}')"
done
same "Gunicorn: keep-alive, time-out, workers" "5 60 4" "$(run todo-app-1 gunicorn --print-config todo:app 2>/dev/null | sed -nE 's/^(keepalive|timeout|workers) +=? *//p' | xargs)"
same "four workers" 4 "$(run todo-app-1 sh -c 'wc -w < /proc/1/task/1/children')"
# shellcheck disable=SC2016
same "MariaDB's settings" "268435456 33554432 100" "$(run todo-db-1 sh -c 'mariadb -uroot -p"$(cat /run/secrets/db_root_password)" -sNe "SELECT @@innodb_buffer_pool_size, @@query_cache_size, @@max_connections"' | tr '\t' ' ')"

# --- who reaches whom
networks_of() { inspect "$1" '.NetworkSettings.Networks | keys | join(" ")'; }
address() { inspect "$1" ".NetworkSettings.Networks[\"$2\"].IPAddress"; }
same "nginx is on the one network" todo_frontend "$(networks_of todo-nginx-1)"
same "the database on the other" todo_backend "$(networks_of todo-db-1)"
same "the application on both" "todo_backend todo_frontend" "$(networks_of todo-app-1)"
check "the application reaches the database" run todo-app-1 python -c "import socket; socket.create_connection(('db', 3306), 5)"
reaches() { run "$1" sh -c "echo | nc -w 4 $2 $3"; }
check "nginx the application" reaches todo-nginx-1 "$(address todo-app-1 todo_frontend)" 5000
check "nginx not the database, by name" eval '! reaches todo-nginx-1 db 3306'
check "nor by address" eval '! reaches todo-nginx-1 "$(address todo-db-1 todo_backend)" 3306'
check "nor the application's other side" eval '! reaches todo-nginx-1 "$(address todo-app-1 todo_backend)" 5000'
if [ -n "${EVENKEEL_TEST_ENGINE_DIR:-}" ]; then
    # A host beyond the engine's own, as the world is: its own addresses an engine leaves open even to an internal network.
    world=evk-world-$$
    ip netns add $world
    ip link add evk-out type veth peer name evk-in netns $world
    ip addr add 198.51.100.1/24 dev evk-out
    ip link set evk-out up
    ip -n $world addr add 198.51.100.7/24 dev evk-in
    ip -n $world link set evk-in up
    mkdir "$work/world"
    nsenter --net=/run/netns/$world python3 -m http.server --directory "$work/world" 8899 >/dev/null 2>&1 &
    check "nginx reaches the world" wait_until 10 run todo-nginx-1 wget -q -O /dev/null http://198.51.100.7:8899/
    check "the application too" run todo-app-1 python -c "import socket; socket.create_connection(('198.51.100.7', 8899), 5)"
    check "the database does not" eval '! run todo-db-1 timeout 5 bash -c "echo >/dev/tcp/198.51.100.7/8899"'
    check "it could, but for its network" run todo-db-1 timeout 5 bash -c "echo >/dev/tcp/$(address todo-app-1 todo_backend)/5000"
else
    skip "no way out of the backend" "needs an engine of our own"
fi

# --- secrets are files and nothing else
same "no secret in what the engine tells" 0 "$(for it in $all; do inspect "$it" .; done | grep -c "$canary" || true)"
same "nor in status, plan and history" 0 "$({ evenkeel status -v; evenkeel plan --json; "$EVENKEEL" history todo --json --actions --state "$state"; } 2>/dev/null | grep -c "$canary" || true)"
same "each has what it needs alone" "db_password session_key" "$(run todo-app-1 ls -1 /run/secrets | xargs)"
check "nginx none" eval '! run todo-nginx-1 ls /run/secrets'

# --- every container is replaced
ids() { for it in $all; do inspect "$it" .Id; done 2>/dev/null; }
renewed() { ! grep -qF "$before" <<<"$(ids)" && [ "$(ids | wc -l)" = 4 ]; }
before=$(ids)
for service in nginx app db; do printf '  %s: {labels: {edition: "2"}}\n' $service; done | { echo services: && cat; } | write_file compose.override.yaml
check "a change of all" wait_until 240 renewed
becomes "is well again" "evenkeel=Synced todo=Synced" 120
same "no more of them than before" "$all" "$(containers)"
check "the todos are there" wait_until 10 lists "Buy &lt;b&gt;milk"
check "and what was done" eval '[ "$(page / | grep -c "class=\"done\"")" = 1 ]'
before=$(ids)
delete_each /containers '?force=1' <<<"$before"
check "all taken away by hand" wait_until 240 renewed
becomes "are there again" "evenkeel=Synced todo=Synced" 120
check "with the todos" wait_until 10 lists "Buy &lt;b&gt;milk"
same "the visitor is still known" 303 "$(send /todos --data title=afterwards)"
check "and can go on" lists "<span>afterwards</span>"
