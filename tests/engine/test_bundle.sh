#!/bin/bash
# Archives as apps: dropped, named by a spec, replaced, half-copied, refused, removed; what is in them arrives in the image as it was.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
command -v zip >/dev/null || skip_all "needs zip"
command -v python3 >/dev/null || skip_all "needs python3"
need_engine
printf "ingress: none\n" >"$work/agent.yaml" # routes have tests of their own
flags+=(--config "$work/agent.yaml")

nonce=$(date +%s.%N)
pack=$work/pack

# fill [TEXT]: a fresh folder to be packed: a Dockerfile whose server answers with the text.
fill() {
    rm -rf "$pack"
    mkdir -p "$pack"
    [ $# = 0 ] || echo "$1" >"$pack/index.html"
    printf 'FROM busybox:stable\nCOPY . /www/\nEXPOSE 8000\nSTOPSIGNAL SIGKILL\nCMD ["httpd", "-f", "-p", "8000", "-h", "/www"]\n# %s\n' "$nonce" >"$pack/Dockerfile"
}

# drop NAME: what is in the folder becomes that archive in the root, at once.
drop() {
    local made=$work/made.zip
    rm -f "$made"
    case $1 in
    *.zip) (cd "$pack" && zip -qry "$made" .) ;;
    *.tar.gz) tar -C "$pack" -czf "$made" . ;;
    esac
    mkdir -p "$(dirname "$root/$1")"
    mv "$made" "$root/.dropped"
    mv "$root/.dropped" "$root/$1"
}

# answer APP [PATH]
answer() {
    local ip
    ip=$(inspect "$1-app-1" '.NetworkSettings.Networks | to_entries[0].value.IPAddress' 2>/dev/null) && [ -n "$ip" ] &&
        curl -s --max-time 2 "http://$ip:8000/${2:-}"
}

answers() { [ "$(answer "$1")" = "$2" ]; }

# comes NAME APP TEXT [SECONDS]
comes() {
    if wait_until "${4:-30}" answers "$2" "$3"; then
        pass "$1"
    else
        fail "$1" "answer \"$(answer "$2")\", status: $({ evenkeel status 2>&1 || true; } | tail -n +2)"
    fi
}

# why_says NAME APP WORDS
why_says() {
    local words=$3
    # shellcheck disable=SC2317,SC2329
    told() { [[ "$(app_why "$1") $(tail -n 4 "$agent_log")" == *"$words"* ]]; }
    if wait_until 20 told "$2"; then
        pass "$1"
    else
        fail "$1" "\"$3\" is not in \"$(app_why "$2")\" nor at the end of the agent's log"
    fi
}

start_agent

# --- an archive is an app ------------------------------------------------------------------------

fill one
drop shop.zip
comes "a dropped zip is an app by itself" shop one
same "called after its file" "shop=Synced" "$(states)"
same "hardened" '["ALL"]' "$(inspect shop-app-1 '.HostConfig.CapDrop|tojson')"

fill two
drop shop.zip
comes "a newer zip replaces it" shop two
check "and that is all" wait_until 20 is Synced shop
before=$(snapshot)
drop shop.zip
sleep 1
same "the same content packed again changes nothing" "$before" "$(snapshot)"

fill three
(cd "$pack" && zip -qry "$work/whole.zip" .)
size=$(stat -c %s "$work/whole.zip")
head -c $((size / 2)) "$work/whole.zip" >"$root/shop.zip"
why_says "a half-copied zip is not built, and said to be broken" shop "shop.zip"
same "the old version keeps running" "$before" "$(snapshot)"
comes "and serving" shop two 1
cp "$work/whole.zip" "$root/shop.zip"
comes "the whole one is" shop three
check "and that is all" wait_until 20 is Synced shop

# --- refused ones --------------------------------------------------------------------------------

before=$(snapshot)
# evil NAME PYTHON: a zip written by these lines becomes shop.zip
evil() {
    python3 -c "
import zipfile
z = zipfile.ZipFile('$root/.evil', 'w')
z.writestr('Dockerfile', 'FROM busybox:stable\n')
$1
z.close()
data = open('$root/.evil', 'rb').read().replace(b'damage me', b'DAMAGED! ', 1)
open('$root/.evil', 'wb').write(data)"
    mv "$root/.evil" "$root/shop.zip"
}
evil "z.writestr('../../etc/cron.d/evil', 'x')"
why_says "a way out of the archive is refused by its name" shop "../../etc/cron.d/evil"
evil "
i = zipfile.ZipInfo('link'); i.external_attr = 0o120777 << 16; z.writestr(i, '/etc/passwd')"
why_says "a link out of it too" shop "link"
evil "z.writestr('damaged.txt', 'damage me')"
why_says "a damaged entry is named" shop "damaged.txt"
same "the old version keeps running" "$before" "$(snapshot)"
comes "and serving" shop three 1
cp "$work/whole.zip" "$root/shop.zip"
check "the good one is built already" wait_until 10 is Synced shop
same "so that nothing is touched" "$before" "$(snapshot)"

# --- other forms ---------------------------------------------------------------------------------

fill tarred
drop news.tar.gz
comes "a tar.gz is an app as well" news tarred

fill
mkdir -p "$pack/my page"
printf '#!/bin/sh\necho ran\n' >"$pack/run me.sh"
chmod 755 "$pack/run me.sh"
echo plain >"$pack/my page/text"
ln -s "my page/text" "$pack/link"
{
    printf 'FROM busybox:stable\nCOPY . /www/\nRUN cd /www; echo "$(./run\\ me.sh) $(cat link) $(readlink link) $(test -x "my page/text" || echo not)" > index.html\n'
    printf 'EXPOSE 8000\nSTOPSIGNAL SIGKILL\nCMD ["httpd", "-f", "-p", "8000", "-h", "/www"]\n# %s\n' "$nonce"
} >"$pack/Dockerfile"
drop modes.zip
comes "names with spaces, exec bits and links survive" modes 'ran plain my page/text not'

mkdir -p "$work/top"
fill nested
rm -rf "$work/top/inner" && cp -r "$pack" "$work/top/inner"
(cd "$work/top" && zip -qry "$root/.n.zip" inner)
mv "$root/.n.zip" "$root/nested.zip"
comes "a single top folder is looked through" nested nested

# --- with a spec ---------------------------------------------------------------------------------

fill named
drop site.zip
printf 'app: www\nsource: {bundle: site.zip}\nvolumes: ["data:/data"]\n' | write_file www.yaml
comes "a spec names an archive" www named
check "which is then no app by itself" wait_until 20 gone site-app-1
same "nor ever again" 0 "$(exit_of plan)"
before=$(snapshot)
sed 's/^volumes/&x/' "$root/www.yaml" >"$root/.broken"
cp "$root/www.yaml" "$work/www.yaml"
mv "$root/.broken" "$root/www.yaml"
check "a mistake in the spec freezes its app" wait_until 20 is Frozen www
sleep 0.5
same "and makes no other of its archive" "$before" "$(snapshot)"
mv "$work/www.yaml" "$root/www.yaml"
check "without the mistake" wait_until 20 is Synced www
mv "$root/www.yaml" "$root/.www.yaml"
comes "without the spec it is one" site named
mv "$root/.www.yaml" "$root/www.yaml"
check "the volume of the spec outlived it" eval '[[ $(owned volumes .Name) == *www_data* ]]'
comes "and the spec has it again" www named

fill inside
printf 'app: inner\nenvironment: {GREETING: hello}\nvolumes: ["data:/data"]\n' >"$pack/evenkeel.yaml"
drop outer.zip
comes "evenkeel.yaml inside is honoured" inner inside
same "with what it says" true "$(inspect inner-app-1 '.Config.Env|any(.=="GREETING=hello")')"
check "and that is all" wait_until 20 is Synced inner
same "no app is called after the file" "" "$(states | grep -o 'outer=[A-Za-z]*' || true)"

before=$(snapshot inner-app-1)
printf 'app: inner\nprivileged: true\n' >"$pack/evenkeel.yaml"
drop outer.zip
why_says "a spec inside that asks for the host is refused with its place" inner "\`privileged\` is refused to an app out of an archive: it is root on the host ("
why_says "of which there is but one" inner "evenkeel.yaml:2:1)"
why_says "and the line that would allow it" inner "\`policy: {allow: {inner: [privileged]}}\`"
printf 'app: inner\nvolumes: ["/etc:/host"]\n' >"$pack/evenkeel.yaml"
drop outer.zip
why_says "and so are folders of the host" inner "evenkeel.yaml:2:"
same "the old version keeps running" "$before" "$(snapshot inner-app-1)"
head -c 300 "$work/whole.zip" >"$root/outer.zip"
sleep 1
same "also while its archive is being copied" "$before" "$(snapshot inner-app-1)"
same "whose name is no app meanwhile" "" "$(states | grep -o 'outer=[A-Za-z]*' || true)"
check "it is Frozen" wait_until 10 is Frozen inner

# --- removal -------------------------------------------------------------------------------------

printf 'app: inner\nvolumes: ["data:/data"]\n' >"$pack/evenkeel.yaml"
drop outer.zip
check "a good one again" wait_until 20 is Synced inner
rm "$root/outer.zip"
check "a removed zip removes its app" wait_until 20 gone inner-app-1
check "its volume stays" eval '[[ $(owned volumes .Name) == *inner_data* ]]'

# --- without libarchive --------------------------------------------------------------------------

library=$(ldconfig -p | awk '$1 == "libarchive.so.13" && !n++ { print $NF }')
mkdir "$work/alone"
(cd "$pack" && tar czf "$work/alone/packed.tar.gz" .)
without=$(unshare -m -- bash -c 'mount --bind /dev/null "$1" && shift && "$@"' - "$library" "$EVENKEEL" plan --root "$work/alone" --state "$work/state.alone" packed 2>&1 || true)
says "a library that is missing is named with its package" "apt-get install libarchive13" "$without"
