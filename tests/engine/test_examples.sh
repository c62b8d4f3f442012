#!/bin/bash
# The examples and the demo, run for real: their pages are fetched and their data is kept.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

for port in 8080 8081 8082 8083 8084 8085; do
    ! curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$port/" || skip_all "port $port, which the examples use, is taken here"
done
page() { curl -sf --max-time 2 "http://127.0.0.1:$1/" | grep -q "Welcome to nginx"; }
example() { root=$work/$1 && cp -r "$repo/examples/$1" "$work/" && flags=(--root "$root"); }

example hello
same "hello: apply" 0 "$(exit_of apply)"
check "hello: its page" wait_until 5 page 8080
becomes "hello is healthy" "hello=Synced" 10
says "status shows its address" "localhost:8080" "$(evenkeel status)"
before=$(inspect hello-app-1 .Id)
same "hello: apply again" 0 "$(exit_of apply)"
same "hello: the same container" "$before" "$(inspect hello-app-1 .Id)"
rm "$root/hello.yaml"
same "hello: deleted" 0 "$(exit_of apply)"
same "hello: gone" "" "$(owned containers .Id)$(owned networks .Id)"

example two-services
same "two-services: apply" 0 "$(exit_of apply)"
check "two-services: its page" wait_until 5 page 8081
becomes "two-services is healthy" "guestbook=Synced" 15
same "two-services: what is internal is internal" true "$(api GET /networks/guestbook_back | jq -r .Internal)"
check "two-services: web came after store" test "$(inspect guestbook-web-1 .State.StartedAt)" \> "$(inspect guestbook-store-1 .State.StartedAt)"
rm "$root/guestbook.yaml"
same "two-services: deleted" 0 "$(exit_of apply)"
same "two-services: its volume stays" guestbook_data "$(owned volumes .Name)"

example volume
lines() { engine_curl '/containers/notes-app-1/archive?path=/notes/log' | tar -xO | wc -l; }
same "volume: apply" 0 "$(exit_of apply)"
check "volume: one line" wait_until 5 eval '[ "$(lines)" = 1 ]'
mv "$root/notes.yaml" "$work/"
same "volume: deleted" 0 "$(exit_of apply)"
check "volume: gone" gone notes-app-1
mv "$work/notes.yaml" "$root/"
same "volume: back" 0 "$(exit_of apply)"
check "volume: its data is there, and one line more" wait_until 5 eval '[ "$(lines)" = 2 ]'
says "volume: as its log says" 2 "$(evenkeel logs notes)"
rm "$root/notes.yaml"
same "volume: deleted" 0 "$(exit_of apply)"

# shows PORT WORDS
shows() { curl -sf --max-time 2 "http://127.0.0.1:$1/" | grep -q "$2"; }

# built NAME APP PORT WORDS: an example whose image is made: it answers, and is not made twice.
built() {
    local image
    example "$1"
    same "$1: apply" 0 "$(exit_of apply)"
    check "$1: its page" wait_until 10 shows "$3" "$4"
    becomes "$1 is well" "$2=Synced" 10
    image=$(inspect "$2-app-1" .Image)
    same "$1: nothing is left to do" 0 "$(exit_of plan)"
    same "$1: apply again" 0 "$(exit_of apply)"
    same "$1: the same image" "$image" "$(inspect "$2-app-1" .Image)"
}

unbuilt() {
    rm "$root"/*.yaml "$root"/*.zip 2>/dev/null || true
    same "$1: deleted" 0 "$(exit_of apply)"
    same "$1: gone" "" "$(owned containers .Id)$(owned networks .Id)"
}

built dockerfile site 8082 "Built from a folder"
echo "<h1>Changed</h1>" >"$root/site/index.html"
same "dockerfile: a change" 0 "$(exit_of apply)"
check "dockerfile: its new page" wait_until 10 shows 8082 Changed
unbuilt dockerfile

built static pages 8083 "Out of an archive"
same "static: a server without rights" "User 101" "User $(inspect pages-app-1 .Config.User)"
if command -v zip >/dev/null; then
    echo "<h1>Packed again</h1>" >"$root/pages/index.html"
    "$root/pack.sh"
    same "static: another archive" 0 "$(exit_of apply)"
    check "static: its new page" wait_until 10 shows 8083 "Packed again"
else
    skip "static: packed again" "needs zip"
fi
unbuilt static

built python-auto flask 8084 "Hello from Flask"
same "python-auto: a user without rights" 1000:1000 "$(inspect flask-app-1 .Config.User)"
unbuilt python-auto
built node-auto node-hello 8085 "Hello from Node.js"
unbuilt node-auto

# Each request of a README ("    curl ...  # WORDS") brings what it says.
asked=0
ask_as_told() {
    local line command wanted output
    while IFS= read -r line; do
        command=${line%%  #*} wanted=${line##*# }
        output=$(bash -c "${command/curl /curl -si --max-time 10 }" 2>&1) || true
        if [[ ${output,,} == *"${wanted,,}"* ]]; then
            asked=$((asked + 1))
        else
            fail "routes:$command" "\"$wanted\" is not in \"$output\""
        fi
    done < <(grep -E '^    .*curl .*# ' "$1")
}
if curl -s -o /dev/null --max-time 2 http://localhost/; then
    skip "routes" "port 80 is taken here"
else
    example routes
    bash -c "$(grep -h "secret set" "$root/README.md" | sed "s,/tmp/routes-state,$state,; s,evenkeel secret,$EVENKEEL secret,")"
    start_agent
    becomes "routes: all are well" "blog=Synced docs=Synced evenkeel=Synced members=Synced shop=Synced" 40
    ask_as_told "$root/README.md"
    same "routes: every request of the README" "$(grep -cE '^    .*curl .*# ' "$root/README.md")" "$asked"
    stop_agent
    rm "$root"/*.yaml
    apply >/dev/null || true
    same "routes: removed together only when confirmed" 0 "$(exit_of apply --confirm-removals "$(held_hash)")"
    same "routes: gone, and Traefik too" "" "$(owned containers .Id)$(owned networks .Id)"
fi

# --- make demo
if [ "$(id -u)" = 0 ] || "$repo/tests/deps.sh" </dev/null >/dev/null 2>&1; then
    # or it would not have to be built
    for image in $(api GET /images/json | jq -r '.[] | (.RepoTags // [])[] | select(startswith("evenkeel/pages/"))'); do api DELETE "/images/$image" >/dev/null; done
    out=$(DEMO_ONCE=1 timeout 250 make -s -C "$repo" demo 2>&1 </dev/null) && status=0 || status=$?
    same "make demo" 0 "$status"
    says "demo: the page" "Out of an archive" "$out"
    says "demo: its image was built" "build image evenkeel/pages/app:" "$out"
    says "demo: healed" "healed: a new container runs" "$out"
    says "demo: through Traefik, by path and by host" "Out of an archive" "$(sed -n '/Traefik, by its host (/,$p' <<<"$out")"
    says "demo: what was done and why" "pages-app-1 (gone (" "$out"
    same "demo: nothing is left" "" "$(owned containers 'select(.Labels["evenkeel.owner"] == "demo") | .Id')$(api GET '/images/json?filters=%7B%22label%22:%5B%22evenkeel.build.owner=demo%22%5D%7D' | jq -r '.[].Id')"
    [ "$status" = 0 ] || sed 's/^/  | /' <<<"$out"
else
    skip "make demo" "libraries are missing"
fi
