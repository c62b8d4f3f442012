#!/bin/bash
# Installs what evenkeel needs from the distribution's own packages (Debian 12 and 13, Ubuntu 22.04
# and newer). Says nothing and needs no network when nothing is missing.
#
#   tests/deps.sh                what the build and the unit tests need
#   tests/deps.sh test           ... and what the other tests need
#   tests/deps.sh engine         ... and a Docker engine, if there is no dockerd on PATH
#   tests/deps.sh test engine    both
#   tests/deps.sh browser        ... and a browser with what drives it, for `make check-all`
set -euo pipefail

build_packages=(build-essential gcc clang make pkg-config libcurl4-openssl-dev libyaml-dev
    libjansson-dev libsqlite3-dev libarchive-dev zlib1g-dev libgit2-dev libinotifytools0-dev libcivetweb-dev
    libssl-dev libsodium-dev libcmocka-dev)
test_packages=(iptables iproute2 curl jq python3 valgrind clang-format clang-tidy universal-ctags
    sqlite3 tmux git socat openssl docker-registry zip zstd python3-pip)

updated=
policy_file=/usr/sbin/policy-rc.d
policy_made=

die() {
    echo "deps: $*" >&2
    exit 1
}

# Prints those of its arguments which are not installed.
missing_of() {
    local have name
    have=" $(dpkg-query -W -f '${db:Status-Abbrev}${Package} ' "$@" 2>/dev/null || true)"
    for name in "$@"; do
        [[ $have == *" ii $name "* ]] || printf '%s ' "$name"
    done
}

# The sanitizers' run-time library has the compiler's version in its name; Ubuntu 22.04 has it in
# clang itself.
sanitizer_package() {
    local version
    compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan*' >/dev/null && return
    version=$(apt-cache depends clang 2>/dev/null |
        sed -n 's/^ *Depends: clang-\([0-9][0-9]*\)$/\1/p' | head -n 1)
    [ -n "$version" ] || return 0
    if apt-cache show "libclang-rt-$version-dev" >/dev/null 2>&1; then
        printf 'libclang-rt-%s-dev ' "$version"
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# Packages with a daemon would start it while they are installed; a system-wide dockerd is not what
# somebody who runs a test suite asked for.
forbid_service_starts() {
    [ -e "$policy_file" ] && return
    # shellcheck disable=SC2016
    as_root sh -c 'printf "#!/bin/sh\nexit 101\n" >"$1" && chmod 755 "$1"' sh "$policy_file"
    policy_made=yes
}

allow_service_starts() {
    [ -n "$policy_made" ] || return 0
    as_root rm -f "$policy_file"
    policy_made=
}

install_group() {
    local title=$1 log
    shift
    [ $# -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        die "missing for $title: $*. Run as root: apt-get install --no-install-recommends $*"
    fi
    echo "deps: installing for $title: $*"
    log=$(mktemp)
    trap 'allow_service_starts; rm -f "$log"' EXIT
    if [ -z "$updated" ]; then
        as_root apt-get update >"$log" 2>&1 || { sleep 3; as_root apt-get update >"$log" 2>&1; } ||
            echo "deps: apt-get update failed, going on with the package lists there are" >&2
        updated=yes
    fi
    forbid_service_starts
    if ! as_root apt-get install -y -q --no-install-recommends --no-remove "$@" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        die "could not install: $*"
    fi
    allow_service_starts
    rm -f "$log"
    trap - EXIT
}

want_test=
want_engine=
want_browser=
for word in "$@"; do
    case $word in
    build) ;;
    test) want_test=yes ;;
    engine) want_engine=yes ;;
    browser) want_browser=yes ;;
    *) die "unknown group \"$word\" (known: build, test, engine, browser)" ;;
    esac
done

command -v apt-get >/dev/null || die "no apt-get here. Needed: ${build_packages[*]}"

list=$(missing_of "${build_packages[@]}")
# shellcheck disable=SC2086
install_group "the build" $list

if [ -n "$want_test" ]; then
    list=$(missing_of "${test_packages[@]}")
    list+=$(sanitizer_package)
    # busybox-static displaces busybox, on which a system's boot may depend: leave that one alone
    # (tests/engine/standins.sh then unpacks a static one for itself).
    [ -z "$(missing_of busybox)" ] || list+=$(missing_of busybox-static)
    # shellcheck disable=SC2086
    install_group "the tests" $list
    # Checkers that are asked when they can be had; an engine's tests may run where no mirror is reached.
    for tool in promtool openapi; do "$(dirname "$0")/engine/tools.sh" $tool >/dev/null 2>&1 || true; done
fi

if [ -n "$want_engine" ]; then
    list=$(missing_of iptables iproute2 curl jq python3 python3-pip) # pip: tests/engine/tools.sh
    PATH=$PATH:/usr/sbin:/sbin command -v dockerd >/dev/null || list+="docker.io "
    # shellcheck disable=SC2086
    install_group "the engine" $list
fi

if [ -n "$want_browser" ]; then
    list=
    command -v chromium >/dev/null || list+="chromium "
    command -v node >/dev/null || list+="nodejs "
    command -v npm >/dev/null || list+="npm "
    # shellcheck disable=SC2086
    install_group "the browser" $list
fi
