#!/bin/bash
# Roots of stand-in images that hold the real program: the distribution's packages and all that they depend on, unpacked without
# being installed, and small scripts that do what the public image's own do for the examples and no more. Sourced by standins.sh;
# run as a program it fetches them for later, where a test cannot: an engine's network namespace has no way out.
#
#   real_roots.sh [ROLE...]      fetches and packs the roots of these roles, or of all
#
# A root is packed once, into EVENKEEL_TEST_CACHE (~/.cache/evenkeel-tests), under a name that changes with what it is made by.

real_roles="nginx python mariadb postgres redis wordpress"

# real_packages ROLE: nothing for a role that has none.
real_packages() {
    local basic="dash bash coreutils sed grep hostname util-linux"
    case $1 in
    nginx) echo "$basic busybox nginx" ;;
    python) echo "$basic python3 python3-packaging python3-flask python3-gunicorn python3-pymysql python3-psycopg2 python3-redis" ;;
    mariadb) echo "$basic mawk findutils mariadb-server mariadb-client" ;;
    postgres) echo "$basic findutils postgresql" ;;
    redis) echo "$basic redis-server" ;;
    wordpress) echo "$basic curl php-cli php-mysql" ;;
    esac
}

# real_script PATH: standard input becomes that program of $real.
real_script() {
    mkdir -p "$(dirname "$real/$1")"
    rm -f "$real/$1"
    cat >"$real/$1"
    chmod 755 "$real/$1"
}

# real_owned ID PATH...: folders of $real that belong to that user; the archive gets them last.
real_owned() {
    local id=$1
    shift
    (cd "$real" && mkdir -p "$@" && chmod 755 "$@")
    printf "$id %s\n" "$@" >>"$real.owned"
}

real_unpack() {
    local names
    names=$(apt-get -q -o Dir::State::status=/dev/null -o APT::Install-Recommends=false --print-uris install $1 |
        sed -n "s/^'.*' \([^_]*\)_.*/\1/p" | sort -u)
    mkdir "$real.debs"
    # shellcheck disable=SC2086
    (cd "$real.debs" && apt-get -q -o APT::Sandbox::User=root download $names) || return 1
    mkdir -p "$real"/usr/{bin,sbin,lib,lib64}
    for link in bin sbin lib lib64; do ln -s "usr/$link" "$real/$link"; done
    for package in "$real.debs"/*.deb; do
        # Without what only people read, and without PostgreSQL's compiler, which it does without where it is not there.
        dpkg-deb --fsys-tarfile "$package" | tar -C "$real" -x --no-same-owner --keep-directory-symlink \
            --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='./usr/share/i18n/*' \
            --exclude='*/libLLVM*' --exclude='*/libz3.*' --exclude='*/llvmjit*' --exclude='*/bitcode/*' || return 1
    done
}

# What scripts of the packages would have made, and every image has.
real_furnish() {
    mkdir -p "$real"/{dev,etc,home,proc,root,run,srv,sys,tmp,var/tmp,usr/local/bin}
    chmod 1777 "$real"/tmp "$real"/var/tmp
    rm -rf "$real/var/run" && ln -s /run "$real/var/run"
    printf 'PRETTY_NAME="evenkeel stand-in of Debian packages"\n' >"$real/etc/os-release.new"
    rm -f "$real/etc/os-release" && mv "$real/etc/os-release.new" "$real/etc/os-release"
    printf '%s\n' root:x:0:0:root:/root:/bin/sh daemon:x:1:1:daemon:/:/sbin/nologin www-data:x:33:33:www-data:/var/www:/sbin/nologin \
        nginx:x:101:101:nginx:/var/cache/nginx:/sbin/nologin mysql:x:999:999:mysql:/var/lib/mysql:/sbin/nologin \
        nobody:x:65534:65534:nobody:/:/sbin/nologin >"$real/etc/passwd"
    printf '%s\n' root:x:0: daemon:x:1: www-data:x:33: nginx:x:101: mysql:x:999: nogroup:x:65534: >"$real/etc/group"
}

real_nginx() {
    for link in wget nc; do ln -sf busybox "$real/bin/$link"; done
    ln -sf /dev/stdout "$real/var/log/nginx/access.log"
    ln -sf /dev/stderr "$real/var/log/nginx/error.log"
    real_script docker-entrypoint.sh <<'END'
#!/bin/sh
exec "$@"
END
}

# venv and pip: environments find Debian's packages, and pip is content with those in the versions asked for.
real_python() {
    real_script usr/local/bin/python3 <<'END'
#!/bin/sh
[ "$1 $2" = "-m venv" ] || exec /usr/bin/python3 "$@"
for place; do :; done
/usr/bin/python3 -m venv --system-site-packages --without-pip "$place" &&
    sed "1s,.*,#!$place/bin/python," /usr/local/bin/pip >"$place/bin/pip" && chmod 755 "$place/bin/pip"
END
    ln -sf python3 "$real/usr/local/bin/python"
    real_script usr/local/bin/pip <<'END'
#!/usr/bin/python3
import importlib.metadata as metadata
import os
import sys
from packaging.requirements import Requirement

wanted = [w for w in sys.argv[2:] if not w.startswith("-") and sys.argv[sys.argv.index(w) - 1] != "-r"]
for place, word in enumerate(sys.argv):
    if word == "-r":
        with open(sys.argv[place + 1]) as lines:
            wanted += [line.strip() for line in lines if line.strip() and not line.startswith("#")]
for line in wanted:
    requirement = Requirement(line)
    try:
        found = metadata.distribution(requirement.name.removesuffix("-binary"))
    except metadata.PackageNotFoundError:
        sys.exit(f"ERROR: No matching distribution found for {line} (stand-in: it has Debian's packages alone)")
    if not requirement.specifier.contains(found.version, prereleases=True):
        sys.exit(f"ERROR: {line} is not satisfied by {found.version} (stand-in: it has Debian's packages alone)")
    for entry in found.entry_points:
        if entry.group == "console_scripts":
            module, function = entry.value.split(":")
            path = os.path.join(sys.prefix, "bin", entry.name)
            with open(path, "w") as program:
                program.write(f"#!{sys.executable}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n")
            os.chmod(path, 0o755)
    print(f"Requirement already satisfied: {line} in {found.version}")
END
}

# The variables of the public image, with and without _FILE; a data folder that is empty is filled first.
real_mariadb() {
    rm -rf "$real"/etc/mysql && mkdir -p "$real"/etc/mysql/{conf.d,mariadb.conf.d}
    printf '[client-server]\nsocket = /run/mysqld/mysqld.sock\n[mariadbd]\ndatadir = /var/lib/mysql\n!includedir /etc/mysql/mariadb.conf.d\n!includedir /etc/mysql/conf.d\n' \
        >"$real/etc/mysql/my.cnf"
    rm -rf "$real/var/lib/mysql"
    real_owned 999 var/lib/mysql run/mysqld
    real_script docker-entrypoint.sh <<'END'
#!/bin/bash
set -eu
case $1 in -*) set -- mariadbd "$@" ;; esac
[ "$1" = mariadbd ] || exec "$@"
if [ "$(id -u)" = 0 ]; then
    chown 999:999 /var/lib/mysql /run/mysqld
    exec setpriv --reuid=999 --regid=999 --clear-groups -- "$0" "$@"
fi
value() { # of MARIADB_$1 or of the file that MARIADB_$1_FILE names, as a string of SQL
    local file=MARIADB_$1_FILE text=MARIADB_$1
    text=${!text:-}
    [ -z "${!file:-}" ] || text=$(cat "${!file}")
    text=${text//\\/\\\\}
    printf "'%s'" "${text//\'/\\\'}"
}
data=/var/lib/mysql
if [ ! -e $data/.my-healthcheck.cnf ]; then
    if [ "$(value ROOT_PASSWORD)" = "''" ]; then
        echo "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified" >&2
        exit 1
    fi
    mariadb-install-db --datadir=$data --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve >/dev/null
    check=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    user=$(value USER) base=${MARIADB_DATABASE:-}
    {
        echo "FLUSH PRIVILEGES;"
        echo "ALTER USER root@localhost IDENTIFIED BY $(value ROOT_PASSWORD);"
        echo "CREATE USER root@'%' IDENTIFIED BY $(value ROOT_PASSWORD);"
        echo "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
        for host in localhost 127.0.0.1; do echo "CREATE USER healthcheck@'$host' IDENTIFIED BY '$check';"; done
        [ -z "$base" ] || echo "CREATE DATABASE \`$base\`;"
        [ "$user" = "''" ] || echo "CREATE USER $user@'%' IDENTIFIED BY $(value PASSWORD);"
        [ "$user" = "''" ] || [ -z "$base" ] || echo "GRANT ALL ON \`$base\`.* TO $user@'%';"
    } | mariadbd --datadir=$data --bootstrap --skip-log-bin
    (umask 077 && printf '[client]\nuser=healthcheck\npassword=%s\n' "$check" >$data/.my-healthcheck.cnf)
fi
exec "$@"
END
    real_script usr/local/bin/healthcheck.sh <<'END'
#!/bin/sh
[ $# -gt 0 ] || exit 1
query() { mariadb --defaults-file=/var/lib/mysql/.my-healthcheck.cnf -h 127.0.0.1 --protocol tcp -sNe "$1"; }
for what; do
    case $what in
    --connect) query 'SELECT 1' >/dev/null || exit 1 ;;
    --innodb_initialized) [ "$(query "SELECT 1 FROM information_schema.engines WHERE engine = 'innodb' AND support IN ('YES', 'DEFAULT')")" = 1 ] || exit 1 ;;
    *) exit 1 ;;
    esac
done
END
}

real_postgres() {
    rm -rf "$real/var/lib/postgresql"
    real_owned 999 var/lib/postgresql var/lib/postgresql/data run/postgresql
    for program in "$real"/usr/lib/postgresql/*/bin/*; do ln -sf "${program#"$real"}" "$real/usr/local/bin/${program##*/}"; done
    real_script usr/local/bin/docker-entrypoint.sh <<'END'
#!/bin/bash
set -eu
case $1 in -*) set -- postgres "$@" ;; esac
[ "$1" = postgres ] || exec "$@"
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chown 999:999 "$PGDATA" /run/postgresql
    exec setpriv --reuid=999 --regid=999 --clear-groups -- "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    user=${POSTGRES_USER:-postgres}
    password=${POSTGRES_PASSWORD:-}
    [ -z "${POSTGRES_PASSWORD_FILE:-}" ] || password=$(cat "$POSTGRES_PASSWORD_FILE")
    [ -n "$password" ] || { echo "Error: Database is uninitialized and superuser password is not specified." >&2 && exit 1; }
    initdb -D "$PGDATA" --username="$user" --pwfile=<(echo "$password") --auth-local=trust --auth-host=scram-sha-256 --locale=C.UTF-8 >/dev/null
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/" "$PGDATA/postgresql.conf"
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start >/dev/null
    [ "${POSTGRES_DB:-$user}" = postgres ] || createdb -U "$user" "${POSTGRES_DB:-$user}"
    pg_ctl -D "$PGDATA" -m fast -w stop >/dev/null
fi
exec "$@"
END
}

real_redis() {
    rm -rf "$real/etc/redis"
    real_owned 999 data
    real_script docker-entrypoint.sh <<'END'
#!/bin/sh
case $1 in -* | *.conf) set -- redis-server "$@" ;; esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
    chown 999:999 /data
    exec setpriv --reuid=999 --regid=999 --clear-groups -- "$@"
fi
exec "$@"
END
}

# Not WordPress, but what an operator sees of it: a PHP program on port 80 that wants the same variables, keeps its files in
# /var/www/html and its posts in the database.
real_wordpress() {
    real_owned 33 var/www var/www/html
    real_script usr/local/bin/docker-entrypoint.sh <<'END'
#!/bin/sh
[ "$1" = apache2-foreground ] || exec "$@"
mkdir -p /var/www/html/wp-content && cp /usr/src/wordpress/index.php /var/www/html/ || exit 1
[ "$(id -u)" != 0 ] || { chown -R 33:33 /var/www/html && exec setpriv --reuid=33 --regid=33 --clear-groups -- "$@"; }
exec "$@"
END
    real_script usr/local/bin/apache2-foreground <<'END'
#!/bin/sh
for module in mysqlnd mysqli; do set -- "$@" -d "extension=$module.so"; done
exec php -n "$@" -S 0.0.0.0:80 -t /var/www/html /var/www/html/index.php
END
    for program in "$real"/usr/bin/php[0-9]*; do ln -sf "${program##*/}" "$real/usr/bin/php"; done
    mkdir -p "$real/usr/src/wordpress"
    cat >"$real/usr/src/wordpress/index.php" <<'END'
<?php
function setting($name) {
    $file = getenv("WORDPRESS_DB_{$name}_FILE");
    return $file ? trim(file_get_contents($file)) : getenv("WORDPRESS_DB_$name");
}
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
try {
    $db = new mysqli(setting("HOST"), setting("USER"), setting("PASSWORD"), setting("NAME"));
} catch (mysqli_sql_exception $e) {
    http_response_code(500);
    exit("Error establishing a database connection\n");
}
$db->query("CREATE TABLE IF NOT EXISTS wp_posts (id INT AUTO_INCREMENT PRIMARY KEY, post_title TEXT)");
if ($_SERVER["REQUEST_METHOD"] === "POST") {
    $statement = $db->prepare("INSERT INTO wp_posts (post_title) VALUES (?)");
    $statement->bind_param("s", $_POST["post_title"]);
    $statement->execute();
    file_put_contents("/var/www/html/wp-content/last.txt", $_POST["post_title"]);
}
echo "<title>A stand-in for WordPress</title>\n";
foreach ($db->query("SELECT post_title FROM wp_posts") as $row) echo "<h2>", htmlspecialchars($row["post_title"]), "</h2>\n";
END
}

# Writes the archive of a role to a path.
real_make() (
    real=$(mktemp -d)/root
    trap 'rm -rf "$(dirname "$real")"' EXIT
    echo "standins.sh: fetching and unpacking the packages of $1" >&2
    real_unpack "$(real_packages "$1")" >"$real.log" 2>&1 || { tail -n 5 "$real.log" >&2 && return 1; }
    touch "$real.owned"
    real_furnish
    "real_$1"
    cut -d ' ' -f 2 "$real.owned" | sed 's,^,./,' >"$real.except"
    tar -C "$real" --owner=0 --group=0 --exclude-from="$real.except" -cf "$2.new" .
    while read -r id path; do
        tar -C "$real" --owner="$id" --group="$id" --no-recursion -rf "$2.new" "./$path"
    done <"$real.owned"
    mv "$2.new" "$2"
)

# real_root ROLE: prints the path of its archive.
real_root() {
    local cache=${EVENKEEL_TEST_CACHE:-$HOME/.cache/evenkeel-tests}/roots hash path
    hash=$({ real_packages "$1" && declare -f real_unpack real_furnish real_make "real_$1"; } | sha256sum)
    path=$cache/$1-${hash:0:12}.tar
    if [ ! -e "$path" ]; then
        command -v dpkg-deb >/dev/null || { echo "standins.sh: no dpkg-deb here to unpack packages with" >&2 && return 1; }
        mkdir -p "$cache"
        (
            flock 7
            [ -e "$path" ] || { rm -f "$cache/$1"-*.tar && real_make "$1" "$path"; }
        ) 7>"$cache/lock" || return 1
    fi
    echo "$path"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    # shellcheck disable=SC2086
    [ $# -gt 0 ] || set -- $real_roles
    for role in "$@"; do real_root "$role"; done
fi
