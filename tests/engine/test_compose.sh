#!/bin/bash
# Compose files loose in a root, run as they stand: several services, networks, volumes, an override file, variables, profiles, order, replicas; and what Docker's own
# client sees of them.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

containers() { owned containers "select(.Labels[\"evenkeel.app\"] == \"$1\") | .Names[0][1:]" | sort | tr '\n' ' ' | sed 's/ $//'; }
env_of() { inspect "$1" "[.Config.Env[] | select(startswith(\"$2=\"))] | join(\" \")"; }
networks_of() { inspect "$1" '.NetworkSettings.Networks | keys | join(" ")'; }
seconds() { date -d "$(inspect "$1" "$2")" +%s.%N; }
run_in() {
    local id
    id=$(api POST "/containers/$1/exec" "$(printf '%s\n' "${@:2}" | jq -Rn '{AttachStdout: true, AttachStderr: true, Cmd: [inputs]}')" | jq -r .Id)
    api POST "/exec/$id/start" '{"Detach": false, "Tty": true}'
}

# --- one file, and all that belongs to it
calm='image: busybox:stable, stop_signal: SIGKILL, command: [sleep, "100000"]'
write_file shop/.env <<'END'
GREETING=hello
REPLICAS=2
COMPOSE_PROFILES=tools
END
write_file shop/web.env <<'END'
# for the web
FROM_FILE="from the file, ${GREETING}"
BOTH=file
END
write_file shop/conf/motd <<'END'
welcome
END
write_file shop/compose.override.yaml <<'END'
services:
  web:
    environment: {OVERRIDDEN: "yes"}
    labels: {tier: front}
END
write_file shop/compose.yaml <<END
name: shop
x-calm: &calm {$calm}
services:
  web:
    <<: *calm
    command: ["sh", "-c", "exec httpd -f -p 8000 -h /www"]
    scale: \${REPLICAS:-1}
    env_file: [web.env, {path: missing.env, required: false}]
    environment: {GREETING: "\${GREETING:?}", OVERRIDDEN: "no", BOTH: spec, DOLLARS: "a\$\$b"}
    volumes: ["content:/www:ro", "./conf:/conf:ro", {type: tmpfs, target: /scratch, tmpfs: {size: 1m}}]
    networks: {front: {aliases: [www]}, back: {}}
    depends_on:
      cache: {condition: service_healthy}
      setup: {condition: service_completed_successfully}
      db: {condition: service_started}
      absent: {condition: service_started, required: false}
  cache:
    <<: *calm
    command: ["sh", "-c", "sleep 1; touch /tmp/ready; exec sleep 100000"]
    healthcheck: {test: "test -e /tmp/ready", interval: 300ms, retries: 20}
    networks: [back]
  setup:
    <<: *calm
    command: sh -c "sleep 0.5; echo \$\${GREETING} from setup > /www/index.html"
    environment: [GREETING]
    restart: "no"
    volumes: ["content:/www"]
    networks: [back]
  db:
    extends: {file: common/services.yaml, service: base}
    networks: {back: {aliases: [database]}}
    volumes: [{type: volume, source: data, target: /data}]
  tool: {<<: *calm, profiles: [tools], network_mode: none}
  absent: {<<: *calm, profiles: [never]}
networks:
  front:
  back: {internal: true}
volumes:
  content:
  data: {name: shop-data, labels: {keep: "yes"}}
END
write_file shop/common/services.yaml <<END
services:
  base: {$calm, hostname: base}
END
same "a Compose file and its parts are valid" 0 "$(exit_of "$EVENKEEL" validate "$root")"
same "it runs" 0 "$(exit_of apply)"
same "every service of an active profile, with replicas" "shop-cache-1 shop-db-1 shop-setup-1 shop-tool-1 shop-web-1 shop-web-2" "$(containers shop)"
same "one app, of which the override file is part" "shop=Synced" "$(states)"
same "nothing is left to be done" 0 "$(exit_of plan)"
check "web came after cache was healthy, which took a second" eval 'awk -v w="$(seconds shop-web-1 .State.StartedAt)" -v c="$(seconds shop-cache-1 .State.StartedAt)" "BEGIN { exit !(w - c > 1) }"'
check "and after setup had ended" eval 'awk -v w="$(seconds shop-web-1 .State.StartedAt)" -v s="$(seconds shop-setup-1 .State.FinishedAt)" "BEGIN { exit !(w >= s) }"'
same ".env fills variables in" "GREETING=hello" "$(env_of shop-web-1 GREETING)"
same "the override file has the last word" "OVERRIDDEN=yes" "$(env_of shop-web-1 OVERRIDDEN)"
same "and adds" front "$(inspect shop-web-2 '.Config.Labels.tier')"
same "env_file, with variables" "FROM_FILE=from the file, hello" "$(env_of shop-web-1 FROM_FILE)"
same "environment goes before it" "BOTH=spec" "$(env_of shop-web-1 BOTH)"
# shellcheck disable=SC2016
same "two dollars are one" 'DOLLARS=a$b' "$(env_of shop-web-1 DOLLARS)"
same "extends, from another file" base "$(inspect shop-db-1 .Config.Hostname)"
same "networks as written" "shop_back shop_front" "$(networks_of shop-web-1)"
same "an internal one is" true "$(api GET /networks/shop_back | jq .Internal)"
same "no network that nobody asked for" "shop_back shop_front" "$(owned networks .Name | sort | tr '\n' ' ' | sed 's/ $//')"
same "volumes by name and by key" "shop-data shop_content" "$(owned volumes .Name | sort | tr '\n' ' ' | sed 's/ $//')"
same "volumes' labels, none of Compose's" "yes null" "$(api GET /volumes/shop-data | jq -r '"\(.Labels.keep) \(.Labels["com.docker.compose.project"])"')"
says "what setup wrote into the volume is served, found by an alias" "hello from setup" "$(run_in shop-cache-1 wget -q -O - http://www:8000/ 2>&1 || true; run_in shop-db-1 wget -q -O - http://web:8000/)"
says "folders beside the file are mounted" welcome "$(run_in shop-web-1 cat /conf/motd)"
same "a Compose file's services may do what root entrypoints need, and no more" '["ALL"] true' \
    "$(inspect shop-web-1 '"\(.HostConfig.CapDrop|tojson) \(.HostConfig.CapAdd | any(contains("CHOWN")))"')"
says "plan says which file each variable came from" "shop: variable GREETING from $root/shop/.env" "$(plan -v shop 2>&1 || true)"

# --- what Docker's own client sees
if compose=$("$engine_dir/tools.sh" compose 2>"$work/tools.log"); then
    same "docker compose ls shows the project" "ek-shop $root/shop/compose.yaml" \
        "$("$compose" ls -a --format json | jq -r '.[] | "\(.Name) \(.ConfigFiles)"')"
    same "docker compose ps its services" "cache db tool web web" \
        "$("$compose" -p ek-shop ps --format json | jq -rs '[.[] | .Service] | sort | join(" ")')"
    same "and those that have ended" "setup" "$("$compose" -p ek-shop ps -a --status exited --format json | jq -r .Service)"
    says "docker compose logs" "PROBE" "$(run_in shop-db-1 sh -c 'echo PROBE > /proc/1/fd/1' >/dev/null; sleep 0.2; "$compose" -p ek-shop logs db 2>&1)"
else
    skip "docker compose ps, ls and logs" "$(tail -n 1 "$work/tools.log")"
fi

# --- changes
start_agent
becomes "the agent agrees" "shop=Synced" 10
others=$(snapshot shop-cache-1 shop-db-1 shop-tool-1)
setup=$(snapshot shop-setup-1)
sed -i 's/REPLICAS=2/REPLICAS=1/' "$root/shop/.env"
check "a variable changes what it fills in" wait_until 15 gone shop-web-2
printf 'services:\n  web: {environment: {OVERRIDDEN: again}}\n' | write_file shop/compose.override.yaml
check "so does the override file" wait_until 20 eval '[ "$(env_of shop-web-1 OVERRIDDEN)" = OVERRIDDEN=again ]'
sed -i 's/from the file/from file/' "$root/shop/web.env"
check "and an env_file" wait_until 20 eval '[ "$(env_of shop-web-1 FROM_FILE)" = "FROM_FILE=from file, hello" ]'
becomes "and that is all" "shop=Synced" 20
same "what did not change was left alone" "$others" "$(snapshot shop-cache-1 shop-db-1 shop-tool-1)"
same "a one-shot service is not run again" "$setup" "$(snapshot shop-setup-1)"
before=$(snapshot shop-web-1)
sed -i 's/COMPOSE_PROFILES=tools/COMPOSE_PROFILES=/' "$root/shop/.env"
check "a profile that is no longer active takes its services with it" wait_until 15 gone shop-tool-1
# shellcheck disable=SC2016
printf 'services:\n  web: {environment: {OVERRIDDEN: "${NOT_SET:?must be given}"}}\n' | write_file shop/compose.override.yaml
becomes "a variable that is missing freezes the app" "shop=Frozen" 20
says "and is named with its place" "compose.override.yaml:2:" "$(app_why shop) $("$EVENKEEL" validate "$root" 2>&1 || true)"
same "what ran keeps running" "$before" "$(snapshot shop-web-1)"
rm "$root/shop/compose.override.yaml"
becomes "without the override file it is well" "shop=Synced" 20
rm -r "$root/shop"
check "removed with its folder" wait_until 30 eval '[ -z "$(containers shop)" ]'
same "the volumes stay" "shop-data shop_content" "$(owned volumes .Name | sort | tr '\n' ' ' | sed 's/ $//')"
