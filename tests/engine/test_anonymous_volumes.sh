#!/bin/bash
# Volumes that nobody gave a name: what is in an image's VOLUME, and in `volumes: [/path]`, goes along when a container is replaced: after a change of the file, of what it is built from,
# after a version that does not come up, and after a hand's change that takes a new container.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

# in_container COMMAND...: its output
in_container() {
    local id
    id=$(api POST /containers/anon-app-1/exec "$(printf '%s\n' "$@" | jq -Rn '{AttachStdout: true, Cmd: [inputs]}')" | jq -r .Id)
    api POST "/exec/$id/start" '{"Detach": false, "Tty": true}' | tr -d '\r'
}
volumes() { inspect anon-app-1 '[.Mounts[] | "\(.Destination) \(.Name)"] | sort | join(" ")'; }
holds() { in_container sh -c 'cat /var/own/data /cache/data; echo'; }
build() { # what the image says besides
    mkdir -p "$root/anon"
    printf '%s\n' 'FROM busybox:stable' "$1" 'VOLUME /var/own' 'STOPSIGNAL SIGKILL' >"$root/anon/.new"
    mv "$root/anon/.new" "$root/anon/Dockerfile"
}
spec() {
    { printf 'app: anon\nsource: {path: ./anon}\ncpus: 0\nvolumes: [/cache]\nsecurity: {profile: service}\n' && printf '%s\n' "$@"; } | write_file anon.yaml
}

build 'CMD ["sleep", "100000"]'
spec
same "an app with two volumes without a name" 0 "$(exit_of apply)"
in_container sh -c 'echo one >/var/own/data; echo two >/cache/data' >/dev/null
first=$(volumes)
same "both are the engine's" 2 "$(wc -w <<<"$first" | awk '{print $1 / 2}')"
born=$(inspect anon-app-1 .Id)
spec 'environment: {A: b}'
says "the plan says that they go along" "at /var/own goes along to the new container" "$(plan anon || true)"
same "a change of the file" 0 "$(exit_of apply)"
check "is another container" [ "$(inspect anon-app-1 .Id)" != "$born" ]
same "with the same volumes" "$first" "$(volumes)"
says "and what they hold" "one" "$(holds)"
says "both" "two" "$(holds)"
same "no drift" 0 "$(exit_of evenkeel drift anon)"
same "nothing is left to be done" 0 "$(exit_of plan)"

build 'CMD ["sleep", "200000"]'
same "another image, which is not built yet when it is planned" 0 "$(exit_of apply)"
same "is that" 200000 "$(inspect anon-app-1 '.Config.Cmd[1]')"
same "with the same volumes" "$first" "$(volumes)"
same "nothing is left to be done" 0 "$(exit_of plan)"

build 'CMD ["sh", "-c", "exit 3"]'
same "a version that does not come up" 1 "$(exit_of apply)"
check "is taken away, and the old one runs" wait_until 10 docker_running anon-app-1
same "with its volumes" "$first" "$(volumes)"
says "and what they hold" "one" "$(holds)"

build 'CMD ["sleep", "200000"]'
same "back" 0 "$(exit_of apply)"
born=$(inspect anon-app-1 .Id)
api POST /containers/anon-app-1/update '{"NanoCpus": 500000000}' >/dev/null
same "a limit that only a new container takes away" 0 "$(exit_of apply)"
check "is taken away by one" [ "$(inspect anon-app-1 .Id)" != "$born" ]
same "with the same volumes" "$first" "$(volumes)"

printf 'app: anon\nsource: {path: ./anon}\ncpus: 0\nvolumes: ["kept:/cache"]\nsecurity: {profile: service}\n' | write_file anon.yaml
same "a volume with a name takes the place of one" 0 "$(exit_of apply)"
same "of that one alone" "/cache anon_kept ${first#* * }" "$(volumes)"
check "which is still there" api GET "/volumes/$(awk '{print $2}' <<<"$first")"
