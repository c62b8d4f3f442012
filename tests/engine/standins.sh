#!/bin/bash
# Makes sure that the images which the demo and the tests name exist on the engine of DOCKER_HOST.
# One that is missing is pulled; where no registry can be reached, a stand-in is imported under its
# public name: busybox with a few scripts that listen on the right port and end at once on SIGTERM.
# Traefik's holds the real program, from another registry (tests/engine/tools.sh).
#
#   standins.sh [--no-pull] [--real] [IMAGE:TAG...]
#
# With --real a stand-in holds the real program, from the distribution's packages, if real_roots.sh knows how; a stand-in of the
# other kind is replaced. An IMAGE it knows no role for becomes a plain shell image. Stand-ins run as any user, with all
# capabilities dropped and on a read-only root; they carry the comment "evenkeel stand-in".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/engine/api.sh
. "$here/api.sh"
# shellcheck source=tests/engine/real_roots.sh
. "$here/real_roots.sh"

images=(busybox:stable alpine:3.20 nginx:1.27-alpine traefik/whoami:v1.10 mariadb:10.11
    redis:7-alpine python:3.11-slim python:3.13-slim node:24-alpine nginxinc/nginx-unprivileged:stable-alpine
    traefik:v3.7)
registry_reachable=yes
work=

die() {
    echo "standins.sh: $*" >&2
    exit 1
}

# --- the files -----------------------------------------------------------------------------------

# Prints the path of a statically linked busybox; unpacks Debian's if there is none here.
static_busybox() {
    local found cache=${EVENKEEL_TEST_CACHE:-$HOME/.cache/evenkeel-tests}/busybox
    for found in "$(command -v busybox || true)" "$cache/bin/busybox" "$cache/usr/bin/busybox"; do
        if [ -x "$found" ] && ! ldd "$found" >/dev/null 2>&1; then
            echo "$found"
            return
        fi
    done
    mkdir -p "$cache"
    (cd "$cache" && apt-get -q download busybox-static && dpkg -x busybox-static_*.deb .) >/dev/null 2>&1 ||
        die "needs a static busybox: install the package busybox-static"
    found=$cache/usr/bin/busybox
    [ -x "$found" ] || found=$cache/bin/busybox
    echo "$found"
}

# script PATH: writes standard input there as an executable sh script.
script() {
    mkdir -p "$(dirname "$work/root/$1")"
    rm -f "$work/root/$1"
    { echo '#!/bin/busybox sh' && cat; } >"$work/root/$1"
    chmod 755 "$work/root/$1"
}

make_root() {
    local root=$work/root
    mkdir -p "$root"/{bin,dev,etc/nginx/conf.d,etc/ssl/certs,home,proc,root,run,srv,sys,tmp} \
        "$root"/{data,lib,sbin,usr/bin,usr/sbin,usr/local/bin,usr/share/nginx/html} \
        "$root"/var/{cache/nginx,lib/mysql,log/nginx,run,tmp,www}
    chmod 1777 "$root"/tmp "$root"/var/tmp
    cp "$(static_busybox)" "$root/bin/busybox"
    "$root/bin/busybox" --install "$root/bin"
    ln "$root/bin/busybox" "$root/usr/bin/env"
    cat >"$root/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/:/sbin/nologin
www-data:x:33:33:www-data:/var/www:/sbin/nologin
nginx:x:101:101:nginx:/var/cache/nginx:/sbin/nologin
mysql:x:999:999:mysql:/var/lib/mysql:/sbin/nologin
redis:x:998:998:redis:/data:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
END
    cat >"$root/etc/group" <<'END'
root:x:0:
daemon:x:1:
www-data:x:33:
nginx:x:101:
mysql:x:999:
redis:x:998:
nogroup:x:65534:
END
    echo 'PRETTY_NAME="evenkeel stand-in image"' >"$root/etc/os-release"
    cat >"$root/usr/share/nginx/html/index.html" <<'END'
<!DOCTYPE html>
<html><head><title>Welcome to nginx!</title></head>
<body><h1>Welcome to nginx!</h1>
<p>This page comes from a stand-in image: no registry could be reached.</p></body></html>
END

    # The kernel gives process 1 no default signal actions, so something has to catch them.
    script bin/standin <<'END'
trap 'kill -TERM $child 2>/dev/null; exit 0' TERM INT QUIT
"$@" &
child=$!
wait $child
END
    script bin/sleep <<'END'
trap 'kill $child 2>/dev/null; exit 143' TERM INT
/bin/busybox sleep "$@" &
child=$!
wait $child
END
    # Commands which health checks like and which Debian's busybox lacks, or crashes on (wget -T).
    script bin/wget <<'END'
limit=900
i=$#
while [ "$i" -gt 0 ]; do
    i=$((i - 1)) word=$1
    shift
    case $word in
    -T) limit=$1 i=$((i - 1)) && shift ;;
    -T[0-9]*) limit=${word#-T} ;;
    --timeout=*) limit=${word#*=} ;;
    --tries=* | -t[0-9]*) ;;
    -t) i=$((i - 1)) && shift ;;
    *) set -- "$@" "$word" ;;
    esac
done
exec timeout "$limit" /bin/busybox wget "$@"
END
    script bin/curl <<'END'
limit=900 out=- url=
while [ $# -gt 0 ]; do
    case $1 in
    -m | --max-time | --connect-timeout) limit=$2 && shift ;;
    -o | --output | -*o) out=$2 && shift ;;
    -*) ;;
    *) url=$1 ;;
    esac
    shift
done
exec timeout "$limit" /bin/busybox wget -q -O "$out" "$url"
END
    # That shell takes its own wget and nc, whatever PATH says, unless functions of these names exist.
    script bin/sh <<'END'
case "$1 $2" in
-c*wget*-T* | -c*nc*-*z*)
    own='wget() { /bin/wget "$@"; }; nc() { /bin/nc "$@"; }; '
    command=$2
    shift 2
    exec /bin/busybox sh -c "$own$command" "$@"
    ;;
esac
exec /bin/busybox sh "$@"
END
    script bin/nc <<'END'
case $1 in
-z | -zv | -vz) shift && exec /bin/busybox nc -w 2 "$@" </dev/null >/dev/null ;;
esac
exec /bin/busybox nc "$@"
END
    # Each "l" of nc's makes its queue of waiting connections one longer.
    script bin/listen <<'END'
exec standin /bin/busybox nc -llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll -p "$1" -e "$2"
END

    script usr/sbin/nginx <<'END'
case " $* " in *" -t "* | *" -s "* | *" -v "* | *" -V "*) exit 0 ;; esac
port=$(cat /etc/nginx/conf.d/*.conf 2>/dev/null | sed -n 's/^ *listen *\([0-9]*\).*/\1/p' | head -n 1)
home=$(cat /etc/nginx/conf.d/*.conf 2>/dev/null | sed -n 's/^ *root *\([^;]*\);.*/\1/p' | head -n 1)
exec standin httpd -f -v -p "${port:-80}" -h "${home:-/usr/share/nginx/html}"
END
    script docker-entrypoint.sh <<'END'
exec "$@"
END

    script whoami <<'END'
port=${WHOAMI_PORT_NUMBER:-80}
while [ $# -gt 0 ]; do
    case $1 in
    --port | -port) port=$2 && shift ;;
    --port=* | -port=*) port=${1#*=} ;;
    --name | -name) export WHOAMI_NAME="$2" && shift ;;
    --name=* | -name=*) export WHOAMI_NAME="${1#*=}" ;;
    esac
    shift
done
exec listen "$port" /bin/whoami-reply
END
    script bin/whoami-reply <<'END'
request=
while IFS= read -r line; do
    line=${line%$(printf '\r')}
    [ -n "$line" ] || break
    request="$request$line
"
done
body="${WHOAMI_NAME:+Name: $WHOAMI_NAME
}Hostname: $(hostname)
IP: $(hostname -i 2>/dev/null)
$request"
printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n' \
    "$((${#body} + 1))" "$body"
END

    # As the public image's: what is no program here is for Traefik.
    script entrypoint.sh <<'END'
command -v -- "$1" >/dev/null || set -- traefik "$@"
exec "$@"
END

    script usr/local/bin/mariadbd <<'END'
if [ -z "$MARIADB_ROOT_PASSWORD$MARIADB_ROOT_PASSWORD_FILE$MARIADB_ROOT_PASSWORD_HASH$MYSQL_ROOT_PASSWORD$MYSQL_ROOT_PASSWORD_FILE$MARIADB_RANDOM_ROOT_PASSWORD$MARIADB_ALLOW_EMPTY_ROOT_PASSWORD" ]; then
    echo "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified" >&2
    echo "        You need to specify one of MARIADB_ROOT_PASSWORD, MARIADB_ROOT_PASSWORD_HASH, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD and MARIADB_RANDOM_ROOT_PASSWORD" >&2
    exit 1
fi
[ -e /var/lib/mysql/ibdata1 ] || date >/var/lib/mysql/ibdata1 2>/dev/null
echo "mariadbd: ready for connections. port: 3306 (stand-in)"
exec listen 3306 /bin/mariadb-reply
END
    script bin/mariadb-reply <<'END'
printf 'N\0\0\0\n10.11.0-standin\0'
END
    script usr/local/bin/mariadb-admin <<'END'
nc -w 1 127.0.0.1 3306 </dev/null 2>/dev/null | grep -q standin && echo "mysqld is alive"
END
    script usr/local/bin/healthcheck.sh <<'END'
exec mariadb-admin ping >/dev/null
END
    ln "$root/usr/local/bin/mariadb-admin" "$root/usr/local/bin/mysqladmin"

    script usr/local/bin/redis-server <<'END'
echo "* Ready to accept connections (stand-in)"
exec listen 6379 /bin/redis-reply
END
    script bin/redis-reply <<'END'
while IFS= read -r line; do
    case $line in
    [Pp][Ii][Nn][Gg]*) printf '+PONG\r\n' ;;
    [Qq][Uu][Ii][Tt]*) printf '+OK\r\n' && exit ;;
    [*$]*) ;;
    *) printf -- '-ERR stand-in: only PING and QUIT are known\r\n' ;;
    esac
done
END
    script usr/local/bin/redis-cli <<'END'
case " $* " in *[Pp][Ii][Nn][Gg]*) ;; *) echo "redis-cli: stand-in, knows only ping" >&2 && exit 1 ;; esac
answer=$(printf 'PING\r\nQUIT\r\n' | nc -w 2 127.0.0.1 6379 2>/dev/null | head -n 1)
case $answer in +PONG*) echo PONG ;; *) echo "Could not connect to Redis at 127.0.0.1:6379" >&2 && exit 1 ;; esac
END

    # What stands in for a program answers with the first text that it returns to a visitor.
    script bin/says <<'END'
QUOTE=$(sed -n 's/.*\(return\|send(\|end(\) *["'\'']\([^"'\'']*\)["'\''].*/\2/p' "$2" | head -n 1)
export QUOTE
exec listen "$1" /bin/says-reply
END
    script bin/says-reply <<'END'
while IFS= read -r line && [ "${line%$(printf '\r')}" ]; do :; done
text=$(printf "$QUOTE")
printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n' "$((${#text} + 1))" "$text"
END
    # Programs appear where pip would put them: in the virtual environment.
    script usr/local/bin/pip <<'END'
[ "$1" = install ] || exit 0
while [ $# -gt 0 ]; do
    case $1 in
    -r) shift && [ -s "$1" ] || { echo "ERROR: Could not open requirements file" >&2 && exit 1; } ;;
    gunicorn*) cp /usr/local/bin/gunicorn.stand-in "${VIRTUAL_ENV:-/usr/local}/bin/gunicorn" ;;
    esac
    shift
done
echo "Successfully installed (stand-in)"
END
    script usr/local/bin/gunicorn.stand-in <<'END'
while [ $# -gt 1 ]; do
    case $1 in --bind) port=${2##*:} ;; esac
    shift
done
exec says "${port:-8000}" "${1%%:*}.py"
END
    script usr/local/bin/node <<'END'
case $1 in --version | -v) echo "v24.0.0" && exit ;; esac
[ -e "$1" ] || { echo "Error: Cannot find module '$1'" >&2 && exit 1; }
exec says "${PORT:-3000}" "$1"
END
    script usr/local/bin/npm <<'END'
case $1 in
ci) [ -e package-lock.json ] || { echo "npm error: npm ci needs a package-lock.json" >&2 && exit 1; } ;;
esac
case $1 in ci | install | i) mkdir -p node_modules/.bin ;; esac
END

    script usr/local/bin/python3 <<'END'
[ $# -gt 0 ] || exit 0
case $1 in --version | -V) echo "Python 3.11.0 (stand-in)" && exit ;; esac
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && ln -s /usr/local/bin/python3 "$3/bin/python" && ln -s /usr/local/bin/pip "$3/bin/pip" && exit ;;
"-m pip") shift 2 && exec pip "$@" ;;
*.py\ *) exec says "${PORT:-8000}" "$1" ;;
esac
port=8000 home=. bind=
while [ $# -gt 0 ] && [ "$1" != -m ]; do shift; done
[ "$2" = http.server ] || { echo "python3: stand-in image, runs only -m http.server" >&2 && exit 1; }
shift 2
while [ $# -gt 0 ]; do
    case $1 in
    --directory | -d) home=$2 && shift ;;
    --bind | -b) bind=$2: && shift ;;
    [0-9]*) port=$1 ;;
    esac
    shift
done
exec standin httpd -f -v -p "$bind$port" -h "$home"
END
    ln "$root/usr/local/bin/python3" "$root/usr/local/bin/python"
    tar -C "$root" --owner=0 --group=0 --mtime=@0 --sort=name -cf "$work/root.tar" .
}

# The common files and the real Traefik.
make_traefik_root() {
    local program
    program=$("$here/tools.sh" traefik)
    cp "$work/root.tar" "$work/traefik.tar"
    tar -C "$(dirname "$program")" --owner=0 --group=0 --mtime=@0 --transform 's,^,./usr/local/bin/,' \
        -rf "$work/traefik.tar" "$(basename "$program")"
}

# --- the engine ----------------------------------------------------------------------------------

# Prints the Dockerfile instructions of an image's role.
role_of() {
    case ${1%%:*} in
    nginx | nginxinc/nginx-unprivileged)
        printf '%s\n' 'EXPOSE 80' 'ENTRYPOINT ["/docker-entrypoint.sh"]' \
            'CMD ["nginx", "-g", "daemon off;"]'
        ;;
    traefik/whoami) printf '%s\n' 'EXPOSE 80' 'ENTRYPOINT ["/whoami"]' ;;
    mariadb | mysql)
        printf '%s\n' 'EXPOSE 3306' 'VOLUME /var/lib/mysql' 'ENTRYPOINT ["/docker-entrypoint.sh"]' \
            'CMD ["mariadbd"]'
        ;;
    redis)
        printf '%s\n' 'EXPOSE 6379' 'VOLUME /data' 'WORKDIR /data' \
            'ENTRYPOINT ["/docker-entrypoint.sh"]' 'CMD ["redis-server"]'
        ;;
    postgres)
        printf '%s\n' 'EXPOSE 5432' 'VOLUME /var/lib/postgresql/data' 'ENV PGDATA=/var/lib/postgresql/data' \
            'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres"]'
        ;;
    wordpress)
        printf '%s\n' 'EXPOSE 80' 'VOLUME /var/www/html' 'WORKDIR /var/www/html' \
            'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["apache2-foreground"]'
        ;;
    traefik) printf '%s\n' 'EXPOSE 80' 'ENTRYPOINT ["/entrypoint.sh"]' 'CMD ["traefik"]' ;;
    python) printf '%s\n' 'CMD ["python3"]' ;;
    node) printf '%s\n' 'CMD ["node"]' ;;
    *) printf '%s\n' 'CMD ["sh"]' ;;
    esac
}

# kind_of IMAGE: which comment its stand-in shall carry
kind_of() {
    if [ -n "$real" ] && [ -n "$(real_packages "${1%:*}")" ]; then echo "$comment_real"; else echo "$comment"; fi
}

# Is there an image that may stay? A stand-in of the other kind may not.
settled() {
    local found
    grep -qxF "$1" <<<"$present" || return 1
    found=$(engine_curl "/images/$1/json" --max-time 30 | jq -r .Comment)
    [[ $found != "$comment"* || $found = "$(kind_of "$1")" ]]
}

# The first pull that fails without a single byte from a registry is the last one tried.
pull() {
    local image=$1 answer
    [ -n "$registry_reachable" ] || return 1
    answer=$(engine_curl "/images/create?fromImage=${image%:*}&tag=${image##*:}" -X POST \
        --max-time 600 --speed-time 8 --speed-limit 1 2>/dev/null) || registry_reachable=
    if [ -n "$registry_reachable" ] && jq -es 'all(has("errorDetail") or has("message") | not)' \
        <<<"$answer" >/dev/null 2>&1; then
        echo "standins.sh: pulled $image" >&2
        return 0
    fi
    registry_reachable=
    return 1
}

import() {
    local image=$1 query answer files=$work/root.tar
    local -a changes
    if [ "$(kind_of "$image")" = "$comment_real" ]; then
        files=$(real_root "${image%:*}") || die "no packages to make $image of"
    elif [ "${image%:*}" = traefik ]; then
        make_traefik_root
        files=$work/traefik.tar
    fi
    mapfile -t changes < <(role_of "$image")
    changes+=("ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    query=$(jq -rn --arg repo "${image%:*}" --arg tag "${image##*:}" \
        --arg message "$(kind_of "$image")" '([@uri "fromSrc=-&repo=\($repo)&tag=\($tag)&message=\($message)"]
          + [$ARGS.positional[] | @uri "changes=\(.)"]) | join("&")' --args "${changes[@]}")
    answer=$(engine_curl "/images/create?$query" -X POST -H 'Content-Type: application/x-tar' \
        -H 'Expect:' --max-time 180 -T "$files")
    [[ $answer == *'"status":"sha256:'* ]] || die "could not import $image: $answer"
}

try_pull=yes real='' comment="evenkeel stand-in" comment_real="evenkeel stand-in of packages"
while [[ ${1:-} == --* ]]; do
    case $1 in
    --no-pull) try_pull= ;;
    --real) real=yes ;;
    *) die "unknown option $1" ;;
    esac
    shift
done
[ $# -eq 0 ] || images=("$@")
command -v jq >/dev/null || die "needs jq"
engine_answers || die "no engine answers at ${DOCKER_HOST:-unix:///var/run/docker.sock}"

present=$(engine_curl /images/json --max-time 30 | jq -r '.[].RepoTags // [] | .[]')
made=()
for image in "${images[@]}"; do
    [[ $image == *:* ]] || image+=:latest
    ! settled "$image" || continue
    if [ -z "$try_pull" ] || ! pull "$image"; then
        if [ -z "$work" ]; then
            work=$(mktemp -d)
            trap 'rm -rf "$work"' EXIT
            make_root
        fi
        import "$image"
        made+=("$image")
    fi
done
[ ${#made[@]} -eq 0 ] || echo "standins.sh: made local stand-ins (not the real images) for: ${made[*]}" >&2
