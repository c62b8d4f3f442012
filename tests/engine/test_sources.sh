#!/bin/bash
# Whatever way a file comes, changes or goes, no change is lost and no half of a file is applied; whatever lies in a root that is no spec
# gives a clear error and disturbs nothing that runs.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

second=$work/second
other=$work/elsewhere
mkdir -p "$other" "$work/env"
flags=(--root "$root" --root "$second") # the second one does not exist yet

app() { printf 'app: %s\nimage: busybox:stable\ncommand: ["sleep", "100000"]\nstop_signal: SIGKILL\nnetwork_mode: none\nenvironment: {V: "%s"}\n' "$1" "$2"; }
value() { inspect "$1-app-1" '[.Config.Env[] | select(startswith("V="))[2:]] | join(" ")' 2>/dev/null; }
has() { [ "$(value "$1")" = "$2" ] && docker_running "$1-app-1"; }
gets() { # NAME APP VALUE [SECONDS]
    if wait_until "${4:-5}" has "$2" "$3"; then pass "$1"; else fail "$1" "$2 has V=$(value "$2"), not $3; $({ evenkeel status "$2" 2>&1 || true; } | tail -n 2)"; fi
}

app calm 0 >"$root/calm.yaml"
app edit 0 >"$root/edit.yaml"
start_agent
gets "a file that was there" edit 0 10
gets "and another" calm 0
calm=$(snapshot calm-app-1)

# --- how editors and programs write
app edit 1 >"$root/.edit.new" && mv "$root/.edit.new" "$root/edit.yaml"
gets "a rename into place" edit 1
app edit 2 >"$root/edit.yaml"
gets "written in place" edit 2
# vim: a file 4913 to see what can be done here, the old one renamed away, the new one written, the backup removed
: >"$root/4913" && rm "$root/4913"
mv "$root/edit.yaml" "$root/edit.yaml~"
app edit 3 >"$root/edit.yaml"
sync "$root/edit.yaml"
rm "$root/edit.yaml~"
gets "vim's way of saving" edit 3
if command -v vim >/dev/null; then
    vim -es -u NONE -c '%s/V: "3"/V: "4"/' -c wq "$root/edit.yaml" </dev/null >/dev/null 2>&1 || true
    gets "vim itself" edit 4
else
    skip "vim itself" "there is no vim here"
fi
sed -i 's/V: ".*"/V: "5"/' "$root/edit.yaml"
gets "sed -i" edit 5
app edit 6 >"$work/new" && cp "$work/new" "$root/edit.yaml"
gets "cp over it" edit 6
app edit 7 >"$root/edit.yaml.tmp" && ln -f "$root/edit.yaml.tmp" "$root/.l" && mv "$root/.l" "$root/edit.yaml" && rm "$root/edit.yaml.tmp"
gets "a hard link into place" edit 7

# Half a file that is a valid spec by itself: without its end the container would be another one.
half() {
    app edit "$1"
    sleep "$2"
    echo 'labels: {whole: "yes"}'
}
before=$(inspect edit-app-1 .Id)
half 8 0.6 >"$root/edit.yaml"
gets "written in two halves" edit 8
same "is applied as a whole" yes "$(inspect edit-app-1 .Config.Labels.whole)"
half 9 0.6 >"$root/slow.tmp" && mv "$root/slow.tmp" "$root/edit.yaml"
for part in 1 2 3 4; do
    [ $part != 1 ] || : >"$root/parts.yaml"
    app parts 1 | sed -n "$(((part - 1) * 2 + 1)),$((part * 2))p" >>"$root/parts.yaml"
    sleep 0.07
done
gets "a file that grows line by line" parts 1
history=$("$EVENKEEL" history edit --json --actions --limit 1000 --state "$state")
made=$(jq '[.[] | select(.what == "action" and (.text | startswith("create")))] | length' <<<"$history")
# One for each of the ten values 0 to 9; vim's is missing where there is none.
check "no half of a file made a container of its own" test "$made" -le 10
same "no half of a file was told of as an error" "" "$(grep -F "$root" "$agent_log" | grep -E 'error: |Frozen' || true)"

# --- trees
mkdir "$root/tree"
app leaf 1 >"$work/leaf.yaml"
mkdir -p "$work/grow/a/b/c" && cp "$work/leaf.yaml" "$work/grow/a/b/c/"
app twig 1 >"$work/grow/a/twig.yaml"
cp -r "$work/grow" "$root/tree/"
gets "cp -r of a tree" leaf 1
gets "all of it" twig 1
mv "$root/tree/grow" "$root/moved"
sleep 0.5
leaf=$(snapshot leaf-app-1)
sed -i 's/V: "1"/V: "2"/' "$root/moved/a/b/c/leaf.yaml"
gets "a moved tree is watched under its new name" leaf 2
check "and its apps were moved, not replaced, until then" test "$leaf" != "$(snapshot leaf-app-1)"
mv "$root/moved" "$work/out"
check "a tree moved out takes its apps along" wait_until 5 gone leaf-app-1
check "all of them" wait_until 5 gone twig-app-1
app leaf 3 >"$work/out/a/b/c/leaf.yaml"
mv "$work/out" "$root/back"
gets "a tree moved in brings them" leaf 3
rm -rf "$root/back"
check "rm -rf of it" wait_until 5 gone leaf-app-1
mkdir -p "$second"
app two 1 >"$second/two.yaml"
gets "a root that comes later" two 1
two=$(snapshot two-app-1)
rm -rf "$second"
becomes "a root that is deleted freezes its apps" "calm=Synced edit=Synced parts=Synced two=Frozen" 5
same "and they run" "$two" "$(snapshot two-app-1)"
mkdir "$second"
app two 2 >"$second/two.yaml"
gets "the root made again is watched again" two 2
rm "$root/parts.yaml"
check "the first root too, all the time" wait_until 5 gone parts-app-1

# --- links and files that specs read
app linked 1 >"$other/linked.yaml"
ln -s "$other/linked.yaml" "$root/linked.yaml"
gets "a link" linked 1
app linked 2 >"$other/.n" && mv "$other/.n" "$other/linked.yaml"
gets "its target is replaced" linked 2
app linked 3 >"$other/linked.yaml"
gets "its target is written" linked 3
app linked 4 >"$other/other.yaml"
ln -sfn "$other/other.yaml" "$root/.l" && mv -T "$root/.l" "$root/linked.yaml"
gets "it leads elsewhere" linked 4
mkdir "$other/folder"
app deep 1 >"$other/folder/deep.yaml"
ln -s "$other/folder" "$root/folder"
gets "a link to a folder" deep 1
app deep 2 >"$other/folder/deep.yaml"
gets "a file in it" deep 2
echo V=from-file >"$work/env/vars.env"
app env x | sed 's|^environment.*|env_file: '"$work/env/vars.env"'|' >"$root/env.yaml"
gets "an env_file" env from-file
echo V=changed >"$work/env/vars.env"
gets "is changed" env changed
echo V=replaced >"$work/env/n" && mv "$work/env/n" "$work/env/vars.env"
gets "is replaced" env replaced
# One after the other: three at once would be held.
for one in linked.yaml:linked env.yaml:env folder:deep; do
    rm "$root/${one%:*}"
    check "${one%:*} is deleted" wait_until 5 gone "${one#*:}-app-1"
done

# --- git
if command -v git >/dev/null; then
    g() { git -C "$root/repo" -c user.name=t -c user.email=t@localhost -c commit.gpgsign=false -c init.defaultBranch=one "$@" >/dev/null 2>&1; }
    mkdir "$root/repo" && g init
    app gita 1 >"$root/repo/gita.yaml"
    app gitb 1 >"$root/repo/gitb.yaml"
    g add . && g commit -m one
    g checkout -b two
    app gita 2 >"$root/repo/gita.yaml"
    g rm gitb.yaml
    mkdir "$root/repo/sub" && app gitc 2 >"$root/repo/sub/gitc.yaml"
    g add . && g commit -m two
    gets "a branch" gita 2
    for _ in 1 2 3 4 5; do g checkout one && g checkout two; done
    g checkout one
    gets "git checkout of another" gita 1
    gets "with what it has" gitb 1
    check "without what it has not" wait_until 5 gone gitc-app-1
    g checkout two
    gets "and back" gita 2
    gets "with" gitc 2
    check "and without" wait_until 5 gone gitb-app-1
    rm -rf "$root/repo"
    check "gone with the repository" wait_until 5 eval 'gone gita-app-1 && gone gitc-app-1'
else
    skip "git checkout" "there is no git here"
fi

# --- more events than the kernel's queue holds (max_queued_events): the agent is stopped while they happen
mkdir "$root/flood"
kill -STOP "$agent_pid"
limit=$(cat /proc/sys/fs/inotify/max_queued_events)
python3 - "$root/flood" "$limit" <<'END'
import os, sys
for i in range(int(sys.argv[2]) // 3 + 1000):
    path = sys.argv[1] + "/f%d.txt" % i
    open(path, "w").close()
    os.unlink(path)
END
app edit 10 >"$root/.n" && mv "$root/.n" "$root/edit.yaml"
app late 1 >"$root/flood/late.yaml"
kill -CONT "$agent_pid"
gets "a flood of events hides no change" edit 10 10
gets "nor a new file" late 1
app late 2 >"$root/flood/late.yaml"
gets "and watching goes on" late 2
rm -rf "$root/flood"
check "gone" wait_until 5 gone late-app-1

# --- what is no spec
becomes "all is well before" "calm=Synced edit=Synced two=Synced" 5
: >"$agent_log"
app kept 1 >"$root/kept.yaml"
gets "an app" kept 1
kept=$(snapshot kept-app-1)
mkfifo "$root/fifo.yaml"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$root/socket.yaml"
mknod "$root/device.yaml" c 1 3 2>/dev/null || true
ln -s /nowhere/at/all.yaml "$root/dangling.yaml"
ln -s circle.yaml "$root/circle.yaml"
ln -s . "$root/around"
mkdir "$root/folder.yaml"
: >"$root/empty.yaml"
head -c 3000000 /dev/zero | tr '\0' '#' >"$root/huge.yaml"
head -c 20000 /dev/urandom >"$root/binary.yaml"
printf 'app: latin\nimage: caf\351\n' >"$root/latin1.yaml"
printf 'app: dup\nimage: a\nimage: b\n' >"$root/duplicate.yaml"
printf 'app: nul\nimage: a\0b\n' >"$root/nul.yaml"
{ printf 'app: deep2\nlabels: ' && printf '[%.0s' {1..5000}; } >"$root/deep.yaml"
printf 'a: &a [x]\napp: cyclic\nlabels: &l {self: *l}\n' >"$root/cyclic.yaml"
printf 'app: bomb\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n' >"$root/bomb.yaml"
printf 'app: tabs\n\timage: x\n' >"$root/tabs.yaml"
printf 'just: some\nother: yaml\n' >"$root/foreign.yaml"
printf 'not a spec' >"$root/readme.txt"
app edit 11 >"$root/.n" && mv "$root/.n" "$root/edit.yaml"
gets "others go on" edit 11
status=0
out=$(timeout 20 "$EVENKEEL" validate "$root" 2>&1) || status=$?
same "validate exits 1" 1 "$status"
names() { # FILE[:LINE] WORDS: an error of that place with one of these words
    if grep -qE "$1.*error: .*($2)" <<<"$out"; then pass "validate: $1"; else fail "validate: $1" "no error with \"$2\": $(grep -F "${1%%:*}" <<<"$out" | head -n 2 | cut -c1-200)"; fi
}
names fifo.yaml "FIFO|pipe"
names socket.yaml "socket"
[ ! -e "$root/device.yaml" ] || names device.yaml "device"
names dangling.yaml "link|exist|missing|No such"
names circle.yaml "link|loop|circle|symbolic"
names huge.yaml "large|big|bytes|MB|MiB"
names binary.yaml "binary|UTF-8|control"
names latin1.yaml:2: "UTF-8"
names duplicate.yaml:3: "twice|duplicate|already"
names nul.yaml "NUL"
names deep.yaml:2: "deep|nest|level"
names cyclic.yaml: "itself|cycl|alias|anchor"
names bomb.yaml: "alias|large|nodes|values|expand"
names tabs.yaml:2: "tab|token|indent"
names empty.yaml "empty"
same "the FIFO keeps nobody waiting" 1 "$(exit_of timeout 10 "$EVENKEEL" validate "$root/fifo.yaml")"
same "what is not ours is no error" "" "$(grep -E '(foreign|readme).*error' <<<"$out" || true)"
says "validate notes it" "foreign.yaml:1:1: note: not a spec" "$out"
same "the agent does not" "" "$(grep -E 'foreign|readme' "$agent_log" || true)"
rm "$root/kept.yaml"
becomes "with all this nobody knows whether an app was to go" "calm=Synced edit=Synced kept=Frozen two=Synced" 8
same "so it stays" "$kept" "$(snapshot kept-app-1)"
find "$root" -mindepth 1 ! -name calm.yaml ! -name edit.yaml -delete
check "when it can be known it goes" wait_until 5 gone kept-app-1
becomes "and all is well" "calm=Synced edit=Synced two=Synced" 5
chmod 000 "$root/edit.yaml"
if command -v setpriv >/dev/null && ! setpriv --bounding-set=-dac_override,-dac_read_search cat "$root/edit.yaml" >/dev/null 2>&1; then
    out=$(setpriv --bounding-set=-dac_override,-dac_read_search "$EVENKEEL" validate "$root" 2>&1 || true)
    names edit.yaml "ermission"
else
    skip "a file without permission" "cannot give up the capability to read everything here"
fi
chmod 644 "$root/edit.yaml"

same "calm was never touched" "$calm" "$(snapshot calm-app-1)"
check "the agent was never restarted" agent_running
