#!/bin/bash
# Every step may be the last: the agent is killed with SIGKILL at random moments, 100 times, while 12 apps converge on specs that change all the
# time. In the end each app is there exactly once, nothing is left over, no data is lost, and nothing runs in circles.
# EVENKEEL_TEST_SEED repeats a run; EVENKEEL_TEST_KILLS is how often (100).
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

seed=${EVENKEEL_TEST_SEED:-$((${EPOCHREALTIME/./} % 32768))}
kills=${EVENKEEL_TEST_KILLS:-100}
RANDOM=$seed
echo "     (seed $seed, $kills kills)"

sleeps='image: busybox:stable, command: ["sleep", "100000"], stop_signal: SIGKILL'

# one NUMBER VALUE: the spec of one app. Kinds: plain, with a volume, two services, two networks.
one() {
    case $(($1 % 4)) in
    0) printf 'app: a%s\nimage: busybox:stable\ncommand: ["sleep", "100000"]\nstop_signal: SIGKILL\nnetwork_mode: none\nenvironment: {V: "%s"}\n' "$1" "$2" ;;
    1)
        printf 'app: a%s\nimage: busybox:stable\nuser: "0"\nstop_signal: SIGKILL\nvolumes: ["data:/data"]\nnetwork_mode: none\nenvironment: {V: "%s"}\n' "$1" "$2"
        # shellcheck disable=SC2016
        echo 'command: ["sh", "-c", "[ -e /data/first ] || echo \"$$V\" > /data/first; echo \"$$V\" > /data/last; exec sleep 100000"]'
        ;;
    2) printf 'app: a%s\nservices:\n  web: {%s, environment: {V: "%s"}, depends_on: [db]}\n  db: {%s, network_mode: none}\n' "$1" "$sleeps" "$2" "$sleeps" ;;
    3) printf 'app: a%s\nservices:\n  app: {%s, environment: {V: "%s"}, networks: [x, y]}\nnetworks: {x: {}, y: {}}\n' "$1" "$sleeps" "$2" ;;
    esac
}
last=() # the value that each app's file has
spec() { # NUMBER VALUE
    one "$1" "$2" | write_file "a$1.yaml"
    last[$1]=$2
}
for i in {1..12}; do spec $i first; done

begin=$SECONDS
for ((k = 1; k <= kills; k++)); do
    start_agent --log error
    # Up to three changes, in the time in which the agent starts, looks, plans and works.
    for ((c = RANDOM % 3; c >= 0; c--)); do
        spec $((RANDOM % 12 + 1)) "$k.$c"
    done
    # Some by hand, too.
    case $((RANDOM % 6)) in
    0) api DELETE "/containers/a$((RANDOM % 12 + 1))-app-1?force=1" >/dev/null 2>&1 || true ;;
    1) api POST "/containers/a$((RANDOM % 12 + 1))-app-1/stop?t=0" >/dev/null 2>&1 || true ;;
    esac
    # Mostly while it works (a look takes some 10 ms, a replacement half a second), sometimes later.
    sleep "0.$(printf %03d $((RANDOM % 4 == 0 ? RANDOM % 900 : RANDOM % 400)))"
    stop_agent KILL
done
echo "     (killed $kills times in $((SECONDS - begin)) s)"

# --- and one that is left alone
start_agent
all=$(for i in {1..12}; do echo a$i; done | sort | sed 's/$/=Synced/' | tr '\n' ' ' | sed 's/ $//')
becomes "it converges" "$all" 60
stop_agent

want=$(for i in {1..12}; do
    case $((i % 4)) in
    2) echo "a$i-web-1" && echo "a$i-db-1" ;;
    *) echo "a$i-app-1" ;;
    esac
done | sort)
same "each container is there once, and no other" "$want" "$(owned containers '.Names[0][1:]' | sort)"
same "nothing else was left on the engine" "" "$(api GET '/containers/json?all=1' | jq -r '.[] | select(.Labels["evenkeel.owner"] == null) | .Names[0]')"
same "all of them run" "$(wc -l <<<"$want")" "$(owned containers 'select(.State == "running") | .Id' | wc -l)"
want=$(for i in {1..12}; do
    case $((i % 4)) in
    2) echo "a${i}_default" ;;
    3) echo "a${i}_x" && echo "a${i}_y" ;;
    esac
done | sort)
same "each network is there once, and no other" "$want" "$(owned networks .Name | sort)"
same "each with a subnet of its own" "$(wc -l <<<"$want")" "$(owned networks '.IPAM.Config[0].Subnet' | sort -u | wc -l)"
same "each volume is there, and no other" "$(printf 'a%s_data\n' 1 5 9 | sort)" "$(owned volumes .Name | sort)"
values=
for i in {1..12}; do
    case $((i % 4)) in 2) service=web ;; *) service=app ;; esac
    value=$(inspect "a$i-$service-1" '[.Config.Env[] | select(startswith("V="))[2:]] | join(" ")')
    [ "$value" = "${last[i]}" ] || values+="a$i has $value instead of ${last[i]}; "
done
same "each is as its file says" "" "$values"
content() { engine_curl "/containers/$1/archive?path=/data/$2" | tar -xO; }
data=
for i in 1 5 9; do
    [ -n "$(content "a$i-app-1" first)" ] || data+="a$i lost its data; "
    wait_until 5 eval "[ \"\$(content a$i-app-1 last)\" = \"${last[i]}\" ]" || data+="a$i wrote $(content "a$i-app-1" last); "
done
same "no data is lost" "" "$data"
same "nothing is left to be done" 0 "$(exit_of plan)"
same "no drift" 0 "$(exit_of evenkeel drift)"
before=$(snapshot)
start_agent
sleep 1.5
same "and nothing runs in circles" "$before" "$(snapshot)"
same "the diary can be read" 0 "$(exit_of "$EVENKEEL" history --state "$state" --limit 1000)"
runs=$("$EVENKEEL" history --state "$state" --limit 100000 --json | jq '[.[] | select(.what == "run")] | length')
check "there was something to do all the time ($runs runs)" test "$runs" -ge $((kills / 2))
if command -v sqlite3 >/dev/null; then
    same "and is whole" ok "$(sqlite3 "$state/evenkeel.db" 'pragma integrity_check')"
else
    skip "the diary is whole" "there is no sqlite3 here"
fi
[ $failed = 0 ] || echo "     (repeat with EVENKEEL_TEST_SEED=$seed)"
