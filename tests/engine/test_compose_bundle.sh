#!/bin/bash
# Compose files inside archives and source folders: run as they stand, with their main service routed, hardened, built from the folders beside them, and kept inside.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
command -v zip >/dev/null || skip_all "needs zip"
need_engine
printf "ingress: external\n" >"$work/agent.yaml" # routes are seen in labels; who serves them has tests of its own
flags+=(--config "$work/agent.yaml")

nonce=$(date +%s.%N)
pack=$work/pack
containers() { owned containers "select(.Labels[\"evenkeel.app\"] == \"$1\") | .Names[0][1:]" | sort | tr '\n' ' ' | sed 's/ $//'; }
rule_of() { inspect "$1" '[.Config.Labels | to_entries[] | select(.key | startswith("traefik.http.routers.") and endswith(".rule")) | .value] | join(" ")'; }

# drop NAME: the folder becomes that archive in the root, at once.
drop() {
    rm -f "$work/made.zip"
    mkdir -p "$(dirname "$root/$1")"
    case $1 in
    *.zip) (cd "$pack" && zip -qry "$work/made.zip" .) ;;
    *) tar -C "$pack" -czf "$work/made.zip" . ;;
    esac
    mv "$work/made.zip" "$root/.dropped"
    mv "$root/.dropped" "$root/$1"
}
why_says() {
    local app=$2 words=$3
    # shellcheck disable=SC2317,SC2329
    told() { [[ "$(app_why "$app") $(tail -n 8 "$agent_log")" == *"$words"* ]]; }
    if wait_until 20 told; then
        pass "$1"
    else
        fail "$1" "\"$words\" is not in \"$(app_why "$app")\" nor at the end of the agent's log"
    fi
}

mkdir -p "$pack/web" "$pack/common"
printf 'FROM busybox:stable\nCOPY index.html /www/\n# %s\nCMD ["sh", "-c", "exec httpd -f -p 8080 -h /www"]\n' "$nonce" >"$pack/web/Dockerfile"
echo one >"$pack/web/index.html"
echo 'WORD=from the archive' >"$pack/.env"
echo 'MORE=${WORD}' >"$pack/web.env"
cat >"$pack/common/base.yaml" <<'END'
services:
  base: {image: "busybox:stable", command: [sleep, "100000"], stop_signal: SIGKILL}
END
cat >"$pack/docker-compose.yml" <<'END'
services:
  web:
    build: ./web
    stop_signal: SIGKILL
    env_file: web.env
    expose: ["8080"]
    volumes: ["inner:/inner"]
  worker:
    extends: {file: common/base.yaml, service: base}
    environment: {WORD: "${WORD}"}
volumes:
  inner:
END
start_agent

# --- an archive by itself
drop shop.zip
check "an archive with a Compose file runs all its services" wait_until 40 is Synced shop
same "under its own name" "shop-web-1 shop-worker-1" "$(containers shop)"
same "its .env fills variables in" "WORD=from the archive" "$(inspect shop-worker-1 '.Config.Env[] | select(startswith("WORD="))')"
same "its env_file counts" "MORE=from the archive" "$(inspect shop-web-1 '.Config.Env[] | select(startswith("MORE="))')"
says "the only service with a port is the main one, at /NAME" 'Path(`/shop`)' "$(rule_of shop-web-1)"
same "the others are not routed" "" "$(rule_of shop-worker-1)"
for service in web worker; do
    same "$service is hardened" '["ALL"] ["no-new-privileges:true"]' "$(inspect shop-$service-1 '"\(.HostConfig.CapDrop|tojson) \(.HostConfig.SecurityOpt|tojson)"')"
done
worker=$(snapshot shop-worker-1)
echo two >"$pack/web/index.html"
sed -i 's/WORD: /LABEL: x, WORD: /' "$pack/docker-compose.yml"
printf 'services:\n  web: {labels: {seen: override}}\n' >"$pack/docker-compose.override.yml"
drop shop.zip
check "a new archive, with an override file" wait_until 40 eval '[ "$(inspect shop-web-1 .Config.Labels.seen)" = override ]'
check "and that is all" wait_until 20 is Synced shop
check "a change in one service replaces that one" eval '[ "$(snapshot shop-worker-1)" != "$worker" ]'
before=$(snapshot)
stop_agent KILL
same "nothing is left to be done" 0 "$(exit_of plan)"
same "what the pass had read of archives is in its record" 0 "$(exit_of "$EVENKEEL" replay --state "$state")"
start_agent
check "a second start" wait_until 20 is Synced shop
same "touches nothing" "$before" "$(snapshot)"

# --- labelled, and not known
rm "$pack/docker-compose.override.yml"
sed -i 's/  worker:/  worker:\n    labels: {milkcrate.main_service: "true"}\n    expose: ["9000"]/' "$pack/docker-compose.yml"
drop shop.zip
check "a label says which service is the main one" wait_until 30 eval '[[ $(rule_of shop-worker-1) == *"/shop"* ]]'
sed -i '/milkcrate/d' "$pack/docker-compose.yml"
drop shop.zip
why_says "two services with ports, none of them labelled" shop 'label the main service `evenkeel.main: "true"`'
rm "$root/shop.zip"
check "gone with its archive" wait_until 30 eval '[ -z "$(containers shop)" ]'

# --- a spec names it
sed -i '/expose: \["9000"\]/d' "$pack/docker-compose.yml"
drop bundles/site.tar.gz
printf 'app: www\nsource: {bundle: bundles/site.tar.gz}\nroute: /here\nvolumes: ["data:/data"]\nenvironment: {ASKED: for}\n' | write_file www.yaml
check "a spec names the archive" wait_until 40 is Synced www
same "whose services run under the spec's name" "www-web-1 www-worker-1" "$(containers www)"
says "the main one at the spec's route" 'Path(`/here`)' "$(rule_of www-web-1)"
same "with the spec's volumes beside its own" "www_data:/data www_inner:/inner" "$(inspect www-web-1 '[.Mounts[] | "\(.Name):\(.Destination)"] | sort | join(" ")')"
same "which no other service has" "" "$(inspect www-worker-1 '[.Mounts[] | .Name] | join(" ")')"
same "and variables" "ASKED=for" "$(inspect www-web-1 '.Config.Env[] | select(startswith("ASKED="))')"
check "the archive is no app by itself" eval '[ -z "$(containers site)" ]'
before=$(snapshot)
printf 'app: www\nsource: {bundle: bundles/site.tar.gz}\nroute: /here\nuser: "1000"\n' | write_file www.yaml
why_says "a key that could be about any service is refused" www '`user` says nothing of which service'
same "what ran keeps running" "$before" "$(snapshot)"

# --- a folder
rm -r "$root/www.yaml" "$root/bundles"
mkdir -p "$root/tree"
cp -r "$pack/." "$root/tree/"
mv "$root/tree/docker-compose.yml" "$root/tree/compose.yaml"
printf 'app: leaf\nsource: {path: ./tree}\nroute: /leaf\nvolumes: ["data:/data"]\n' | write_file leaf.yaml
check "a folder with a Compose file as source" wait_until 40 is Synced leaf
same "is one app" "leaf-web-1 leaf-worker-1" "$(owned containers '.Names[0][1:]' | sort | tr '\n' ' ' | sed 's/ $//')"
same "with the spec's volume" "leaf_data:/data leaf_inner:/inner" "$(inspect leaf-web-1 '[.Mounts[] | "\(.Name):\(.Destination)"] | sort | join(" ")')"
sed -i 's/stop_signal: SIGKILL$/&\n    hostname: changed/' "$root/tree/compose.yaml"
check "and follows the file" wait_until 30 eval '[ "$(inspect leaf-web-1 .Config.Hostname)" = changed ]'
rm -r "$root/tree" "$root/leaf.yaml" # the other way round its Compose file would be an app by itself for a moment
check "gone with its files" wait_until 30 eval '[ -z "$(containers leaf)" ]'

# --- ways out
refused() {
    printf 'services:\n  web:\n    image: busybox:stable\n%s\n' "$2" >"$pack/docker-compose.yml"
    drop evil.zip
    why_says "$1" evil "$3"
}
rm -f "$pack/.env"
ln -s /etc/passwd "$pack/web/link"
refused "a link out of the archive" '    env_file: web/link' "web/link"
rm "$pack/web/link"
refused "env_file" '    env_file: ../../etc/passwd' "lies outside the archive"
refused "a folder of the host" '    volumes: ["/etc:/host"]' "must not mount folders of the host"
refused "privileges" "    privileged: true" 'must not use `privileged`'
same "none of them ever ran" "" "$(containers evil)"
