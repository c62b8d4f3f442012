#!/bin/bash
# Configs and secrets of a Compose file, from files, variables, the text itself and the store: what a container sees of them, that a changed one
# replaces it, and that no value shows up anywhere but in its file.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

logs_of() { "$EVENKEEL" logs "$1" "${flags[@]}" --state "$state" --docker "$DOCKER_HOST" 2>&1; }
id_of() { inspect "$1" .Id; }
canary=CANARY

printf '%s-file' $canary | write_file files/password.txt
printf 'TOKEN=%s-variable\n' $canary | write_file .env
write_file shop.compose.yaml <<'END'
services:
  web:
    image: busybox:stable
    command: ["sh", "-c", "cd /run/secrets; stat -c '%n %u:%g %a' *; cat * /motd /etc/app.conf; echo; touch token 2>&1; exec sleep 100000"]
    user: "1000:1000"
    stop_signal: SIGKILL
    network_mode: none
    secrets: [password, token, {source: stored, target: key, uid: "1000", gid: "7", mode: 0400}]
    configs: [motd, {source: conf, target: /etc/app.conf}]
secrets:
  password: {file: ./files/password.txt}
  token: {environment: TOKEN}
  stored: {external: true}
configs:
  motd: {content: "hello "}
  conf: {file: ./files/app.conf}
END
echo "level=1" | write_file files/app.conf

same "without the stored secret" 1 "$(exit_of apply)"
says "the app is refused, and says what to do" "evenkeel secret set stored" "$(app_why shop)"
printf '%s-stored' $canary | "$EVENKEEL" secret set --state "$state" stored >/dev/null 2>&1
same "with it" 0 "$(exit_of apply)"
same "nothing is left to be done" 0 "$(exit_of plan)"
wait_until 5 eval '[[ $(logs_of shop) == *touch* ]]' || true
log=$(logs_of shop)
says "owner and mode as asked for" "key 1000:7 400" "$log"
says "or everybody's to read" "password 0:0 444" "$log"
says "all of them are there" "$canary-stored$canary-file$canary-variablehello level=1" "$log"
says "and nobody's to write" "Read-only file system" "$log"

# --- changes
first=$(id_of shop-web-1)
start_agent
becomes "the agent agrees" "shop=Synced" 20
same "and replaces nothing" "$first" "$(id_of shop-web-1)"
replaced() { [ "$(id_of shop-web-1 2>/dev/null)" != "$first" ] && docker_running shop-web-1; }
echo "level=2" | write_file files/app.conf
check "a changed config file replaces the container" wait_until 30 replaced
says "with the new one" "level=2" "$(wait_until 5 eval '[[ $(logs_of shop) == *level=2* ]]'; logs_of shop)"
becomes "well" "shop=Synced" 20
first=$(id_of shop-web-1)
printf '%s-newer' $canary | "$EVENKEEL" secret set --state "$state" stored >/dev/null 2>&1
check "so does a changed secret" wait_until 30 replaced
becomes "well" "shop=Synced" 20
first=$(id_of shop-web-1)
"$EVENKEEL" secret rm --state "$state" stored >/dev/null 2>&1
becomes "a secret that is gone refuses the app" "shop=Refused" 20
same "and leaves what runs" "$first" "$(id_of shop-web-1)"
printf '%s-newer' $canary | "$EVENKEEL" secret set --state "$state" stored >/dev/null 2>&1
becomes "until it is back" "shop=Synced" 20
stop_agent

# --- where values are not. The file of variables is one of the specs, and a saved pass holds those.
found=$(grep -rlaE "$canary-(file|stored|newer)" "$state" "$agent_log" 2>/dev/null | grep -v "^$state/\(secrets\|mounts\)/" || true)
same "no value in log, diary or saved passes" "" "$found"
same "nor in what the engine tells" "" "$(inspect shop-web-1 . | grep -c $canary | grep -v '^0$' || true)"
same "nor in status, plan and history" 0 "$({ evenkeel status -v; evenkeel plan --json; "$EVENKEEL" history shop --json --actions --state "$state"; } 2>/dev/null | grep -c $canary || true)"
same "others cannot list them" 711 "$(stat -c %a "$state/mounts")"
