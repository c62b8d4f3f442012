#!/bin/bash
# An engine without BuildKit: its classic builder builds what it can, and what it cannot is said before anything is sent.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine
[[ $DOCKER_HOST == unix://* ]] || skip_all "needs an engine on a Unix socket"

engine=$DOCKER_HOST
nonce=$(date +%s.%N)
"$engine_dir/no_buildkit.py" "$work/old.sock" "${engine#unix://}" "$work/asked" &
check "an engine without BuildKit answers" wait_until 5 test -S "$work/old.sock"

write_file old/index.html <<<"$nonce"
write_file old/Dockerfile <<'END'
FROM busybox:stable
ARG WORD=none
COPY index.html /www/
RUN echo "the word is $WORD" && test -s /www/index.html
CMD ["sleep", "100000"]
END
printf 'app: old\nsource: {path: ./old, args: {WORD: hello}}\nstop_signal: SIGKILL\n' | write_file old.yaml
DOCKER_HOST=unix://$work/old.sock
same "apply builds with the classic builder" 0 "$(exit_of apply)"
check "and it runs" docker_running old-app-1
same "BuildKit was asked for first" "2 1" "$(xargs <"$work/asked")"
same "afterwards nothing is to be done" 0 "$(exit_of plan)"
DOCKER_HOST=$engine
same "nor for the same engine with BuildKit" 0 "$(exit_of plan)"
DOCKER_HOST=unix://$work/old.sock

DOCKER_HOST=unix://$work/old.sock
printf 'Dockerfile\n.dockerignore\n' | write_file bare/.dockerignore
printf 'FROM busybox:stable\nCOPY . /www/\nRUN echo %s; ls -A /www > /list\nCMD ["sleep", "100000"]\n' "$nonce" | write_file bare/Dockerfile
write_file bare/index.html <<<x
printf 'app: bare\nsource: {path: ./bare}\nstop_signal: SIGKILL\n' | write_file bare.yaml
same "what .dockerignore excludes, itself and the Dockerfile too," 0 "$(exit_of apply)"
same "is not copied" "index.html" "$(engine_curl '/containers/bare-app-1/archive?path=/list' | tar -xO)"
rm "$root/bare.yaml"
same "and gone" 0 "$(exit_of apply)"

start_agent
before=$(inspect old-app-1 .Id)
write_file old/index.html <<<"$nonce again"
other() { [ "$(inspect old-app-1 .Id)" != "$1" ] && docker_running old-app-1; }
check "a change is built by it" wait_until 20 other "$before"

printf 'FROM busybox:stable\nRUN echo almost; echo "no such module" >&2; exit 3\n' | write_file old/Dockerfile
failed_with() { [[ $(app_why old) == *"$1"* ]]; }
check "its failing step is named" wait_until 20 failed_with 'RUN echo almost'
check "with what it said" wait_until 20 failed_with "no such module"

asked=$(wc -l <"$work/asked")
printf 'FROM busybox:stable\nRUN --mount=type=cache,target=/cache echo %s\n' "$nonce" | write_file old/Dockerfile
check "what needs BuildKit is refused with the reason" wait_until 20 failed_with 'needs BuildKit'
check "the old version keeps running" docker_running old-app-1
same "and never sent" "$asked" "$(wc -l <"$work/asked")"
stop_agent
DOCKER_HOST=$engine
rm "$root/old.yaml"
