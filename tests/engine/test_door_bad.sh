#!/bin/bash
# What the door must not take, and must live through: bad archives, bad requests, senders that are slow, leave or stop halfway, a full disk; and nothing that stays behind after a thousand of them.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "needs python3"
need_engine

at=127.0.0.1:5001
api=http://$at/api/v1
hostile=$repo/tests/engine/hostile.py
printf 'ingress: none\n' >"$work/agent.yaml"
export EVENKEEL_ADMIN_PASSWORD=correct-horse-battery
start_agent --config "$work/agent.yaml"
ask() { curl -s --noproxy '*' --max-time 60 "$@"; }
check "the agent answers" wait_until 20 ask -f -o /dev/null "http://$at/login"
token() { "$EVENKEEL" token create "$@" --state "$state" 2>/dev/null; }
admin=$(token boss --scope admin)
bearer() { ask -H "Authorization: Bearer $1" "${@:2}"; }
login() { ask -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -d '{"account":"admin","password":"correct-horse-battery"}' "$api/login"; }
kept() { ls -A "$root/uploads/.bundles" 2>/dev/null | wc -l; }

# --- twelve logins that are slow; archives are taken meanwhile
"$hostile" slow $at >"$work/slow" &
slow=$!

# --- archives
mkdir "$work/bad"
"$hostile" archives "$work/bad"
for archive in "$work/bad"/*.zip; do
    answer=$(bearer "$admin" -D "$work/head" -T "$archive" "$api/apps/x/bundle")
    same "$(basename "$archive" .zip): refused, with what to do" "422 true true true" \
        "$(jq -r '"\(.status) \((.detail | length) > 10) \((.next | length) > 5)"' <<<"$answer") $(grep -q '^Content-Type: application/problem+json' "$work/head" && echo true)"
done
same "none of them stays" "0 " "$(kept) $(ls "$root/uploads" | tr '\n' ' ')"
same "a sender that closes its half is told" "422 problem" "$("$hostile" half $at "$admin")"
same "and leaves nothing" 0 "$(kept)"

# --- the slow ones
check "they have been ended" wait_until 40 eval '[ -s "$work/slow" ]'
wait $slow || true
check "before half a minute was over ($(cat "$work/slow") s)" [ "$(cat "$work/slow")" -lt 30 ]
same "and others log in" 200 "$(login)"

# --- requests
tell() { # lines of "ok NAME" and "FAIL NAME: WHY"
    while read -r line; do
        case $line in
        ok\ *) pass "${line#ok }" ;;
        *) fail "${line#FAIL }" ;;
        esac
    done
}
"$hostile" raw $at "$admin" >"$work/raw"
tell <"$work/raw"
check "the agent is there" agent_running

# --- specs that reach for the host, or for what is another's: refused before they are placed
put() { # APP LINES...
    printf 'app: %s\nimage: busybox:stable\n' "$1" >"$work/spec"
    printf '%s\n' "${@:2}" >>"$work/spec"
    bearer "$admin" -X PUT --data-binary @"$work/spec" "$api/apps/$1/spec"
}
while read -r lines; do
    answer=$(put spy "$lines")
    same "refused: $lines" "true true" "$(jq -r '"\(.status == 409 or .status == 422) \((.detail | length) > 10)"' <<<"$answer")"
done <<'END'
privileged: true
pid: host
ipc: host
userns_mode: host
network_mode: host
cap_add: [SYS_ADMIN]
devices: [/dev/mem]
security_opt: ["apparmor=unconfined"]
volumes: [/:/host]
volumes: [/var/run/docker.sock:/var/run/docker.sock]
volumes: [{type: bind, source: /etc, target: /etc}]
env_file: /etc/shadow
route: /api
route: /login
route: {host: "a`) || PathPrefix(`/"}
volumes: ["../../../etc:/x"]
image: "busybox;$(id)"
container_name: "x;$(id)"
END
printf 'name: spy\nservices: {web: {image: "busybox:stable", volumes: ["d:/d"]}}\nvolumes: {d: {driver_opts: {type: none, o: bind, device: /etc}}}\n' >"$work/spec"
same "refused: a bind mount in a volume's dress" true "$(bearer "$admin" -X PUT --data-binary @"$work/spec" "$api/apps/spy/spec" | jq '.status == 409 or .status == 422')"
same "none of them is placed" "" "$(ls "$root/uploads")"

# --- tokens that are over
short=$(token short --scope read --expires 2s)
gone=$(token gone --scope read)
same "a token" 200 "$(bearer "$gone" -o /dev/null -w '%{http_code}' "$api/apps")"
"$EVENKEEL" token revoke gone --state "$state" >/dev/null 2>&1
same "revoked, it is none" 401 "$(bearer "$gone" -o /dev/null -w '%{http_code}' "$api/apps")"
check "nor one that has ended" wait_until 10 eval '[ "$(bearer "$short" -o /dev/null -w "%{http_code}" "$api/apps")" = 401 ]'
same "nor one with another's secret" 401 "$(bearer "${admin:0:16}${gone:16}" -o /dev/null -w '%{http_code}' "$api/apps")"
jar=$work/jar
ask -o /dev/null -c "$jar" -H 'Content-Type: application/json' -d '{"account":"admin","password":"correct-horse-battery"}' "$api/login"
cp "$jar" "$work/old-jar"
csrf=$(ask -b "$jar" "$api/session" | jq -r .csrf)
ask -o /dev/null -b "$jar" -H "Origin: http://$at" -H "X-CSRF-Token: $csrf" -X POST "$api/logout"
same "nor the cookie of a session that was left, sent again" 401 "$(ask -b "$work/old-jar" -o /dev/null -w '%{http_code}' "$api/session")"

"$hostile" rights $at "$repo/schemas/openapi.json" "$(token reads --scope read)" "$(token deploys --scope deploy)" \
    "$(token other --scope deploy --app another)" "$short" correct-horse-battery >"$work/rights"
tell <"$work/rights"
same "every kind of caller was tried" 12 "$(grep -c '^ok' "$work/rights")"

# --- two of one app at once
mkdir "$work/site"
pair() { # N: an archive of its own
    printf 'FROM busybox:stable\nLABEL pair=%s-%s\nCMD ["sleep", "100000"]\nSTOPSIGNAL SIGKILL\n' "$1" "$RANDOM$RANDOM" >"$work/site/Dockerfile"
    head -c 300000 /dev/urandom >"$work/site/noise"
    (cd "$work/site" && zip -qr "$work/pair$1.zip" .)
}
pair 1
pair 2
for n in 1 2; do bearer "$admin" -o "$work/said$n" -T "$work/pair$n.zip" --limit-rate 600K "$api/apps/pair/bundle" & pids[n]=$!; done
wait "${pids[1]}" "${pids[2]}"
same "two archives of one app at once are both taken" "true true" "$(jq -r .changed "$work/said1") $(jq -r .changed "$work/said2")"
named=$(sed -n 's|.*\.bundles/pair\.\([0-9a-f]*\)\.zip.*|\1|p' "$root/uploads/pair.yaml")
check "the spec names one of them, which is there whole" eval '[ "$(sha256sum <"$root/uploads/.bundles/pair.$named.zip" | cut -d " " -f 1)" = "$named" ]'
check "and it runs" wait_until 60 docker_running pair-app-1

container=$(inspect pair-app-1 .Id)
same "a new spec that is wrong is refused" 422 "$(put pair 'imagine: x' | jq .status)"
same "and the old one runs on" "$container" "$(inspect pair-app-1 .Id)"

# --- a full disk
full=
if mkdir -p "$work/small" && mount -t tmpfs -o size=3m,mode=700 none "$work/small" 2>/dev/null; then
    full=yes
    bearer "$admin" -X DELETE "$api/apps/pair/spec" >/dev/null
    check "the app goes" wait_until 30 gone pair-app-1
    rm -rf "$root/uploads/.bundles"
    mount --bind "$work/small" "$root/uploads"
    head -c 8000000 /dev/urandom >"$work/site/noise"
    (cd "$work/site" && rm -f "$work/big.zip" && zip -q -0 -r "$work/big.zip" .)
    answer=$(bearer "$admin" -T "$work/big.zip" "$api/apps/big/bundle")
    same "without room an archive is refused, with what to do" "507 true" "$(jq -r '"\(.status) \((.next | length) > 5)"' <<<"$answer")"
    same "nothing of it is placed" "" "$(cd "$root/uploads" && find . -type f)"
    check "its room is given back" [ "$(df --output=used -k "$work/small" | tail -n 1)" -lt 64 ]
    head -c 1000000 /dev/urandom >"$work/site/noise"
    (cd "$work/site" && rm -f "$work/fits.zip" && zip -q -0 -r "$work/fits.zip" .)
    same "the next one that fits is taken" true "$(bearer "$admin" -T "$work/fits.zip" "$api/apps/fits/bundle" | jq .changed)"
    umount "$root/uploads" && umount "$work/small"
fi
[ -n "$full" ] || skip "a full disk" "no tmpfs can be mounted here"

# --- a thousand of them
figures() { # descriptors, threads, kB
    echo "$(ls "/proc/$agent_pid/fd" | wc -l) $(ls "/proc/$agent_pid/task" | wc -l) $(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$agent_pid/status")"
}
"$hostile" storm $at "$admin" 100 # what is made once
sleep 1
read -r fds threads anon <<<"$(figures)"
"$hostile" storm $at "$admin" 1000
# shellcheck disable=SC2317,SC2329
settled() {
    read -r fds_now threads_now anon_now <<<"$(figures)"
    [ "$fds_now" -le "$fds" ] && [ "$threads_now" -le "$threads" ] && [ "$(kept)" -le 1 ]
}
if wait_until 30 settled; then
    pass "a thousand streams and a thousand uploads later: no descriptor, thread or file more"
else
    fail "a thousand streams and a thousand uploads later" "$(figures), before $fds $threads $anon, $(kept) archives"
fi
read -r _ _ anon_now <<<"$(figures)"
ldd "$EVENKEEL" | grep -qE "lib(a|t)san" || check "nor memory ($anon kB, then $anon_now kB)" [ "$anon_now" -le $((anon + 2048)) ]
same "uploads are taken as before" true "$(bearer "$admin" -T "$work/pair1.zip" "$api/apps/again/bundle" | jq .changed)"
check "the agent is there" agent_running
