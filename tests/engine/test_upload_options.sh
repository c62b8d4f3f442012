#!/bin/bash
# What is said of an app beside its archive: port, volumes, variables, secrets, GPUs; by query, by form, by `evenkeel deploy`, by the plain page. It becomes the app's spec, and is judged like one before anything is placed.
# shellcheck source=tests/engine/lib.sh
. "$(dirname "$0")/lib.sh"
need_engine

at=http://127.0.0.1:5001
api=$at/api/v1/apps
export EVENKEEL_URL=$at EVENKEEL_ADMIN_PASSWORD=correct-horse-battery NO_PROXY='*' no_proxy='*'
printf 'ingress: none\n' >"$work/agent.yaml"
start_agent --config "$work/agent.yaml"
check "the agent is ready" wait_until 20 curl -sf -o /dev/null "$at/readyz"
EVENKEEL_TOKEN=$("$EVENKEEL" token create ci --scope deploy --state "$state" 2>/dev/null)
export EVENKEEL_TOKEN
# send PATH ARGS...: the answer
send() { curl -sS --max-time 60 -H "Authorization: Bearer $EVENKEEL_TOKEN" "${@:2}" "$api/$1"; }
spec_of() { tail -n +3 "$root/uploads/$1.yaml" | tr '\n' '|'; }

mkdir "$work/site"
printf 'FROM busybox:stable\nLABEL once=%s\nUSER 0\nCMD ["sleep", "100000"]\nSTOPSIGNAL SIGKILL\n' "$RANDOM$RANDOM" >"$work/site/Dockerfile"
(cd "$work/site" && zip -qr "$work/site.zip" .)
zip=@$work/site.zip

# --- refused before anything is placed
refused() { # NAME WORDS QUERY
    says "$1" "$2" "$(send "options/bundle?$3" --data-binary "$zip" | jq -r '"\(.status) \(.detail) \(.next // "")"')"
}
refused "no port" '422 `port` is a number' port=web
refused "a folder of the host" '422 `volume` is NAME:/PATH' volume=/etc:/etc
refused "a variable without a value" '422 `env` is KEY=VALUE' env=A
refused "a field that is none" '422 `prot` is no field' prot=80
refused "a secret that nobody has" "evenkeel secret set --app options nobody" secret=nobody
refused "GPUs, which policy gives to nobody by itself" "409 " gpus=all
refused "the platform's own address as a route" "422 " route=/login
refused "a query that is not to be read" "422 " 'env=%zz'
printf 'common' | "$EVENKEEL" secret set --state "$state" shared >/dev/null 2>&1
refused "a secret that is all apps'" "409 " secret=shared
check "nothing of it is there" eval '[ ! -e "$root/uploads/options.yaml" ] && [ -z "$(ls -A "$root/uploads/.bundles")" ]'

# --- by query
same "a secret of the app's own" 200 "$(send options/secrets/key -X PUT --data-binary 'opensesame' -o /dev/null -w '%{http_code}')"
query='port=8080&volume=data:/data&env=GREETING=hello%20$USER&env=EMPTY=&secret=key&secret=key:/etc/key'
same "an archive with all of it" "true false" "$(send "options/bundle?$query" --data-binary "$zip" | jq -r '"\(.changed) \(.dry_run)"')"
text='route: /options|port: 8080|volumes: ["data:/data"]|environment: ["GREETING=hello $$USER", "EMPTY="]|secrets: ["key", {source: "key", target: "/etc/key"}]|'
same "is its spec" "$text" "$(spec_of options)"
check "it runs" wait_until 60 docker_running options-app-1
same "with its variables" "GREETING=hello \$USER EMPTY=" "$(inspect options-app-1 '[.Config.Env[] | select(test("GREETING|EMPTY"))] | sort_by(length) | reverse | join(" ")')"
same "its volume" "options_data" "$(inspect options-app-1 '.Mounts[] | select(.Destination == "/data").Name')"
seen=$(run_in() { local id; id=$(api POST "/containers/$1/exec" "$(jq -nc '{Cmd: $ARGS.positional, AttachStdout: true}' --args "${@:2}")" | jq -r .Id); engine_curl "/exec/$id/start" -X POST -H 'Content-Type: application/json' --data '{"Tty": true}'; }; run_in options-app-1 cat /run/secrets/key /etc/key)
says "and its secret, in both places" "opensesameopensesame" "$seen"
first=$(inspect options-app-1 .Id)
same "the same again changes nothing" "false null" "$(send "options/bundle?$query" --data-binary "$zip" | jq -r '"\(.changed) \(.plan)"')"
same "nor does the archive alone" "false" "$(send options/bundle --data-binary "$zip" | jq .changed)"
same "the container is the same" "$first" "$(inspect options-app-1 .Id)"

# --- by form, where fields may come on either side of the archive
same "one thing anew" true "$(send options/bundle -F env=GREETING=bye -F "bundle=$zip" -F port=9090 | jq .changed)"
same "leaves the others" "${text/\[\"GREETING=*EMPTY=\"\]/[\"GREETING=bye\"]}" "$(spec_of options | sed 's/9090/8080/')"
same "in a dry run nothing" "false 9090" "$(send 'options/bundle?dry_run=1' -F port=1 -F "bundle=$zip" | jq -r .changed) $(sed -n 's/^port: //p' "$root/uploads/options.yaml")"
says "a field that is none" '`prot` is no field' "$(send options/bundle -F "bundle=$zip" -F prot=80)"
says "two archives" "two archives" "$(send options/bundle -F "bundle=$zip" -F "bundle=$zip")"
says "no archive" "holds no archive" "$(send options/bundle -F port=80)"
same "reset forgets" "true route: /options|port: 8080|" "$(send options/bundle -F reset=1 -F port=8080 -F "bundle=$zip" | jq .changed) $(spec_of options)"

# --- by the command line
deploy() { "$EVENKEEL" deploy "$@" >"$work/said" 2>"$work/trouble"; }
check "deploy" env SECRETLY='two words' "$EVENKEEL" deploy "$work/site.zip" --app options --volume data:/srv:ro --env A=b --env SECRETLY --secret key --port 81
same "says the same" 'route: /options|port: 81|volumes: ["data:/srv:ro"]|environment: ["A=b", "SECRETLY=two words"]|secrets: ["key"]|' "$(spec_of options)"
check "and again" deploy "$work/site.zip" --app options --env A=b --env 'SECRETLY=two words'
says "what is wrong is told before it is sent" "--volume: \`volume\` is NAME:/PATH" "$(deploy "$work/site.zip" --volume /etc:/etc --to http://127.0.0.1:1 || cat "$work/trouble")"
says "a variable that is not there" "there is no such variable here" "$(deploy "$work/site.zip" --env NOT_THERE || cat "$work/trouble")"
says "a spec says it itself" "--port goes with an archive" "$(echo "app: x" >"$work/x.yaml"; deploy "$work/x.yaml" --port 80 || cat "$work/trouble")"

# --- by the plain page
jar=$work/jar
page() { curl -s --max-time 60 -b "$jar" -c "$jar" -H "Origin: $at" -H 'Accept: text/html' "$@"; }
page -o /dev/null --data-urlencode account=admin --data-urlencode "password=$EVENKEEL_ADMIN_PASSWORD" "$at/login"
csrf=$(page "$at/upload" | sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' | head -n 1)
same "the page has a field for each" "app route port gpus volume env secret reset bundle" "$(page "$at/upload" | grep -oE "name=\"[a-z]+\"" | cut -d\" -f2 | grep -vE "csrf|viewport" | tr "\n" " " | sed "s/ $//")"
says "the page takes it" "Location: /upload?placed=paged" "$(page -D - -F "csrf=$csrf" -F app=paged -F "bundle=$zip" -F route= -F port=8000 -F $'volume=a:/a\r\nb:/b\r\n' -F env= -F secret= -F gpus= "$at/upload")"
same "line by line" 'route: /paged|port: 8000|volumes: ["a:/a", "b:/b"]|' "$(spec_of paged)"
answer=$(page -F "csrf=$csrf" -F app=paged -F volume=/:/host -F $'env=A=<b>\r\nC=d' -F "bundle=$zip" "$at/upload")
says "and says what is wrong" "folders of the host" "$answer"
says "with what was typed, that is wrong" "/:/host" "$answer"
says "and that is not, as text" $'A=&lt;b&gt;\nC=d' "$answer"

# --- policy, once the agent's configuration allows it, and a Compose file's main service
printf 'ingress: none\npolicy: {allow: {gpu: [gpus], "*": ["secrets:shared"]}}\n' >"$work/agent.yaml"
stop_agent
start_agent --config "$work/agent.yaml"
check "the agent is ready" wait_until 20 curl -sf -o /dev/null "$at/readyz"
same "allowed GPUs are in the spec" 'route: /gpu|gpus: [{count: 2}]|' "$(send 'gpu/bundle?gpus=2' --data-binary "$zip" >/dev/null; spec_of gpu)"
mkdir "$work/shop"
printf 'services:\n  web: {image: "busybox:stable", command: ["sleep", "100000"], stop_signal: SIGKILL, ports: ["80"]}\n  db: {image: "busybox:stable", command: ["sleep", "100000"], stop_signal: SIGKILL}\n' >"$work/shop/compose.yaml"
(cd "$work/shop" && zip -qr "$work/shop.zip" .)
send 'options-shop/bundle?env=A=b&secret=shared&volume=data:/data' --data-binary "@$work/shop.zip" >"$work/answer"
check "a Compose file's main service gets what is said" wait_until 60 docker_running options-shop-web-1
same "and no other" "A=b options-shop_data /run/secrets/shared none" "$(inspect options-shop-web-1 '"\(.Config.Env[] | select(startswith("A="))) \([.Mounts[].Name // empty] | join(" ")) \([.Mounts[].Destination | select(startswith("/run"))] | join(" "))"') $(inspect options-shop-db-1 '[.Mounts[].Destination] | join(" ") | if . == "" then "none" else . end')"
check "no value is in the audit log" eval '! grep -rnE "opensesame|two words" "$state/audit" "$agent_log"'
