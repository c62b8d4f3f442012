#!/bin/bash
# Configs and secrets that somebody changes in STATE/mounts: seen, told without their text, mended in the very file that containers have open, or left,
# as `drift:` says; and what began with the wrong text begins again.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

canary=CANARY-$$-mounted
# inside PATH: what the container has there
inside() { cat "/proc/$(inspect files-web-1 .State.Pid)/root$1" 2>/dev/null; }
file_of() { inspect files-web-1 ".Mounts[] | select(.Destination == \"$1\") | .Source"; }
is_inside() { [ "$(inside "$1")" = "$2" ]; }
drift_of() { { evenkeel drift files --json 2>/dev/null || true; } | jq -r "$1"; }
# tamper FILE TEXT: as an editor does that writes into the file it opened
tamper() {
    chmod 0644 "$1"
    printf '%s' "$2" >"$1"
    chmod 0444 "$1"
}
spec() {
    write_file files.yaml <<YAML
app: files
drift: $1
services:
  web:
    image: busybox:stable
    command: ["sleep", "100000"]
    stop_signal: SIGKILL
    network_mode: none
    configs: [{source: conf, target: /etc/app.conf}]
    secrets: [key]
configs: {conf: {content: "level=1"}}
secrets: {key: {external: true}}
YAML
}
printf '%s' "$canary" | "$EVENKEEL" secret set --state "$state" key >/dev/null 2>&1

# --- while no agent runs
spec heal
same "an app with a config and a secret" 0 "$(exit_of apply)"
same "no drift" 0 "$(exit_of evenkeel drift files)"
conf=$(file_of /etc/app.conf) key=$(file_of /run/secrets/key)
before=$(snapshot files-web-1)
tamper "$conf" level=9
same "the container sees what a hand wrote" level=9 "$(inside /etc/app.conf)"
same "so does drift" 2 "$(exit_of evenkeel drift files)"
same "which names the file, the field and the repair" "file $conf configs./etc/app.conf write no" \
    "$(drift_of '.drift[0] | "\(.object) \(.field) \(.repair) \(.left)"')"
says "and since when" "changed by hand at $(date -u +%Y-)" "$(drift_of '.drift[0].cause')"
same "the plan is not empty" 2 "$(exit_of plan)"
same "it is mended" 0 "$(exit_of apply)"
same "in the file that the container has" level=1 "$(inside /etc/app.conf)"
same "which was not disturbed" "$before" "$(snapshot files-web-1)"
same "nothing is left to be done" 0 "$(exit_of plan)"

# --- what began with the wrong text
tamper "$conf" level=8
api POST /containers/files-web-1/restart?t=0 >/dev/null
started=$(inspect files-web-1 .State.StartedAt)
says "a container that began after the change has read it" "restart container files-web-1" "$(plan || true)"
same "it is mended" 0 "$(exit_of apply)"
same "first the file" level=1 "$(inside /etc/app.conf)"
check "then the container began again" [ "$(inspect files-web-1 .State.StartedAt)" != "$started" ]
same "nothing is left to be done" 0 "$(exit_of plan)"

# --- while an agent runs
before=$(snapshot files-web-1)
start_agent
becomes "the agent agrees" "files=Synced" 20
tamper "$key" "$canary-forged"
check "a changed secret is mended at once" wait_until 10 is_inside /run/secrets/key "$canary"
tamper "$conf" level=7
check "so is a config" wait_until 10 is_inside /etc/app.conf level=1
rm "$conf"
check "one that was removed is put back" wait_until 10 test -f "$conf"
ln -sf /etc/hostname "$conf"
check "a link is no file" wait_until 10 eval "[ ! -L '$conf' ] && [ \"\$(cat '$conf')\" = level=1 ]"
becomes "well" "files=Synced" 20
same "the container was not disturbed" "$before" "$(snapshot files-web-1)"
same "the diary tells of it" "configs./etc/app.conf secrets./run/secrets/key" \
    "$("$EVENKEEL" history files --drift --json --state "$state" | jq -r '[.. | .field? // empty | select(test("^(configs|secrets)"))] | unique | join(" ")')"

# --- reported, ignored
spec report
becomes "reported only" "files=Synced" 20
tamper "$conf" level=6
becomes "a change is told" "files=OutOfSync" 20
says "and why nothing is done" "drift: report" "$(app_why files)"
same "it is left" "report level=6" "$(drift_of '.drift[0].left') $(cat "$conf")"
spec '{ignore: [configs]}'
becomes "ignored" "files=Synced" 20
same "it is no drift" "0 level=6" "$(exit_of evenkeel drift files) $(cat "$conf")"
spec heal
check "healed again when the file says so" wait_until 10 eval '[ "$(cat "$conf")" = level=1 ]'
same "the container has had its own file since somebody took the name away" level=1 "$(inside /etc/app.conf)"
becomes "well" "files=Synced" 20
stop_agent

found=$(grep -rla "$canary" "$state" "$agent_log" 2>/dev/null | grep -v "^$state/\(secrets\|mounts\)/" || true)
same "no text of a secret in log, diary or saved passes" "" "$found"
