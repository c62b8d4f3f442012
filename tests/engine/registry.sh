# shellcheck shell=bash
# A registry that wants a password, for tests: Debian's docker-registry on the loopback device, to be sourced after need_engine. $registry is its address,
# $config the folder of the credentials (DOCKER_CONFIG), anna's password $password.
# The registry is on this side; an engine elsewhere would not reach it.
# shellcheck disable=SC2154
port=15000
registry=127.0.0.1:$port
config=$work/docker
export DOCKER_CONFIG=$config
mkdir -p "$config" "$work/registry"
# shellcheck disable=SC2016
echo 'anna:$2y$05$evenkeelevenkeelevenkeHU3TaznMNp6RrYF2e/47nUqi7nvdf0m' >"$work/htpasswd"
password='let me in'
cat >"$work/registry.yml" <<END
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: "$registry"}
auth: {htpasswd: {realm: test, path: $work/htpasswd}}
END
docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
registry_up() { [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 "http://$registry/v2/")" = 401 ]; }
if ! wait_until 10 registry_up; then
    fail "docker-registry" "does not answer: $(tail -n 3 "$work/registry.log")"
    exit 0
fi
auth=$(printf '{"username":"anna","password":"%s","serveraddress":"%s"}' "$password" "$registry" | base64 -w 0 | tr '+/' '-_')

# push TAG LABEL [BYTES]: an image with this label and a layer of so many bytes becomes $registry/team/app:TAG.
push() {
    head -c "${3:-1000000}" /dev/urandom >"$work/ballast"
    tar -C "$work" -cf "$work/layer.tar" ballast
    api POST '/containers/create?name=push' "{\"Image\":\"busybox:stable\",\"Labels\":{\"version\":\"$2\"},\"Cmd\":[\"sleep\",\"100000\"]}" >/dev/null
    engine_curl '/containers/push/archive?path=/' -X PUT -H 'Content-Type: application/x-tar' --data-binary "@$work/layer.tar" --max-time 30
    api POST "/commit?container=push&repo=$registry/team/app&tag=$1" '{}' >/dev/null
    api DELETE '/containers/push?force=1'
    engine_curl "/images/$registry/team/app/push?tag=$1" -X POST -H "X-Registry-Auth: $auth" --max-time 60 | tr -d '\0' >"$work/push.log"
    ! grep -q errorDetail "$work/push.log" || { cat "$work/push.log" >&2 && return 1; }
    sed -n 's/.*\(sha256:[0-9a-f]\{64\}\).*/\1/p' "$work/push.log" | tail -n 1
}
forget() { # what the engine has of it
    local id
    for id in $(api GET '/images/json' | jq -r ".[] | (.RepoTags // [], .RepoDigests // []) | .[] | select(startswith(\"127.0.0.1:\"))"); do
        engine_curl "/images/$id?force=1" -X DELETE -o /dev/null --max-time 20
    done
}
login() { # PASSWORD [PORT]
    printf '{"auths": {"%s": {"auth": "%s"}}}\n' "127.0.0.1:${2:-$port}" "$(printf 'anna:%s' "$1" | base64 -w 0)" >"$config/config.json"
}
