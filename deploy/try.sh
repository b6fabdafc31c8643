#!/usr/bin/env bash
# Tests the deployment: builds the images, starts the stack with the demo's stand-in for Mixpanel, kills and stops services
# in the middle of a fetch, and compares the stored rows with the stand-in's data.
#
#   deploy/try.sh                     takes minutes; needs Go, and Docker or root on Debian, otherwise skips with a message
#   TRY_REQUIRED=1 deploy/try.sh      fails instead of skipping
#   TRY_DIR=~/.cache/mixduck deploy/try.sh   keeps engine and images there for the next run
#
# It uses a running engine and leaves it unchanged. Otherwise it starts one, with all its files in a temporary directory.
set -Eeuo pipefail
cd "$(dirname "$0")/.."

work=${TRY_DIR:-$(mktemp -d -t mixduck-try.XXXXXX)}
mkdir -p "$work"
work=$(realpath "$work")
tools=$PWD/bin/tools
project=mixduck-try
per_day=10000 # as in try.yml
overrides=()
jobs=() # submitted jobs

say() { printf '== %s\n' "$*" >&2; }
fail() { printf 'FAIL: %s\n' "$*" >&2; exit 1; }
skip() {
  printf '\n*** SKIPPED: deploy/try.sh has tried nothing: %s ***\n\n' "$*" >&2
  [[ -z ${TRY_REQUIRED:-} ]] || exit 1
  exit 0
}

# shellcheck source=deploy/engine/engine.sh
. deploy/engine/engine.sh
# shellcheck source=deploy/engine/images.sh
. deploy/engine/images.sh
# shellcheck source=deploy/engine/stack.sh
. deploy/engine/stack.sh

clean_up() {
  local code=$?
  trap - EXIT
  if [[ -n ${DOCKER:-} && ${#COMPOSE[@]} -gt 0 ]]; then
    ((code == 0)) || { say "what the containers said last"; compose logs --tail 40 >&2 || true; }
    compose --profile '*' down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1 || true
    [[ -n ${TRY_DIR:-} ]] || "$DOCKER" image rm -f mixduck-try:local mixduck-try-fakemixpanel:local mixduck-try/{golang,cc,redis,prometheus} >/dev/null 2>&1 || true
  fi
  stop_engine
  [[ -n ${TRY_DIR:-} ]] || rm -rf "$work"
  exit "$code"
}

prepare() {
  local room
  room=$(df --output=avail -BG "$work" | tail -n 1 | tr -dc 0-9)
  ((room >= 12)) || fail "$work has $room GB of free space, and the images need 12 GB; set TRY_DIR to another directory"
  command -v go >/dev/null || skip "there is no Go"
  find_engine || skip "there is no Docker engine, and none could be started"
  find_compose || skip "there is no compose, and it could not be built"
  command -v curl >/dev/null || install_packages curl || skip "there is no curl"
  base_images || skip "base images can neither be pulled nor made"
  say "engine $("$DOCKER" version --format '{{.Server.Version}}') ($("$DOCKER" info --format '{{.Driver}}, cgroup v{{.CgroupVersion}}')), compose $("${COMPOSE[@]}" version --short)"
}

try_image() {
  say "building the images"
  build mixduck mixduck-try:local
  build fakemixpanel mixduck-try-fakemixpanel:local
  local size
  size=$("$DOCKER" image inspect --format '{{.Size}}' mixduck-try:local)
  ((size < 330000000)) || fail "the image has $size bytes" # lake is 128 MB of them
  expect "the user of the image" 65532:65532 "$("$DOCKER" image inspect --format '{{.Config.User}}' mixduck-try:local)"
  compose run --rm -T --no-deps worker validate >/dev/null || fail "the settings of the demo are not valid"
  expect "version" "worker try" "$("$DOCKER" run --rm mixduck-try:local version | cut -d ' ' -f 1,2)"
  say "the image has $((size / 1000000)) MB"
}

try_demo() {
  say "docker compose --profile demo up"
  compose --profile demo up -d --quiet-pull
  wait_healthy worker redis
  local code
  code=$("$DOCKER" wait "$(container demo)")
  expect "exit code of the demo's fetch" 0 "$code"
  expect "days of the demo" 30 "$(query "SELECT count(*) FROM mixduck.coverage WHERE table_name = 'events' AND day < DATE '$(date -u +%F)'")"
}

try_hardening() {
  say "looking into the containers"
  local service pid status
  for service in worker redis fakemixpanel; do
    pid=$("$DOCKER" inspect --format '{{.State.Pid}}' "$(container $service)")
    status=$(cat "/proc/$pid/status")
    expect "$service: is root" 0 "$(grep -c -P '^[UG]id:\t(0\t|.*\t0)' <<<"$status" || true)"
    expect "$service: capabilities" 5 "$(grep -c -P '^Cap(Inh|Prm|Eff|Bnd|Amb):\t0+$' <<<"$status")"
    expect "$service: no new privileges, seccomp" "1 2" "$(sed -n 's/^\(NoNewPrivs\|Seccomp\):\t//p' <<<"$status" | xargs)"
    expect "$service: root file system" ro "$(awk '$5 == "/" {split($6, o, ","); print o[1]}' "/proc/$pid/mountinfo")"
  done
  if compose exec -T worker mp fetch events --path /etc/x.db --from 2025-01-01 --to 2025-01-01 >"$work/out" 2>&1; then
    fail "the worker's container can write to /etc"
  fi
  grep -q 'read-only file system' "$work/out" || fail "writing to /etc says: $(cat "$work/out")"
  expect "who asks without the token" 401 "$(curl -sS -o /dev/null -w '%{http_code}' "$(page)/metrics")"
  expect "who asks with the token" 200 "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $(cat deploy/demo/http_token)" "$(page)/metrics")"
}

# The page is published on the loopback address. A link of `enqueue ui` logs in once; the token logs in, too.
try_page() {
  say "opening the page"
  local link jar=$work/cookies
  rm -f "$jar"
  expect "the page without a login" 303 "$(curl -sS -o /dev/null -w '%{http_code}' -H 'Accept: text/html' "$(page)/")"
  link=$(enqueue ui --url "$(page)" | tr -d '\r')
  [[ $link == "$(page)/login#"* ]] || fail "enqueue ui prints $link"
  expect "login with the link's code" 303 "$(curl -sS -o /dev/null -w '%{http_code}' -c "$jar" -d "secret=${link#*#}" "$(page)/login")"
  expect "the same code again" 401 "$(curl -sS -o /dev/null -w '%{http_code}' -d "secret=${link#*#}" "$(page)/login")"
  expect "login with the token" 303 "$(curl -sS -o /dev/null -w '%{http_code}' --data-urlencode "secret=$(cat deploy/demo/http_token)" "$(page)/login")"
  curl -sS -f -b "$jar" -H 'Accept: text/html' "$(page)/tables" | grep -q events || fail "the page shows no table"
  curl -sS -f -o /dev/null "$(page)/static/editor.js" || fail "the image has no editor for the page"
  expect "addresses where the page is published" 127.0.0.1 "$(port worker 6493 | sed 's/:[0-9]*$//')"
}

# The test of query permissions runs with exactly the permissions of the worker.
try_cage() {
  say "locking a process in, as queries are"
  CGO_ENABLED=0 go test -c -o "$work/cage.test" ./internal/cage
  "$DOCKER" run --rm --user 65532:65532 --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp:mode=1777 \
    -v "$work/cage.test:/cage.test:ro" --entrypoint /cage.test mixduck-try:local -test.run TestWhatACagedProcessMayDo >"$work/out" 2>&1 ||
    fail "$(cat "$work/out")"
}

try_fetch_and_query() {
  say "docker compose run --rm enqueue fetch events --wait"
  enqueue fetch events --from 2025-01-01 --to 2025-01-05 --wait
  compare 2025-01-01 2025-01-05
}

try_backup() {
  say "backing the database up, and compacting it"
  local rows="SELECT count(*) FROM events WHERE day < DATE '2025-01-06'"
  compose exec -T worker worker backup 12345.db backups/12345.db
  compose exec -T worker worker compact 12345.db
  expect "rows of the backup" $((5 * per_day)) "$(query "$rows" --database backups/12345.db)"
  expect "rows of what was compacted" $((5 * per_day)) "$(query "$rows")"
}

try_crashes() {
  say "killing the worker and redis in the middle of a fetch"
  local fault job
  fault=$(stall 2025-02-20 2025-02-28)
  job=$(enqueue fetch events --from 2025-02-01 --to 2025-02-28)
  until_under_way "$job"
  crash worker
  wait_healthy worker
  until_under_way "$job"
  crash redis
  wait_healthy redis worker
  until_under_way "$job"
  crash worker redis
  unstall "$fault"
  wait_healthy redis worker
  enqueue jobs wait "$job"
  jobs+=("$job")
  compare 2025-02-01 2025-02-28
}

try_stop() {
  say "stopping the stack in the middle of a fetch"
  local fault job begun
  fault=$(stall 2025-03-20 2025-03-28)
  job=$(enqueue fetch events --from 2025-03-01 --to 2025-03-28)
  until_under_way "$job"
  begun=$(now)
  compose stop worker redis
  say "stopping took $(($(now) - begun)) ms"
  # It would be 137 if killed after the grace period.
  expect "exit code of the worker" 0 "$("$DOCKER" inspect --format '{{.State.ExitCode}}' "$(container worker)")"
  unstall "$fault"
  compose --profile demo up -d
  wait_healthy redis worker
  enqueue jobs wait "$job"
  jobs+=("$job")
  compare 2025-03-01 2025-03-28
}

try_down_and_up() {
  say "docker compose down, and up again"
  local job
  enqueue schedules add nightly --project demo --cron "15 6 * * *" >/dev/null
  compose --profile demo down
  compose --profile demo up -d
  wait_healthy redis worker
  ((${#jobs[@]} > 1)) || fail "no job was noted"
  for job in "${jobs[@]}"; do
    enqueue jobs show "$job" --format json | grep -q '"state": *"done"' || fail "job $job is not what it was"
  done
  enqueue schedules list --format json | grep -q '"nightly"' || fail "the schedule is gone: $(enqueue schedules list)"
  compare 2025-01-01 2025-01-05
  compare 2025-02-01 2025-02-28
  compare 2025-03-01 2025-03-28
}

# The demo's own schedule has a tick per minute.
try_schedule() {
  say "waiting for a tick of the demo's schedule"
  local today end=$((SECONDS + 150))
  today="SELECT count(*) FROM mixduck.coverage WHERE table_name = 'events' AND day = DATE '$(date -u +%F)'"
  until [[ $(query "$today") == 1 ]]; do
    ((SECONDS < end)) || fail "today was not fetched: $(enqueue schedules show fresh)"
    sleep 2
  done
}

try_start() {
  local begun
  "$DOCKER" stop "$(container worker)" >/dev/null
  begun=$(now)
  "$DOCKER" start "$(container worker)" >/dev/null
  until curl -s -f -o /dev/null "$(page)/healthz"; do sleep 0.02; done
  say "the worker answers $(($(now) - begun)) ms after its start"
}

# Without Grafana: its image cannot be made from Debian's packages.
try_monitoring() {
  say "docker compose --profile monitoring up prometheus"
  compose --profile monitoring up -d prometheus
  wait_healthy prometheus
  local at end=$((SECONDS + 120))
  at=http://$(port prometheus 9090)/api/v1
  until curl -sS "$at/targets" | grep -q '"health":"up"'; do
    ((SECONDS < end)) || fail "Prometheus sees no worker: $(curl -sS "$at/targets")"
    sleep 1
  done
  curl -sS "$at/rules" | grep -q '"type":"alerting"' || fail "Prometheus has no alerts: $(curl -sS "$at/rules")"
}

try_several_workers() {
  say "several workers"
  overrides=(-f deploy/compose.workers.yml -f deploy/compose.volumes.yml -f deploy/try.yml)
  MIXDUCK_HTTP_PORT_EU=0 compose --profile demo up -d
  wait_healthy redis worker worker-eu
  expect "workers on one volume" 2 "$(compose ps -q worker | wc -l)"
  enqueue fetch events --from 2025-04-01 --to 2025-04-02 --database eu/12345.db --wait
  expect "rows in the second volume" $((2 * per_day)) "$(query 'SELECT count(*) FROM events' --database eu/12345.db)"
}

trap clean_up EXIT
trap 'say "line $LINENO ends with $?: $BASH_COMMAND"' ERR
trap 'exit 130' INT TERM
unset "${!MP_@}" "${!MIXDUCK_@}" "${!COMPOSE_@}" # these would be settings of the stack
COMPOSE=()
prepare
try_image
try_demo
try_hardening
try_page
try_cage
try_fetch_and_query
try_backup
try_crashes
try_stop
try_down_and_up
try_schedule
try_start
try_monitoring
try_several_workers
say "the deployment does what it promises"
