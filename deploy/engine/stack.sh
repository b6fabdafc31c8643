# Sourced by try.sh: actions on the stack, and queries of its state. Needs $work, $project, $DOCKER, $COMPOSE, say and fail.
# shellcheck shell=bash disable=SC2034,SC2154

# build TARGET TAG builds an image. It uses the machine's network, because its certificates are for that.
build() {
  DOCKER_BUILDKIT=1 "$DOCKER" build --quiet --network host -f deploy/Dockerfile --target "$1" -t "$2" --build-arg VERSION=try \
    --build-arg "GO_IMAGE=$GO_IMAGE" --build-arg "RUNTIME_IMAGE=$RUNTIME_IMAGE" . >/dev/null
}

# compose runs compose without an existing .env.
compose() {
  printf '%s\n' MIXDUCK_IMAGE=mixduck-try:local MIXDUCK_DEMO_IMAGE=mixduck-try-fakemixpanel:local "REDIS_IMAGE=$REDIS_IMAGE" \
    "PROMETHEUS_IMAGE=$PROMETHEUS_IMAGE" >"$work/env"
  "${COMPOSE[@]}" --progress quiet --env-file "$work/env" -p "$project" -f docker-compose.yml -f deploy/try.yml "${overrides[@]}" "$@"
}

enqueue() { compose run --rm -T enqueue "$@" </dev/null; }

# query SQL FLAG... prints the single value of a query.
query() { enqueue query "$@" --format csv | tail -n 1 | tr -d '\r'; }

# container SERVICE prints the ID of its first container.
container() { compose ps --all -q "$1" | head -n 1; }

# port SERVICE PORT prints where a port is published.
port() { compose port "$1" "$2"; }

page() { printf 'http://%s' "$(port worker 6493)"; }

now() { date +%s%3N; }

# expect WHAT WANT GOT
expect() { [[ $2 == "$3" ]] || fail "$1: $3, not $2"; }

# wait_healthy SERVICE... waits until all containers of the services are healthy.
wait_healthy() {
  local service id end=$((SECONDS + 120))
  for service in "$@"; do
    for id in $(compose ps --all -q "$service"); do
      until [[ $("$DOCKER" inspect --format '{{.State.Status}} {{.State.Health.Status}}' "$id") == "running healthy" ]]; do
        ((SECONDS < end)) || fail "$service is not healthy: $("$DOCKER" inspect --format '{{json .State}}' "$id")"
        sleep 0.2
      done
    done
  done
}

# stall FROM TO makes the stand-in hold the responses for these days half-way, and prints the fault's number.
stall() {
  curl -sS -f -d "{\"kind\":\"stall\",\"days\":{\"from\":\"$1\",\"to\":\"$2\"}}" "http://$(port fakemixpanel 9999)/_faults" |
    sed -n 's/.*"id":\([0-9]*\).*/\1/p'
}

# unstall NUMBER releases them.
unstall() { curl -sS -f -X DELETE "http://$(port fakemixpanel 9999)/_faults/$1"; }

# until_under_way JOB waits until the job is running and has committed a window.
until_under_way() {
  local end=$((SECONDS + 120)) shown
  until shown=$(enqueue jobs show "$1" --format json) && grep -q '"state": *"running"' <<<"$shown" &&
    grep -q '"windows_done": *[1-9]' <<<"$shown"; do
    ((SECONDS < end)) || fail "the job is not under way: $shown"
  done
}

# crash SERVICE... kills the processes from outside, which looks like a crash to the engine, and starts them again.
crash() {
  local service id pid started=()
  for service in "$@"; do
    id=$(container "$service")
    started+=("$id=$("$DOCKER" inspect --format '{{.State.StartedAt}}' "$id")")
    pid=$("$DOCKER" inspect --format '{{.State.Pid}}' "$id")
    grep -q "$id" "/proc/$pid/cgroup" || fail "$service runs on another machine"
    kill -KILL "$pid"
  done
  local entry end=$((SECONDS + 60))
  for entry in "${started[@]}"; do
    until [[ $("$DOCKER" inspect --format '{{.State.Running}} {{.State.StartedAt}}' "${entry%%=*}") =~ ^true && \
      $("$DOCKER" inspect --format '{{.State.StartedAt}}' "${entry%%=*}") != "${entry#*=}" ]]; do
      ((SECONDS < end)) || fail "the engine did not start ${entry%%=*} again"
      sleep 0.2
    done
  done
}

# compare FROM TO compares the rows of each day with the events that the stand-in sends for it.
compare() {
  local url
  url="http://$(port fakemixpanel 9999)/api/2.0/export?project_id=12345&from_date=$1&to_date=$2"
  curl -sS -f --compressed -u demo:demo "$url" | sed -n 's/.*"properties":{"time":\([0-9]*\).*/\1/p' |
    awk '{days[int($1 / 86400)]++} END {for (d in days) print d "," days[d] "," days[d]}' | sort >"$work/truth"
  enqueue query --format csv "SELECT date_diff('day', DATE '1970-01-01', day), count(*), count(DISTINCT insert_id)
    FROM events WHERE day BETWEEN '$1' AND '$2' GROUP BY ALL" | tail -n +2 | tr -d '\r' | sort >"$work/stored"
  [[ -s $work/truth ]] || fail "the stand-in has no events from $1 to $2"
  diff "$work/truth" "$work/stored" >&2 || fail "what is stored from $1 to $2 is not what the stand-in has"
  say "$(awk -F , '{n += $2} END {print n}' "$work/stored") rows from $1 to $2, as the stand-in has them"
}
