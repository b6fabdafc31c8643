#!/usr/bin/env bash
# Runs the stand-in for Mixpanel and a worker that uses it, and rebuilds and restarts both when code changes: `make dev`.
# Data in bin/dev/ is kept. Ctrl-C ends everything.
set -euo pipefail
cd "$(dirname "$0")/.."

data=$PWD/bin/dev
standin=127.0.0.1:${DEV_STANDIN_PORT:-9999}
export MP_USERNAME=sa MP_SECRET=s3cret MP_PROJECT_ID=12345 MP_REGION=us
export MIXDUCK_MIXPANEL_BASE_URL=http://$standin MIXDUCK_DATA_DIR=$data
mkdir -p "$data"
built=$data/built
running=()

stop() {
  ((${#running[@]} == 0)) || kill "${running[@]}" 2>/dev/null || true
  wait
  running=()
}
trap stop EXIT
trap 'exit 130' INT TERM

start() {
  bin/fakemixpanel --listen "$standin" &
  running=($!)
  bin/worker run &
  running+=($!)
}

changed() {
  [[ -n $(find . \( -path ./bin -o -path ./dist -o -path ./.git \) -prune -o -newer "$built" -type f \( -name '*.go' -o -name '*.sql' -o -name '*.lua' -o -name go.mod \) -print -quit) ]]
}

printf '== In another terminal: export %s; bin/enqueue fetch events --from 7d --wait\n' "MIXDUCK_DATA_DIR=$data MP_PROJECT_ID=12345" >&2
while true; do
  if [[ ! -e $built ]] || changed; then
    touch "$built.next" # files changed during the build are newer
    if make --no-print-directory build; then
      stop
      start
    else
      echo '== the build failed; the last good one keeps running' >&2
    fi
    mv "$built.next" "$built"
  fi
  sleep 1
done
