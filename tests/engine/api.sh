# shellcheck shell=bash
# Talks to the engine named by DOCKER_HOST (unix:// or tcp://, by default the system's socket)
# with curl alone, so that nothing here needs the docker command. To be sourced.

# engine_curl PATH [CURL OPTIONS...]
engine_curl() {
    local host=${DOCKER_HOST:-unix:///var/run/docker.sock} path=$1
    shift
    case $host in
    unix://*) curl -sS --unix-socket "${host#unix://}" "$@" "http://engine$path" ;;
    tcp://*) curl -sS "$@" "http://${host#tcp://}$path" ;;
    *)
        echo "DOCKER_HOST=$host: only unix:// and tcp:// are understood here" >&2
        return 1
        ;;
    esac
}

engine_answers() {
    engine_curl /_ping --max-time 5 -f -o /dev/null 2>/dev/null
}
