#!/bin/bash
# Images of old builds are collected: the newest five and whatever is in use stay, older ones go a day after their last use, and nothing
# that evenkeel did not build is touched: not another's images, though they stand on ours, not another's build cache.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

mkdir -p "$root/src"
printf 'FROM busybox:stable\nCOPY version /version\nCMD ["sleep", "100000"]\n' >"$root/src/Dockerfile"
printf 'app: attic\nsource: {path: ./src}\nstop_signal: SIGKILL\nnetwork_mode: none\n' >"$root/attic.yaml"

images() { api GET '/images/json' | jq -r '.[] | (.RepoTags // [])[]' | grep -v '<none>' | sort; }
ours() { images | grep '^evenkeel/attic/app:' || true; }
image_id() { api GET "/images/$1/json" 2>/dev/null | jq -r .Id; }
cache() { api GET /system/df | jq -r '[.BuildCache // [] | .[].ID] | sort | join(" ")'; }

# build_image TAG FROM [NAME=VALUE]: by hand, as somebody else would
build_image() {
    local dir
    dir=$(mktemp -d "$work/other.XXXXXX")
    printf 'FROM %s\nRUN echo %s > /mark\n' "$2" "${1//[^a-z0-9]/}" >"$dir/Dockerfile"
    tar -C "$dir" -c . | engine_curl "/build?version=2&q=1${1:+&t=$1}${3:+&labels=%7B%22${3%%=*}%22:%22${3#*=}%22%7D}" \
        -X POST -H 'Content-Type: application/x-tar' --data-binary @- -o "$work/said" --max-time 60
    ! grep -q errorDetail "$work/said"
}

# ages HOURS: what was ever seen in use was last seen so long ago
ages() {
    python3 - "$state/evenkeel.db" "$1" <<'PY'
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=10)
db.execute("UPDATE image_use SET ms = ?", (int((time.time() - float(sys.argv[2]) * 3600) * 1000),))
db.commit()
PY
}

# --- eight builds
all=()
for version in 1 2 3 4 5 6 7 8; do
    echo $version >"$root/src/version"
    apply >"$work/applied" 2>&1 || fail "version $version" "$(cat "$work/applied")"
    all+=("$(inspect attic-app-1 .Config.Image)")
done
same "each content has an image of its own" 8 "$(ours | wc -l)"
running=$(snapshot)

# --- what is another's
build_image "company/derived:1" "${all[0]}" # inherits our labels, and stands on one that is to go
build_image "company/alone:1" busybox:stable
build_image "evenkeel/attic/app:mine" busybox:stable evenkeel.build.owner=default
build_image "evenkeel/attic/app:0123456789ab" busybox:stable evenkeel.build.owner=somebody
api POST "/images/${all[1]}/tag?repo=company/kept&tag=1"
foreign=$(images | grep -v '^evenkeel/attic/app:[0-9a-f]\{12\}$')
kept_id=$(image_id "${all[1]}")
container=$(api POST '/containers/create?name=stranger' "{\"Image\": \"${all[2]}\"}" | jq -r .Id)
old_cache=$(cache)
if said=$(plan 2>&1); then pass "a stranger's container of our image is a stranger's"; else fail "a stranger's container of our image is a stranger's" "$said"; fi

# --- nothing is due within a day
same "gc within a day" 0 "$(exit_of evenkeel gc)"
same "takes nothing" 9 "$(ours | grep -c ':[0-9a-f]\{12\}$')"

# --- a day later
ages 25
said=$(evenkeel gc --dry-run)
says "a dry run lists what goes" "${all[0]}" "$said"
says "with the reason" "not among the newest 5 of attic/app; last used 25h ago" "$said"
says "and the sum" "images of old builds would be removed" "$said"
same "and removes nothing" 9 "$(ours | grep -c ':[0-9a-f]\{12\}$')"
same "JSON too" "true false" "$(evenkeel gc --dry-run --json | jq -r '"\(.dry_run) \(.images[0].removed)"')"
due=$(evenkeel gc --dry-run --json | jq -r '[.images[].image] | sort | join(" ")')
[[ " $due " != *" ${all[7]} "* ]] && pass "the running one is not due" || fail "the running one is not due" "$due"
[[ " $due " != *" ${all[2]} "* ]] && pass "nor the one a stranger's container has" || fail "nor the one a stranger's container has" "$due"
same "three are" 3 "$(wc -w <<<"$due")"

check "gc" evenkeel gc
same "and they are gone" "" "$(comm -12 <(ours) <(tr ' ' '\n' <<<"$due" | sort))"
same "five of ours stay, and another owner's" 6 "$(ours | grep -c ':[0-9a-f]\{12\}$')"
same "every foreign name is there" "$foreign" "$(images | grep -v '^evenkeel/attic/app:[0-9a-f]\{12\}$')"
if [[ " $due " == *" ${all[1]} "* ]]; then
    same "an image with another's name outlives ours" "$kept_id" "$(image_id company/kept:1)"
fi
[ -n "$(image_id company/derived:1)" ] && pass "what stands on one of ours is there" || fail "what stands on one of ours is there" "it is gone"
same "the build cache was left alone" "$old_cache" "$(cache)"
same "what runs was not touched" "$running" "$(snapshot attic-app-1)"
says "a second time there is nothing to do" "0 images of old builds removed (0B at most), " "$(evenkeel gc)"
if said=$(plan 2>&1); then pass "the plan is empty"; else fail "the plan is empty" "$said"; fi

# --- another owner's agent leaves all of it alone
same "another owner has nothing" "0 images of old builds removed (0B at most), 0 kept" "$(evenkeel gc --name other --state "$work/other-state")"

# --- what is used again is used now
ages 25
echo 4 >"$root/src/version"
check "an older version again" apply
before=$(image_id "${all[3]}")
check "gc after it" evenkeel gc
same "its image stays" "$before" "$(image_id "${all[3]}")"

# --- an app that is gone leaves nothing for ever
mv "$root/attic.yaml" "$work/"
check "the app is removed" apply
check "gc while its files cannot be read" eval 'mkdir "$root/bad" && printf "app: [" >"$root/bad/bad.yaml" && ages 25 && evenkeel gc'
same "takes nothing" 6 "$(ours | grep -c ':[0-9a-f]\{12\}$')"
rm -r "$root/bad"
ages 23
same "nor within a day" "0 images of old builds would be removed" "$(evenkeel gc --dry-run | tail -n 1 | cut -d'(' -f1 | sed 's/ $//')"
ages 25
says "after a day they are due" "there is no attic/app any more" "$(evenkeel gc --dry-run)"
check "gc" evenkeel gc
same "only another owner's is left, and the one of the stranger's container" 2 "$(ours | grep -c ':[0-9a-f]\{12\}$')"
mv "$work/attic.yaml" "$root/"
check "it is built again" apply
before=$(image_id "${all[3]}")

# --- without a diary: the time of making counts
rm -f "$state"/evenkeel.db*
check "gc without a diary" evenkeel gc
same "takes nothing that was made today" "$before" "$(image_id "${all[3]}")"
check "the stranger's container is there" api DELETE "/containers/$container?force=1"
for name in company/derived:1 company/alone:1 company/kept:1 evenkeel/attic/app:mine evenkeel/attic/app:0123456789ab; do
    api DELETE "/images/$name" >/dev/null || true
done
