#!/bin/bash
# What the planner's golden cases promise, on a real engine: networks that vanish under a container, network settings that change while containers stay up, services
# that share a network, ports and names that are exchanged, and a new version that fails.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

on() { inspect "$1" '.NetworkSettings.Networks | keys | join(" ")'; } # CONTAINER: its networks
host_port() { inspect "$1" '.NetworkSettings.Ports["80/tcp"][0].HostPort'; }
settled() { same "$1: nothing is left to be done" 0 "$(exit_of plan)"; }
sleeper_service() { # NAME MORE: one line of a services: map
    echo "  $1: {image: \"busybox:stable\", command: [\"sleep\", \"100000\"], stop_signal: SIGKILL, $2}"
}

# --- a network that vanishes
write_file blog.yaml <<'END'
app: blog
image: busybox:stable
command: ["sleep", "100000"]
stop_signal: SIGKILL
ports: ["18080:80"]
END
same "an app with a port" 0 "$(exit_of apply)"
api POST "/containers/blog-app-1/stop?t=0" >/dev/null
api DELETE /networks/blog_default >/dev/null
same "stopped, and its network removed" 0 "$(exit_of apply)"
same "it runs" true "$(inspect blog-app-1 .State.Running)"
same "on a network again" blog_default "$(on blog-app-1)"
same "with its port" 18080 "$(host_port blog-app-1)"
settled "network lost while stopped"
before=$(inspect blog-app-1 .Id)
api POST /networks/blog_default/disconnect '{"Container":"blog-app-1","Force":true}' >/dev/null
same "disconnected by hand" 0 "$(exit_of apply)"
same "its port is back" 18080 "$(host_port blog-app-1)"
settled "disconnected"
api POST /networks/blog_default/disconnect '{"Container":"blog-app-1","Force":true}' >/dev/null
api DELETE /networks/blog_default >/dev/null
same "disconnected, and the network removed" 0 "$(exit_of apply)"
settled "network lost while running"
same "all that time one container" "$before" "$(inspect blog-app-1 .Id)"

# --- a network that is made again under running containers
shop() { # BACK, PORT
    {
        echo "app: shop"
        echo "services:"
        sleeper_service web "networks: [front, back], ports: [\"$2:80\"]"
        sleeper_service db "networks: [back]"
        sleeper_service side "network_mode: \"service:web\""
        echo "networks: {front: {}, back: {$1}}"
    } | write_file shop.yaml
}
shop "" 18081
same "two networks and a sidecar" 0 "$(exit_of apply)"
settled "shop"
web=$(inspect shop-web-1 .Id) side=$(inspect shop-side-1 .Id)
shop "internal: true" 18081
same "a network becomes internal" 0 "$(exit_of apply)"
same "it is" true "$(api GET /networks/shop_back | jq -r .Internal)"
same "web is on both" "shop_back shop_front" "$(on shop-web-1)"
same "web is the same container" "$web" "$(inspect shop-web-1 .Id)"
settled "network made again"

# --- a sidecar follows the container whose network it shares
shop "internal: true" 18082
same "web changes" 0 "$(exit_of apply)"
same "web has its new port" 18082 "$(host_port shop-web-1)"
same "the sidecar lives with the new web" "container:$(inspect shop-web-1 .Id)" "$(inspect shop-side-1 .HostConfig.NetworkMode)"
same "and is a new one" no "$([ "$side" = "$(inspect shop-side-1 .Id)" ] && echo yes || echo no)"
settled "sidecar"

# --- ports exchanged
swap() { # PORT OF A, PORT OF B, COMMAND OF A
    {
        echo "app: swap"
        echo "services:"
        echo "  a: {image: \"busybox:stable\", command: $3, stop_signal: SIGKILL, ports: [\"$1:80\"]}"
        sleeper_service b "ports: [\"$2:80\"]"
    } | write_file swap.yaml
}
well='["sleep", "100000"]'
swap 18090 18091 "$well"
same "two services with a port each" 0 "$(exit_of apply)"
swap 18091 18090 "$well"
same "they exchange their ports" 0 "$(exit_of apply)"
same "a has b's" 18091 "$(host_port swap-a-1)"
same "b has a's" 18090 "$(host_port swap-b-1)"
settled "ports exchanged"

# --- a new version that fails
before=$(inspect swap-a-1 .Id)
swap 18091 18090 '["false"]'
same "a version that exits at once" 1 "$(exit_of apply)"
same "the old container is back" "$before" "$(inspect swap-a-1 .Id)"
same "and runs" true "$(inspect swap-a-1 .State.Running)"
same "nothing half-made stays" "" "$(api GET '/containers/json?all=1' | jq -r '.[].Names[0]' | grep -F .next- || true)"
swap 18091 18090 "$well"
same "the file is put right" 0 "$(exit_of apply)"
same "it was the right one all along" "$before" "$(inspect swap-a-1 .Id)"

# --- names exchanged by hand
api POST "/containers/swap-a-1/rename?name=elsewhere" >/dev/null
api POST "/containers/swap-b-1/rename?name=swap-a-1" >/dev/null
api POST "/containers/elsewhere/rename?name=swap-b-1" >/dev/null
same "names exchanged by hand" 0 "$(exit_of apply)"
same "a is a" a "$(inspect swap-a-1 '.Config.Labels["evenkeel.service"]')"
same "b is b" b "$(inspect swap-b-1 '.Config.Labels["evenkeel.service"]')"
settled "names exchanged"

# --- a paused container is replaced
api POST /containers/swap-a-1/pause >/dev/null
swap 18095 18090 "$well"
same "a paused one is replaced" 0 "$(exit_of apply)"
same "the new one runs" running "$(inspect swap-a-1 .State.Status)"
settled "paused"
