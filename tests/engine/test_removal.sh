#!/bin/bash
# Nothing is destroyed that is not ours, and nothing because a file cannot be read. An app is removed only when its file is gone from
# a root that can be read; many removals at once are held until they are confirmed; volumes stay; strangers' objects are never touched.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

# quick APP [LINE...]: a container without a network: nothing is faster to make and to remove.
quick() { sleeper "$1" "network_mode: none" "${@:2}"; }
ours() { owned containers '.Names[0][1:]' | sed 's/-app-1$//' | sort | tr '\n' ' ' | sed 's/ $//'; }
ours_are() { [ "$(ours)" = "$1" ]; }
applies() { same "$1" "$2" "$(exit_of apply "${@:3}")"; }

# --- strangers: containers, networks and volumes, with other owners' labels and with none
stranger() { # NAME LABELS [MORE]
    api POST "/containers/create?name=$1" "{\"Image\":\"busybox:stable\",\"Cmd\":[\"sleep\",\"100000\"],\"StopSignal\":\"SIGKILL\",
        \"Labels\":$2,\"HostConfig\":{\"NetworkMode\":\"none\"}}" >/dev/null && api POST "/containers/$1/start"
}
other='{"evenkeel.owner":"other","evenkeel.app":"a1","evenkeel.service":"app","evenkeel.index":"1","evenkeel.origin":"/nowhere//a1.yaml","evenkeel.hash":"00"}'
stranger plain '{}'
stranger theirs "$other"
api POST /networks/create "{\"Name\":\"their-net\",\"Labels\":$other,\"IPAM\":{\"Config\":[{\"Subnet\":\"10.213.0.0/26\"}]}}" >/dev/null
api POST /networks/create '{"Name":"plain-net","IPAM":{"Config":[{"Subnet":"10.213.0.64/26"}]}}' >/dev/null
api POST /volumes/create "{\"Name\":\"their-volume\",\"Labels\":$other}" >/dev/null
api POST /volumes/create '{"Name":"plain-volume"}' >/dev/null
strangers() {
    snapshot plain theirs
    api GET /networks | jq -r '.[] | select(.Name == "their-net" or .Name == "plain-net") | .Id' | sort
    api GET /volumes | jq -r '.Volumes[] | select(.Name == "their-volume" or .Name == "plain-volume") | "\(.Name) \(.CreatedAt)"' | sort
}
strangers_before=$(strangers)
ours() { owned containers 'select(.Labels["evenkeel.owner"] == "default") | .Names[0][1:]' | sed 's/-app-1$//' | sort | tr '\n' ' ' | sed 's/ $//'; }

# --- how many at once: 3 and more than a third, or all of 2 and more
for i in 1 2 3 4 5 6 7 8 9; do quick a$i; done
applies "nine apps" 0
same "all nine run" "a1 a2 a3 a4 a5 a6 a7 a8 a9" "$(ours)"
rm "$root"/a[123].yaml
applies "three of nine, just a third, are removed" 0
same "six stay" "a4 a5 a6 a7 a8 a9" "$(ours)"
before=$(snapshot a4-app-1 a5-app-1 a6-app-1)
rm "$root"/a[456].yaml
applies "three of six are held" 1
same "and still run" "a4 a5 a6 a7 a8 a9" "$(ours)"
same "untouched" "$before" "$(snapshot a4-app-1 a5-app-1 a6-app-1)"
same "they are Held" "a4=Held a5=Held a6=Held a7=Synced a8=Synced a9=Synced" "$(states)"
same "plan exits 2" 2 "$(exit_of plan)"
hash=$(held_hash)
says "plan prints the hash" "--confirm-removals $hash" "$({ plan || true; } 2>&1)"
says "status prints it too" "--confirm-removals $hash" "$(evenkeel status || true)"
same "plan --json names them" "a4 a5 a6" "$({ plan --json || true; } | jq -r '.held[0].apps | join(" ")')"
applies "a wrong hash confirms nothing" 1 --confirm-removals 0123456789ab
applies "nor does nonsense" 1 --confirm-removals everything
same "nothing was removed by it" "a4 a5 a6 a7 a8 a9" "$(ours)"
quick a7 'environment: {V: "2"}'
applies "others go on meanwhile" 1
same "the change was applied" true "$(inspect a7-app-1 '.Config.Env | any(. == "V=2")')"

# --- it is computed from labels against files: it survives an agent, a restart and a lost database
start_agent
check "the agent says so" wait_until 10 grep -q "confirm-removals $hash" "$agent_log"
stop_agent KILL
rm -f "$state"/evenkeel.db*
start_agent
check "and again, with a new database" wait_until 10 eval '[ "$(grep -c "confirm-removals $hash" "$agent_log")" -ge 2 ]'
same "nothing was removed" "a4 a5 a6 a7 a8 a9" "$(ours)"
before=$(snapshot a7-app-1 a8-app-1 a9-app-1)
applies "confirmed beside the agent: converged" 0 --confirm-removals "$hash"
check "and gone" wait_until 10 ours_are "a7 a8 a9"
same "the others were not touched" "$before" "$(snapshot a7-app-1 a8-app-1 a9-app-1)"
mkdir "$work/aside"
mv "$root"/a[789].yaml "$work/aside"
becomes "all of three are held" "a7=Held a8=Held a9=Held" 10
mv "$work"/aside/* "$root"
becomes "files that come back end it" "a7=Synced a8=Synced a9=Synced" 10
same "and nothing was touched" "$before" "$(snapshot a7-app-1 a8-app-1 a9-app-1)"
rm "$root"/a9.yaml
check "a single one goes at once" wait_until 10 ours_are "a7 a8"
rm "$root"/a[78].yaml
becomes "all of two are held" "a7=Held a8=Held" 10
stop_agent
applies "confirmed without an agent" 0 --confirm-removals "$(held_hash)"
same "and gone" "" "$(ours)"

# --- a confirmed removal goes to its end, though some of it takes its time
for i in 1 2; do quick d$i; done
for i in 3 4; do
    printf 'app: d%s\nimage: busybox:stable\ncommand: ["sh", "-c", "trap : TERM; while :; do sleep 1; done"]\nstop_grace_period: 2s\nnetwork_mode: none\n' $i | write_file d$i.yaml
done
start_agent
becomes "four apps" "d1=Synced d2=Synced d3=Synced d4=Synced"
rm "$root"/d[1234].yaml
becomes "are held" "d1=Held d2=Held d3=Held d4=Held" 10
apply --confirm-removals "$(held_hash)" >/dev/null 2>&1 &
check "confirmed, the quick ones go" wait_until 5 ours_are "d3 d4"
stop_agent KILL
start_agent
check "and the slow ones, over a restart of the agent" wait_until 10 ours_are ""
check "nothing is left of the confirmation" wait_until 5 eval '[ -z "$(ls "$state/confirm-removals")" ]'
stop_agent

# --- an agent that starts while an apply is at work waits for it; beside another agent it does not begin
slow() { printf 'app: s1\nimage: busybox:stable\ncommand: ["sh", "-c", "trap : TERM; while :; do sleep 1; done"]\nstop_grace_period: 4s\nnetwork_mode: none\n'; }
slow | write_file s1.yaml
applies "a slow one" 0
rm "$root"/s1.yaml
rm "$state/agent.lock" # the last one's name
apply >/dev/null 2>&1 &
check "an apply at work" wait_until 5 grep -qs apply "$state/agent.lock"
applying=$(sed 's/ .*//' "$state/agent.lock")
: >"$agent_log"
start_agent
check "an agent waits for it" wait_until 5 grep -q "waiting for .evenkeel apply. (pid $applying)" "$agent_log"
stop_agent
same "and may be told to leave" 0 "$agent_status"
start_agent
check "the apply ends" wait_until 10 ended $applying
check "the agent begins" wait_until 5 grep -q "apps in 1 root" "$agent_log"
agent_beside() { "$EVENKEEL" agent "${flags[@]}" --state "$state" --docker "$DOCKER_HOST"; }
same "a second agent does not" 1 "$(exit_of agent_beside)"
second=$(agent_beside 2>&1 || true)
says "and says why" "another agent (pid $agent_pid)" "$second"
stop_agent

# --- a broken file freezes its app, and apps of its root that no readable file holds
for i in 1 2 3 4; do quick b$i; done
quick sub/b5
applies "five apps" 0
before=$(snapshot b1-app-1 b2-app-1)
printf 'app: b1\nimage: busybox:stable\nimagine: nothing\n' | write_file b1.yaml
rm "$root/b2.yaml"
quick b3 'environment: {V: "3"}'
applies "a broken file is an error" 1
same "its app and the orphan are Frozen" "b1=Frozen b2=Frozen b3=Synced b4=Synced b5=Synced" "$(states)"
same "and run untouched" "$before" "$(snapshot b1-app-1 b2-app-1)"
same "others go on" true "$(inspect b3-app-1 '.Config.Env | any(. == "V=3")')"
says "status says which file" "b1.yaml" "$(app_why b2)"
printf 'app: b1\nimage: [busy\n' | write_file b1.yaml
applies "so does a file that is no YAML at all" 1
same "the same apps are Frozen" "b1=Frozen b2=Frozen b3=Synced b4=Synced b5=Synced" "$(states)"
same "plan exits 1" 1 "$(exit_of plan)"
quick b1
applies "once it can be read" 0
same "the orphan goes, its file being gone" "b1 b3 b4 b5" "$(ours)"

# --- a root that is missing or cannot be read freezes all of its own
before=$(snapshot)
mv "$root" "$root.away"
applies "a missing root is an error" 1
same "freezes all of it" "b1=Frozen b3=Frozen b4=Frozen b5=Frozen" "$(states)"
mv "$root.away" "$root"
chmod 000 "$root"
powerless=(setpriv --bounding-set=-dac_override,-dac_read_search)
if command -v setpriv >/dev/null && ! "${powerless[@]}" ls "$root" >/dev/null 2>&1; then
    status=0
    out=$("${powerless[@]}" "$EVENKEEL" apply "${flags[@]}" --state "$state" --docker "$DOCKER_HOST" 2>&1) || status=$?
    same "so is one that may not be listed" 1 "$status"
    says "it says which" "$root" "$out"
    chmod 755 "$root"
    chmod 000 "$root/sub"
    status=0
    out=$("${powerless[@]}" "$EVENKEEL" apply "${flags[@]}" --state "$state" --docker "$DOCKER_HOST" 2>&1) || status=$?
    same "and a folder in it" 1 "$status"
    says "it says which" "$root/sub" "$out"
    chmod 755 "$root/sub"
else
    skip "a root that may not be listed" "cannot give up the capability to read everything here"
fi
chmod 755 "$root"
same "nothing was touched by any of it" "$before" "$(snapshot)"
applies "and all is well again" 0

# --- a root that is no longer configured
mkdir "$work/second"
flags=(--root "$root" --root "$work/second")
sed 's/b4/c1/' "$root/b4.yaml" >"$work/second/c1.yaml"
sed 's/b4/c2/' "$root/b4.yaml" >"$work/second/c2.yaml"
applies "a second root" 0
flags=(--root "$root")
applies "without it" 1
same "its apps are Frozen" "b1=Synced b3=Synced b4=Synced b5=Synced c1=Frozen c2=Frozen" "$(states)"
says "and it says why" "no longer configured" "$(app_why c1)"
same "remove takes one" 0 "$(exit_of evenkeel remove c1)"
applies "the other stays" 1
same "and nothing else goes" "b1 b3 b4 b5 c2" "$(ours)"
flags=(--root "$root" --root "$work/second")
evenkeel start c1 >/dev/null
applies "configured again" 0
same "both are back" "b1 b3 b4 b5 c1 c2" "$(ours)"
flags=(--root "$root")
evenkeel remove c1 c2 >/dev/null
applies "both are removed" 0

# --- volumes outlive their app; a stranger on our network keeps it
sleeper keep 'volumes: ["data:/data"]'
applies "an app with a volume and a network" 0
api POST /networks/keep_default/connect '{"Container":"plain"}' 2>/dev/null ||
    { api POST /containers/create?name=guest '{"Image":"busybox:stable","Cmd":["sleep","100000"],"StopSignal":"SIGKILL","HostConfig":{"NetworkMode":"keep_default"}}' >/dev/null &&
        api POST /containers/guest/start; }
guest_before=$(snapshot guest)
rm "$root/keep.yaml"
says "plan says that the volume stays" "keep_data" "$({ plan || true; } 2>&1)"
apply >/dev/null 2>&1 || true
check "the app goes" gone keep-app-1
same "its volume stays" keep_data "$(owned volumes 'select(.Labels["evenkeel.owner"] == "default") | .Name')"
same "the guest is untouched" "$guest_before" "$(snapshot guest)"
api DELETE '/containers/guest?force=1'
applies "with the guest gone" 0
same "the network goes too" "" "$(owned networks 'select(.Labels["evenkeel.owner"] == "default") | .Name')"

# --- a name that a stranger has
stranger b6-app-1 '{}'
taken=$(snapshot b6-app-1)
quick b6
applies "a stranger's container of our name" 1
says "is named" b6-app-1 "$(app_why b6)"
same "and left alone" "$taken" "$(snapshot b6-app-1)"
rm "$root/b6.yaml"
applies "the app that never was is no removal" 0
same "the stranger is still there" "$taken" "$(snapshot b6-app-1)"

# --- two agents of different names on one engine
mkdir "$work/blue" "$work/green"
sed 's/b4/blue/' "$root/b4.yaml" >"$work/blue/blue.yaml"
sed 's/b4/green/' "$root/b4.yaml" >"$work/green/green.yaml"
before=$(snapshot b1-app-1 b3-app-1)
state_before=$state
flags=(--root "$work/blue" --name blue) state=$work/state-blue
applies "blue's agent brings up its own" 0
same "and sees nothing else" "blue=Synced" "$(states)"
flags=(--root "$work/green" --name green) state=$work/state-green
applies "green's too" 0
same "and sees nothing else" "green=Synced" "$(states)"
blue_before=$(snapshot blue-app-1)
rm "$work/green/green.yaml"
sed 's/b4/blue/' "$root/b4.yaml" >"$work/green/blue.yaml"
applies "green wants an app of blue's name" 1
check "green's own is gone" gone green-app-1
same "blue's is untouched" "$blue_before" "$(snapshot blue-app-1)"
flags=(--root "$root") state=$state_before
same "and ours" "$before" "$(snapshot b1-app-1 b3-app-1)"

same "strangers saw nothing of all this" "$strangers_before" "$(strangers)"
