#!/bin/bash
# Volumes that are removed with their app go into quarantine: they keep name and data, come back with the app or by a word, and are deleted by
# their record alone: not before its time, not while anybody uses or declares them, and never what is not ours.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

keeper() { sleeper "$1" "network_mode: none" "volumes: [\"data:/data\"]" "${@:2}"; }
record=$state/quarantine/blog_data.yaml
there() { api GET "/volumes/$1" >/dev/null 2>&1; }
not_there() { ! there "$1"; }
recorded() { [ -e "$record" ]; }
not_recorded() { [ ! -e "$record" ]; }
data() { cat "$(api GET /volumes/blog_data | jq -r .Mountpoint)/x"; }
state_of() { evenkeel volumes -v --json | jq -r ".volumes[] | select(.name == \"$1\") | .state"; }
over() { sed -i 's/^until: .*/until: 2020-01-01T00:00:00Z/' "$record"; }

keeper blog
keeper wiki
api POST /volumes/create '{"Name":"plain"}' >/dev/null
api POST /volumes/create '{"Name":"theirs","Labels":{"evenkeel.owner":"other","evenkeel.app":"blog"}}' >/dev/null
apply >/dev/null
echo precious >"$(api GET /volumes/blog_data | jq -r .Mountpoint)/x"

# --- listed
same "a volume that is mounted is in use" "in use" "$(state_of blog_data)"
same "by whom" blog-app-1 "$(evenkeel volumes --json | jq -r '.volumes[] | select(.name == "blog_data") | .users[0]')"
same "strangers' volumes are foreign" "foreign foreign" "$(state_of plain) $(state_of theirs)"
same "and listed only when asked for, if nobody's label is on them" "blog_data theirs wiki_data" \
    "$(evenkeel volumes --json | jq -r '[.volumes[].name] | join(" ")')"
check "sizes are the engine's" test "$(evenkeel volumes --size --json | jq -r '.volumes[] | select(.name == "blog_data") | .bytes')" -ge 9

# --- into quarantine, and back with the app
same "purge wants it said in words" 1 "$(exit_of evenkeel volumes purge blog_data)"
same "purge refuses what is in use" 1 "$(exit_of evenkeel volumes purge blog_data --yes-delete-data)"
same "and what is not ours" "1 1" "$(exit_of evenkeel volumes purge plain --yes-delete-data) $(exit_of evenkeel volumes purge theirs --yes-delete-data)"
evenkeel remove blog --volumes >/dev/null
says "plan shows it" "quarantine volume blog_data" "$(plan || true)"
apply >/dev/null
check "the container is gone" gone blog-app-1
check "the volume is recorded" recorded
same "the volume has its data" precious "$(data)"
same "it is listed as such" quarantine "$(state_of blog_data)"
says "with who, in words" "by: \"$(id -un)\"" "$(cat "$record")"
same "for seven days" 604800 "$(($(date -d "$(sed -n 's/^until: //p' "$record")" +%s) - $(date -d "$(sed -n 's/^since: //p' "$record")" +%s)))"
same "then there is nothing left to do" 0 "$(exit_of plan)"
evenkeel start blog >/dev/null
apply >/dev/null
check "a returned app takes it out" not_recorded
same "and finds its data" precious "$(data)"
same "in use again" "in use" "$(state_of blog_data)"

# --- without --volumes nothing is recorded; restored, it stays
evenkeel remove blog >/dev/null
apply >/dev/null
check "plain removal records nothing" not_recorded
evenkeel remove blog --volumes >/dev/null
apply >/dev/null
check "asked for later, it is recorded after all" recorded
evenkeel volumes restore blog_data >/dev/null
check "restored" not_recorded
apply >/dev/null
check "and not recorded again" not_recorded
rm "$root/blog.yaml"
same "an orphan without its app" orphan "$(state_of blog_data)"
same "what is not in quarantine cannot be restored" 1 "$(exit_of evenkeel volumes restore wiki_data)"

# --- the agent, killed at every moment of it
keeper blog
for wait in 0.05 0.2; do
    evenkeel start blog >/dev/null
    apply >/dev/null
    start_agent
    evenkeel remove blog --volumes >/dev/null
    sleep $wait
    stop_agent KILL
    there blog_data || fail "killed after $wait s" "the volume is gone"
done
start_agent
check "the next one records it" wait_until 10 recorded
check "after the container was removed" gone blog-app-1
same "the data is there" precious "$(data)"

# --- its time is over
api POST '/containers/create?name=stranger' '{"Image":"busybox:stable","Cmd":["true"],"HostConfig":{"NetworkMode":"none","Binds":["blog_data:/x"]}}' >/dev/null
over
sleep 1
check "what a stranger's container mounts stays" there blog_data
says "and the list says why" "container stranger uses it" "$(evenkeel volumes)"
api DELETE /containers/stranger
printf 'app: [\n' | write_file broken.yaml
kill -HUP "$agent_pid"
sleep 1
check "a file that cannot be read keeps it" there blog_data
before=$(there wiki_data && api GET /volumes/wiki_data | jq -r .CreatedAt)
rm "$root/broken.yaml"
check "then it ends" wait_until 10 not_there blog_data
check "and its record" wait_until 10 not_recorded
same "nobody else's did" "$before yes yes" "$(api GET /volumes/wiki_data | jq -r .CreatedAt) $(there plain && echo yes) $(there theirs && echo yes)"
check "history tells it" wait_until 5 eval '"$EVENKEEL" history --state "$state" blog --actions | grep -q "volume-remove volume blog_data"'

# --- records that do not fit delete nothing
put() { printf 'volume: "%s"\nowner: "%s"\napp: "%s"\nsince: 2020-01-01T00:00:00Z\nuntil: 2020-01-02T00:00:00Z\n' "$@" >"$work/record" && mv "$work/record" "$state/quarantine/$1.yaml"; }
put plain default blog
put theirs default blog
put wiki_data default wiki
check "of a volume without a label: the record goes" wait_until 10 eval '[ ! -e "$state/quarantine/plain.yaml" ]'
check "of another's: the record goes" wait_until 10 eval '[ ! -e "$state/quarantine/theirs.yaml" ]'
check "of one that an app declares: the record goes" wait_until 10 eval '[ ! -e "$state/quarantine/wiki_data.yaml" ]'
same "and the volumes are there" "yes yes yes" "$(there plain && echo yes) $(there theirs && echo yes) $(there wiki_data && echo yes)"

# --- purge
rm "$root/wiki.yaml"
check "wiki is removed, its volume stays" wait_until 10 gone wiki-app-1
same "an orphan can be purged" 0 "$(exit_of evenkeel volumes purge wiki_data --yes-delete-data)"
check "and is gone" wait_until 10 not_there wiki_data
same "what is gone cannot be purged" 1 "$(exit_of evenkeel volumes purge wiki_data --yes-delete-data)"
