#!/bin/bash
# What is built may stand on images of a registry that wants a password: with BuildKit, which has no session to ask for credentials, and with the
# classic builder. Without credentials the error names the image and what to do; the password goes nowhere.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
command -v docker-registry >/dev/null || skip_all "no docker-registry (tests/deps.sh test installs it)"
need_engine
[[ $DOCKER_HOST == unix://* ]] || skip_all "needs an engine on a Unix socket"
# shellcheck source=tests/engine/registry.sh
. "$engine_dir/registry.sh"

engine=$DOCKER_HOST
"$engine_dir/no_buildkit.py" "$work/old.sock" "${engine#unix://}" "$work/asked" &
check "an engine without BuildKit answers" wait_until 5 test -S "$work/old.sock"
same "a base image is pushed" 71 "$(push base "the base" | wc -L)"
same "and another to copy from" 71 "$(push tools "the tools" | wc -L)"
printf 'app: private\nsource: {path: ./src}\nstop_signal: SIGKILL\nnetwork_mode: none\n' | write_file private.yaml

# builds_with BUILDER HOST: without credentials, with wrong ones, with the right ones
builds_with() {
    local out status before
    DOCKER_HOST=$engine
    api DELETE '/containers/private-app-1?force=1' 2>/dev/null || true
    forget
    rm -f "$config/config.json"
    DOCKER_HOST=$2
    printf 'FROM %s/team/app:base\nCOPY --from=%s/team/app:tools /ballast /tools\nLABEL with="%s %s"\nCMD ["sleep", "100000"]\n' \
        "$registry" "$registry" "$1" "$(date +%s.%N)" | write_file src/Dockerfile
    out=$(apply 2>&1) && status=0 || status=$?
    same "$1: without credentials" 1 "$status"
    says "$1: the image is named" "image $registry/team/app:" "$(grep '^private is' <<<"$out")"
    says "$1: and what to do" "docker login $registry" "$(grep '^private is' <<<"$out")"
    login nonsense
    out=$(apply 2>&1) && status=0 || status=$?
    same "$1: with wrong ones" 1 "$status"
    says "$1: the image is named again" "$registry/team/app:" "$(grep '^private is' <<<"$out")"
    before=$(wc -l <"$work/asked")
    login "$password"
    out=$(apply 2>&1) && status=0 || status=$?
    same "$1: with the right ones" 0 "$status"
    check "$1: it runs" docker_running private-app-1
    same "$1: it stands on the private one" "the base" "$(inspect private-app-1 .Config.Labels.version)"
    says "$1: by this builder" "$1 " "$(inspect private-app-1 .Config.Labels.with)"
    same "$1: nothing is left to be done" 0 "$(exit_of plan)"
    same "$1: asked for" "$3" "$(tail -n "+$((before + 1))" "$work/asked" | xargs)"
    check "$1: the password is nowhere" eval '! grep -rqF "$(printf "anna:%s" "$password" | base64)" "$state" && ! grep -rqF "$password" "$state" && [[ $out != *"$password"* ]]'
}

builds_with BuildKit "$engine" ""
builds_with classic "unix://$work/old.sock" "2 1"
DOCKER_HOST=$engine
rm "$root/private.yaml"
