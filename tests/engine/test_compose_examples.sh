#!/bin/bash
# The Compose examples whose programs the distribution packages: postgres-redis whole, wordpress with a small PHP program in WordPress's place, and the databases to
# start from. (todo has a test of its own.)
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
[ "${EVENKEEL_TEST_SLOW:-}" = yes ] || skip_all "takes a minute or two: EVENKEEL_TEST_SLOW=yes runs it"
need_engine
# shellcheck source=tests/engine/ingress.sh
. "$engine_dir/ingress.sh"
# shellcheck source=tests/engine/real.sh
. "$engine_dir/real.sh"
real_images python:3.11-slim mariadb:10.11 postgres:16 redis:7-alpine wordpress:php8.3-apache

canary=c4n4ry$RANDOM$RANDOM
keep() { printf '%s' "${3:-$canary$2}" | secret set --app "$1" "$2" >/dev/null 2>&1; }
example() { root=$work/$1 && cp -r "$repo/examples/$1" "$work/" && flags=(--root "$root" --config "$config"); }
mine() { owned containers "select(.Labels[\"evenkeel.app\"] == \"$1\") | .Names[0][1:]" | sort | tr '\n' ' ' | sed 's/ $//'; }
reborn() { mine "$1" | xargs -n 1 | delete_each /containers '?force=1'; }

# --- postgres-redis
example postgres-redis
keep postgres-redis db_password
start_agent
becomes "postgres-redis: all is well" "evenkeel=Synced postgres-redis=Synced" 400
same "postgres-redis: its containers" "postgres-redis-postgres-1 postgres-redis-redis-1 postgres-redis-setup-1 postgres-redis-web-1 postgres-redis-worker-1 postgres-redis-worker-2" \
    "$(mine postgres-redis)"
same "postgres-redis: setup has ended well" "exited 0" "$(inspect postgres-redis-setup-1 '.State | "\(.Status) \(.ExitCode)"')"
same "postgres-redis: nobody knows yet" 202 "$(code /reports/600851475143)"
same "postgres-redis: ordered" 202 "$(code /reports/600851475143 -X POST)"
check "postgres-redis: and made" wait_until 20 shows '"factors":[71,839,1471,6857]' /reports/600851475143
same "postgres-redis: the worker has no way out" postgres-redis_back "$(inspect postgres-redis-worker-1 '.NetworkSettings.Networks | keys | join(" ")')"
setup=$(inspect postgres-redis-setup-1 .Id)
for service in web-1 worker-1 worker-2 postgres-1 redis-1; do api DELETE "/containers/postgres-redis-$service?force=1" >/dev/null; done
check "postgres-redis: taken away by hand" wait_until 60 docker_running postgres-redis-worker-2
becomes "postgres-redis: is there again" "evenkeel=Synced postgres-redis=Synced" 200
same "postgres-redis: setup was not run again" "$setup" "$(inspect postgres-redis-setup-1 .Id)"
check "postgres-redis: what was made is kept" wait_until 20 shows '"factors":[71,839,1471,6857]' /reports/600851475143
same "postgres-redis: no secret in what the engine tells" 0 "$(for it in $(mine postgres-redis); do inspect "$it" .; done | grep -c "$canary" || true)"
stop_agent
wipe_engine

# --- wordpress
example wordpress
for name in db_password db_root_password; do keep wordpress $name; done
start_agent
becomes "wordpress: all is well" "evenkeel=Synced wordpress=Synced" 400
blog=(-H "Host: blog.localhost")
check "wordpress: its page, by its host" wait_until 10 shows "stand-in for WordPress" / "${blog[@]}"
coded "wordpress: by no other" 404 / -H "Host: other.localhost"
coded "wordpress: a post" 200 / "${blog[@]}" --data "post_title=Hello+world"
check "wordpress: is shown" shows "<h2>Hello world</h2>" / "${blog[@]}"
same "wordpress: the database is on a network of its own" wordpress_back "$(inspect wordpress-db-1 '.NetworkSettings.Networks | keys | join(" ")')"
before=$(inspect wordpress-wordpress-1 .Id)
reborn wordpress
check "wordpress: taken away by hand" wait_until 100 eval '[ "$(inspect wordpress-wordpress-1 .Id 2>/dev/null || echo "$before")" != "$before" ]'
becomes "wordpress: is there again" "evenkeel=Synced wordpress=Synced" 200
check "wordpress: with its post" wait_until 10 shows "<h2>Hello world</h2>" / "${blog[@]}"
same "wordpress: and its files" "Hello world" "$(run wordpress-wordpress-1 cat /var/www/html/wp-content/last.txt)"
stop_agent
wipe_engine

# --- databases
example databases
rm "$root"/{mysql,mongodb,elasticsearch}.compose.yaml
keep postgres password
for name in password root_password; do keep mariadb $name; done
keep redis settings "requirepass $canary"
start_agent
becomes "databases: all are well" "mariadb=Synced postgres=Synced redis=Synced" 400
# shellcheck disable=SC2016
asked() {
    same "mariadb: $1" "$2" "$(run mariadb-mariadb-1 sh -c 'mariadb -h 127.0.0.1 -uapp -p"$(cat /run/secrets/password)" app -sNe "'"$3"'"')"
    same "postgres: $1" "$2" "$(run postgres-postgres-1 sh -c 'PGPASSWORD=$(cat /run/secrets/password) psql -P pager=off -h 127.0.0.1 -U app app -Atqc "'"$3"'"')"
}
asked "takes a table" "" "CREATE TABLE t (word TEXT)"
asked "and a row" "" "INSERT INTO t VALUES ('kept')"
# shellcheck disable=SC2016
ask_redis() { run redis-redis-1 sh -c 'REDISCLI_AUTH=$(cut -d " " -f 2 /run/secrets/settings) redis-cli --raw '"$1"; }
same "redis: takes a key" OK "$(ask_redis 'SET word kept')"
says "redis: from who knows the password" NOAUTH "$(run redis-redis-1 redis-cli GET word)"
check "mariadb: nobody without the password" eval '! run mariadb-mariadb-1 mariadb -h 127.0.0.1 -uapp -pwrong app -e "SELECT 1"'
check "postgres: nobody without the password" eval '! run postgres-postgres-1 env PGPASSWORD=wrong psql -h 127.0.0.1 -U app app -c "SELECT 1"'
for it in mariadb postgres redis; do
    same "$it: publishes nothing" "{}" "$(inspect $it-$it-1 '.HostConfig.PortBindings // {}')"
    same "$it: no way out" true "$(api GET /networks/${it}_default | jq .Internal)"
    check "$it: has a limit" test "$(inspect $it-$it-1 .HostConfig.Memory)" -gt 0
done
before=$(inspect redis-redis-1 .Id)
for it in mariadb postgres redis; do reborn $it; done
check "databases: taken away by hand" wait_until 100 eval '[ "$(inspect redis-redis-1 .Id 2>/dev/null || echo "$before")" != "$before" ]'
becomes "databases: are there again" "mariadb=Synced postgres=Synced redis=Synced" 200
asked "has its row" kept "SELECT word FROM t"
same "redis: has its key" kept "$(ask_redis 'GET word')"
