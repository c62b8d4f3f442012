#!/bin/bash
# Networks: one of its own for each app, each with a subnet of its own, many more than the engine's 28; several per service, aliases, internal and external
# ones; what the host and strangers use is left alone.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

subnet_of() { api GET "/networks/$1" | jq -r '.IPAM.Config[0].Subnet'; }
on() { inspect "$1" '.NetworkSettings.Networks | keys | join(" ")'; } # CONTAINER: its networks
aliases() { inspect "$1" ".NetworkSettings.Networks[\"$2\"].Aliases // [] | join(\" \")"; }

# --- strangers: one that has the beginning of the pool, one on the other side of it
api POST /networks/create '{"Name":"stranger","IPAM":{"Config":[{"Subnet":"10.213.0.0/25"}]}}' >/dev/null
stranger=$(api GET /networks/stranger | jq -r .Id)
ip link add evkroute type bridge 2>/dev/null && ip addr add 10.213.0.129/26 dev evkroute && ip link set evkroute up || true
routed=$(ip -4 route show 10.213.0.128/26)

# --- 64 apps
for i in {1..64}; do sleeper many/n$i; done
begin=$SECONDS
same "64 apps" 0 "$(exit_of apply)"
echo "     (64 apps in $((SECONDS - begin)) s)"
subnets=$(owned networks '.IPAM.Config[0].Subnet' | sort)
same "64 networks" 64 "$(owned networks .Name | wc -l)"
same "64 subnets" 64 "$(sort -u <<<"$subnets" | wc -l)"
same "all of the pool's size" 0 "$(grep -vcE '^10\.213\.[0-9]+\.(0|64|128|192)/26$' <<<"$subnets")"
same "none of the stranger's" "" "$(grep -E '^10\.213\.0\.(0|64)/' <<<"$subnets" || true)"
if [ -n "$routed" ]; then
    same "nor one that the host routes" "" "$(grep -F '10.213.0.128/' <<<"$subnets" || true)"
else
    skip "a route of the host in the pool" "no such route could be made here"
fi
same "nothing is left to be done" 0 "$(exit_of plan)"
rm -r "$root/many"
same "and away with them" 0 "$(exit_of apply --confirm-removals "$(held_hash)")"
same "no network stays" "" "$(owned networks .Name)"
same "but the stranger's" "$stranger" "$(api GET /networks/stranger | jq -r .Id)"

# --- several networks in one app
write_file shop.yaml <<'END'
app: shop
services:
  web:
    image: busybox:stable
    command: ["sleep", "100000"]
    stop_signal: SIGKILL
    networks:
      front: {aliases: [www, shop.example]}
      back:
  db:
    image: busybox:stable
    command: ["sleep", "100000"]
    stop_signal: SIGKILL
    networks: [back]
networks:
  front: {}
  back: {internal: true, labels: {kept: "yes"}}
END
same "two networks" 0 "$(exit_of apply)"
same "web is on both" "shop_back shop_front" "$(on shop-web-1)"
same "db on one" "shop_back" "$(on shop-db-1)"
says "its service is an alias" web "$(aliases shop-web-1 shop_back)"
says "so is what it asked for" "shop.example" "$(aliases shop-web-1 shop_front)"
same "back is internal" true "$(api GET /networks/shop_back | jq -r .Internal)"
same "its label" yes "$(api GET /networks/shop_back | jq -r .Labels.kept)"
same "its owner" "default shop" "$(api GET /networks/shop_back | jq -r '.Labels["evenkeel.owner"] + " " + .Labels["evenkeel.app"]')"
reach() { # CONTAINER HOST: asks the engine's DNS from inside
    local id
    id=$(api POST "/containers/$1/exec" "{\"AttachStdout\":true,\"Cmd\":[\"nslookup\",\"$2\"]}" | jq -r .Id)
    engine_curl "/exec/$id/start" -X POST -H 'Content-Type: application/json' --data-binary '{}' --max-time 10 -o /dev/null
    [ "$(api GET "/exec/$id/json" | jq -r .ExitCode)" = 0 ]
}
check "web finds db" reach shop-web-1 db
check "and db finds web" reach shop-db-1 web
same "what is not there is not found" no "$(reach shop-db-1 nobody && echo yes || echo no)"
same "nothing is left to be done" 0 "$(exit_of plan)"

# --- a network that is another now: made again, its containers with it
before=$(api GET /networks/shop_back | jq -r .Id)
front=$(api GET /networks/shop_front | jq -r .Id)
sed -i 's/internal: true, //' "$root/shop.yaml"
says "plan says why" "internal" "$({ plan || true; } 2>&1)"
same "no longer internal" 0 "$(exit_of apply)"
same "made again" "false" "$(api GET /networks/shop_back | jq -r .Internal)"
check "it is another one" test "$before" != "$(api GET /networks/shop_back | jq -r .Id)"
same "front stays what it was" "$front" "$(api GET /networks/shop_front | jq -r .Id)"
same "both services run on it" "shop_back shop_front shop_back" "$(on shop-web-1) $(on shop-db-1)"
same "nothing is left to be done" 0 "$(exit_of plan)"

# --- a network that a service leaves and joins
sed -i 's/    networks: \[back\]/    networks: [back, front]/' "$root/shop.yaml"
same "db joins front" 0 "$(exit_of apply)"
same "it is there" "shop_back shop_front" "$(on shop-db-1)"
sed -i 's/    networks: \[back, front\]/    networks: [front]/' "$root/shop.yaml"
same "db leaves back" 0 "$(exit_of apply)"
same "it is gone" "shop_front" "$(on shop-db-1)"
same "nothing is left to be done" 0 "$(exit_of plan)"

# --- external networks: used, never made, changed or removed
write_file guest.yaml <<'END'
app: guest
services:
  app:
    image: busybox:stable
    command: ["sleep", "100000"]
    stop_signal: SIGKILL
    networks: [theirs]
networks:
  theirs: {external: true, name: stranger}
END
same "an external network" 0 "$(exit_of apply)"
same "is used" stranger "$(on guest-app-1)"
sed -i 's/name: stranger/name: nonesuch/' "$root/guest.yaml"
before=$(snapshot guest-app-1)
out=$(apply 2>&1) && status=0 || status=$?
same "one that is not there" 1 "$status"
says "is named" nonesuch "$out"
same "what runs is untouched" "$before" "$(snapshot guest-app-1)"
api POST /networks/create '{"Name":"nonesuch","IPAM":{"Config":[{"Subnet":"10.99.0.0/24"}]}}' >/dev/null
same "once it is there" 0 "$(exit_of apply)"
same "it is used" nonesuch "$(on guest-app-1)"
rm "$root/guest.yaml"
same "the app goes" 0 "$(exit_of apply)"
same "strangers' networks stay" "nonesuch stranger" "$(api GET /networks | jq -r '[.[].Name | select(. == "stranger" or . == "nonesuch")] | sort | join(" ")')"

# --- a name that a stranger's network has
api POST /networks/create '{"Name":"mine_default","IPAM":{"Config":[{"Subnet":"10.98.0.0/24"}]}}' >/dev/null
theirs=$(api GET /networks/mine_default | jq -r .Id)
sleeper mine
out=$(apply 2>&1) && status=0 || status=$?
same "a stranger's network of our name" 1 "$status"
says "is named" mine_default "$out"
same "and left alone" "$theirs" "$(api GET /networks/mine_default | jq -r .Id)"
check "nothing joined it" gone mine-app-1
rm "$root/mine.yaml"

# --- a subnet of one's own, and no network at all
write_file fixed.yaml <<'END'
app: fixed
services:
  app:
    image: busybox:stable
    command: ["sleep", "100000"]
    stop_signal: SIGKILL
    networks: {lan: {ipv4_address: 10.97.5.9}}
  alone: {image: "busybox:stable", command: ["sleep", "100000"], stop_signal: SIGKILL, network_mode: none}
  host: {image: "busybox:stable", command: ["sleep", "100000"], stop_signal: SIGKILL, network_mode: host}
  beside: {image: "busybox:stable", command: ["sleep", "100000"], stop_signal: SIGKILL, network_mode: "service:app"}
networks:
  lan: {ipam: {config: [{subnet: 10.97.5.0/24}]}}
END
same "a subnet that is asked for" 0 "$(exit_of apply)"
same "is given" 10.97.5.0/24 "$(subnet_of fixed_lan)"
same "so is the address" 10.97.5.9 "$(inspect fixed-app-1 '.NetworkSettings.Networks.fixed_lan.IPAddress')"
same "none" none "$(on fixed-alone-1)"
same "the host's" host "$(on fixed-host-1)"
same "another container's" "container:$(inspect fixed-app-1 .Id)" "$(inspect fixed-beside-1 .HostConfig.NetworkMode)"
same "nothing is left to be done" 0 "$(exit_of plan)"
api DELETE '/containers/fixed-app-1?force=1'
same "the one that is shared is made again" 0 "$(exit_of apply)"
same "who shares it follows" "container:$(inspect fixed-app-1 .Id)" "$(inspect fixed-beside-1 .HostConfig.NetworkMode)"
same "nothing is left to be done" 0 "$(exit_of plan)"
ip link del evkroute 2>/dev/null || true
