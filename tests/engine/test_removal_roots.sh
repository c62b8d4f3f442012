#!/bin/bash
# Roots that go wrong under a running agent: unmounted, covered, closed, replaced, switched, moved, renamed owners, and a second agent of the same
# name. Nothing runs away, nothing is made anew, and what comes back is as if it had never been away.
# shellcheck disable=SC2093
if [ -z "${EVENKEEL_TEST_MOUNTS:-}" ] && unshare --mount --propagation private true 2>/dev/null; then
    EVENKEEL_TEST_MOUNTS=yes exec unshare --mount --propagation private bash "$0" "$@"
fi
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

store=$work/store
beside=$work/beside
mkdir "$beside"
flags=(--root "$root" --root "$beside")
silent=
powerless=()
if command -v setpriv >/dev/null && setpriv --bounding-set=-dac_override,-dac_read_search true 2>/dev/null; then
    powerless=(setpriv --bounding-set=-dac_override,-dac_read_search)
fi
quick() { sleeper "$1" "network_mode: none" "${@:2}"; }
begin_agent() { # as nobody special: what may not be read cannot be read
    "${powerless[@]}" "$EVENKEEL" agent "${flags[@]}" --state "$state" --docker "$DOCKER_HOST" >>"$agent_log" 2>&1 &
    agent_pid=$!
}
# The agent's own last word on an app; `status` would look for itself.
agent_says() { [[ $(grep -E " app=root1\$" "$agent_log" | tail -n 1) == *" $1"* ]]; }
# What no event tells is seen by a look that something else causes.
stir() {
    echo "# $RANDOM" >"$beside/stir.yaml"
    agent_says "$1"
}
agent_becomes() {
    if [ -n "$silent" ]; then
        check "$1" wait_until 20 stir "$2"
    else
        check "$1" wait_until 20 agent_says "$2"
    fi
}
untouched() { same "$1: nothing was touched" "$before" "$(snapshot root1-app-1 root2-app-1 root3-app-1)"; }
all_are() { echo "root1=$1 root2=$1 root3=$1"; }
# away NAME STATE UNDO...: what was just done to the root makes its apps STATE; undone they are as before.
away() {
    agent_becomes "$1" "$2"
    untouched "$1"
    "${@:3}"
    agent_becomes "$1, and back" Synced
    untouched "$1, and back"
}

mkdir "$store"
mounts=
if [ -n "${EVENKEEL_TEST_MOUNTS:-}" ] && mount --bind "$store" "$root" 2>/dev/null; then
    mounts=yes
fi
for i in 1 2 3; do quick root$i; done
begin_agent
becomes "three apps" "$(all_are Synced)" 30
before=$(snapshot root1-app-1 root2-app-1 root3-app-1)

# --- the file system of the root comes and goes
if [ -n "$mounts" ]; then
    silent=yes
    umount "$root"
    away "unmounted" Held mount --bind "$store" "$root"
    mount -t tmpfs none "$root"
    away "another file system over it" Held umount "$root"
    silent=
    # From here on it is a folder like any other.
    stop_agent
    umount "$root"
    cp "$store"/*.yaml "$root"
    begin_agent
    agent_becomes "a folder instead of a mount" Synced
    untouched "a folder instead of a mount"
else
    skip "file systems that come and go" "cannot mount anything here"
fi

# --- its folder
if [ ${#powerless[@]} -gt 0 ]; then
    chmod 000 "$root"
    away "closed" Frozen chmod 755 "$root"
    chmod 000 "$root"
    away "closed again" Frozen chmod 755 "$root"
else
    skip "a root that may not be read" "cannot give up the capability to read everything here"
fi
mv "$root" "$root.away"
away "gone" Frozen mv "$root.away" "$root"
swap() { mv "$root" "$root.swap" && mv "$1" "$root" && mv "$root.swap" "$1"; }
mkdir "$work/empty"
swap "$work/empty"
away "an empty folder in its place" Held swap "$work/empty"
back_from_file() { rm "$root" && mv "$root.away" "$root"; }
mv "$root" "$root.away"
echo 'not: [a spec' >"$root"
away "a file in its place" Frozen back_from_file
ln -s "$work/nothing" "$work/dangling"
mv "$root" "$root.away"
mv "$work/dangling" "$root"
away "a link to nothing in its place" Frozen back_from_file

# --- another folder, with other files and one of its own: that one is new, none of the others goes, and it goes when it is over
mkdir "$work/other"
sed 's/root1/root4/' "$root/root1.yaml" >"$work/other/root4.yaml"
swap "$work/other"
becomes "another folder in its place" "root1=Held root2=Held root3=Held root4=Synced" 15
untouched "another folder in its place"
hash=$(held_hash)
swap "$work/other"
check "and back: what was new goes" wait_until 20 gone root4-app-1
agent_becomes "and back" Synced
becomes "the others are what is left" "$(all_are Synced)"
untouched "and back"
check "what was to be confirmed then is confirmed no more" grep -q . <<<"$hash"
stop_agent
same "and its hash confirms nothing" 1 "$(exit_of apply --confirm-removals "$hash")"
untouched "after all that"

# --- a root that is a link to the current release
cp -r "$root" "$work/release1"
cp -r "$root" "$work/release2"
printf 'environment: {V: "2"}\n' >>"$work/release2/root3.yaml"
rm -r "$root"
ln -s release1 "$root"
: >"$agent_log"
begin_agent
agent_becomes "the root is a link" Synced
untouched "the root is a link"
before=$(snapshot root1-app-1 root2-app-1)
ln -s release2 "$work/next"
mv -T "$work/next" "$root"
check "switched: what differs is changed" wait_until 15 eval 'inspect root3-app-1 .Config.Env | grep -q V=2'
becomes "switched" "$(all_are Synced)" 15
same "the others are not touched" "$before" "$(snapshot root1-app-1 root2-app-1)"
stop_agent
before=$(snapshot)

# --- the root moves, and the configuration with it
mv "$work/release2" "$work/moved"
rm "$root"
flags=(--root "$work/moved")
rm -r "$beside"
same "moved: apply" 0 "$(exit_of apply)"
same "nothing was touched" "$before" "$(snapshot)"
mv "$work/moved/root3.yaml" "$work/root3.yaml"
same "a file that goes then is no removal" 1 "$(exit_of apply)"
says "its app waits for a word, and why" "no longer configured" "$(app_why root3)"
same "and runs" "$before" "$(snapshot)"
mv "$work/root3.yaml" "$work/moved/root3.yaml"
same "back again" 0 "$(exit_of apply)"
same "nothing was touched by it" "$before" "$(snapshot)"

# --- the owner is renamed
flags=(--root "$work/moved" --name renamed)
same "under another name apply cannot do it" 1 "$(exit_of apply)"
says "it says who has what it wants" "default" "$(app_why root1)"
same "and touches nothing" "$before" "$(snapshot)"
same "and makes nothing" "" "$(owned containers 'select(.Labels["evenkeel.owner"] == "renamed") | .Names[0]')"
rm "$work/moved/root3.yaml"
same "not even for a file that is gone" 1 "$(exit_of apply)"
same "nothing was touched" "$before" "$(snapshot)"
cp "$work/release1/root3.yaml" "$work/moved/root3.yaml"
printf 'environment: {V: "2"}\n' >>"$work/moved/root3.yaml"

# --- a second agent of the same name, with files of its own
flags=(--root "$work/moved")
same "the old name again: apply" 0 "$(exit_of apply)"
same "nothing was touched" "$before" "$(snapshot)"
mkdir "$work/second"
sed 's/root1/twin1/' "$work/moved/root1.yaml" >"$work/second/twin1.yaml"
first_state=$state
flags=(--root "$work/second") state=$work/second-state
same "a second agent of that name tells of what it does not know" 1 "$(exit_of apply)"
same "but leaves it alone" "root1=Frozen root2=Frozen root3=Frozen twin1=Synced" "$(states)"
same "untouched" "$before" "$(snapshot root1-app-1 root2-app-1 root3-app-1)"
twin=$(snapshot twin1-app-1)
flags=(--root "$work/moved") state=$first_state
same "as the first one does" 1 "$(exit_of apply)"
same "to its" "root1=Synced root2=Synced root3=Synced twin1=Frozen" "$(states)"
same "nothing was touched" "$before$twin" "$(snapshot root1-app-1 root2-app-1 root3-app-1)$(snapshot twin1-app-1)"
