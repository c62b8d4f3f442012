#!/bin/bash
# GPUs as the engine hands them out, without a GPU: dockerd offers its nvidia driver to whom it finds nvidia-container-runtime-hook, and a stand-in for that is enough. What a
# container then sees is what was asked for. CDI where the engine has it; where it has not, the app is told so.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
own_engine "a stand-in for a GPU needs"
end_engine() {
    [ -z "$agent_pid" ] || stop_agent
    [ ! -e "$own/engine.state" ] || "$engine" stop "$own"
    rm -rf "$own"
}
trap 'end_engine; finish' EXIT

mkdir -p "$own/bin" "$own/cdi"
printf '#!/bin/sh\nexec cat >/dev/null\n' >"$own/bin/nvidia-container-runtime-hook"
chmod +x "$own/bin/nvidia-container-runtime-hook"
export PATH=$own/bin:$PATH
cat >"$own/cdi/test.json" <<'END'
{"cdiVersion": "0.5.0", "kind": "example.com/gpu", "devices": [{"name": "one", "containerEdits": {"env": ["CDI_SAYS=one"]}}]}
END
"$engine" start "$own" --netns "${modern[@]}" >/dev/null
if [ ${#modern[@]} -gt 0 ]; then
    "$engine" halt "$own"
    printf '{"features": {"cdi": true}, "cdi-spec-dirs": ["%s"]}\n' "$own/cdi" >"$own/daemon.json"
    "$engine" resume "$own" >/dev/null
fi
"$engine_dir/standins.sh" --no-pull busybox:stable 2>/dev/null

seen() { "$EVENKEEL" logs "$1" "${flags[@]}" --state "$state" --docker "$DOCKER_HOST" 2>&1 | grep -oE '(NVIDIA|CDI)_[A-Z_]*=[^ ]*' | sort | tr '\n' ' '; }
# gpu APP LINES...: a one-shot that prints its environment
gpu() {
    {
        printf 'services:\n  app:\n    image: busybox:stable\n    command: ["env"]\n    restart: "no"\n    network_mode: none\n'
        printf '    %s\n' "${@:2}"
    } | write_file "$1.compose.yaml"
}
gpu all "gpus: all"
gpu count "gpus: [{driver: nvidia, count: 1}]"
gpu ids 'gpus: [{device_ids: ["0", "GPU-12345678-1234-1234-1234-123456789012"], capabilities: [utility]}]'
gpu reserved "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 2, capabilities: [gpu, compute]}]}}}"
same "containers with GPUs" 0 "$(exit_of apply)"
same "are as they should be" 0 "$(exit_of plan)"
says "all" "NVIDIA_VISIBLE_DEVICES=all" "$(seen all)"
says "one" "NVIDIA_VISIBLE_DEVICES=0 " "$(seen count)"
says "by id" "NVIDIA_VISIBLE_DEVICES=0,GPU-12345678-1234-1234-1234-123456789012" "$(seen ids)"
says "that can do more" "utility" "$(seen ids)"
says "reserved" "NVIDIA_VISIBLE_DEVICES=0,1" "$(seen reserved)"
same "as much shared memory as their programs want" 1073741824 "$(inspect all-app-1 .HostConfig.ShmSize)"

gpu cdi 'devices: ["example.com/gpu=one"]'
if [ ${#modern[@]} -gt 0 ]; then
    same "a device of CDI" 0 "$(exit_of apply)"
    says "is injected" "CDI_SAYS=one" "$(seen cdi)"
    same "and is as it should be" 0 "$(exit_of plan)"
    gpu cdi 'gpus: [{driver: cdi, device_ids: ["example.com/gpu=two"]}]'
    same "one that is not there fails" 1 "$(exit_of apply)"
    says "by its name" "example.com/gpu=two" "$({ evenkeel apply cdi 2>&1 || true; } | tail -n 5)"
else
    same "an engine without CDI" 1 "$(exit_of apply)"
    says "is not asked" "needs Engine API 1.44" "$(app_why cdi)"
    check "and nothing is made" gone cdi-app-1
fi
