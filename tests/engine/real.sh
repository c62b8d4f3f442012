# shellcheck shell=bash
# For tests that run real programs: images of the distribution's packages under the public names (real_roots.sh), where none can be pulled. To be sourced after
# need_engine; afterwards the engine has the small stand-ins again.

real_made=()
world= # a network namespace that a test made
real_end() {
    local status=$?
    set +e
    # Or the agent would take the small ones at once.
    stop_agent
    [ ${#real_made[@]} -eq 0 ] || "$engine_dir/standins.sh" --no-pull "${real_made[@]}" 2>/dev/null
    [ -z "${world:-}" ] || ip netns del "$world"
    (exit $status)
    finish
}
trap real_end EXIT

# real_images IMAGE...
real_images() {
    local options=(--real)
    if [ -n "${EVENKEEL_TEST_ENGINE_DIR:-}" ]; then
        options+=(--no-pull)
        "$engine_dir/real_roots.sh" "${@%%:*}" >/dev/null 2>"$work/roots.log" || skip_all "$(tail -n 1 "$work/roots.log")"
    fi
    real_made+=("$@")
    "$engine_dir/standins.sh" "${options[@]}" "$@"
}

# run CONTAINER COMMAND...: inside; prints what it prints and has its exit status.
run() {
    local id
    id=$(api POST "/containers/$1/exec" "$(printf '%s\n' "${@:2}" | jq -Rn '{AttachStdout: true, AttachStderr: true, Tty: true, Cmd: [inputs]}')" | jq -r .Id)
    api POST "/exec/$id/start" '{"Detach": false, "Tty": true}' | tr -d '\r'
    return "$(api GET "/exec/$id/json" | jq .ExitCode)"
}
