# Sourced by try.sh: finds or installs a Docker engine, its client and compose. Needs $work, $tools and say.
# shellcheck shell=bash disable=SC2034,SC2154

compose_version=v2.40.3 # built from source if compose is not installed
engine_pid=""           # of a dockerd started here
COMPOSE=()

# install_packages NAME... installs Debian packages as root.
install_packages() {
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 1
  say "installing $*"
  apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# find_client sets $DOCKER to a client that can build with BuildKit: one with buildx, or one older than 23, which
# includes BuildKit.
find_client() {
  local candidate major
  for candidate in docker /usr/bin/docker; do
    command -v "$candidate" >/dev/null || continue
    major=$("$candidate" --version 2>/dev/null | sed -n 's/^Docker version \([0-9]*\).*/\1/p')
    if [[ -n $major ]] && { ((major < 23)) || "$candidate" buildx version >/dev/null 2>&1; }; then
      DOCKER=$(command -v "$candidate")
      return 0
    fi
  done
  return 1
}

# start_engine starts a separate dockerd, with all its files in $work/engine. It works without an init system: it tries
# storage drivers and iptables from the best to those that work anywhere.
start_engine() {
  local home=$work/engine options i
  mkdir -p "$home"
  if [[ -z $(ls -A /sys/fs/cgroup 2>/dev/null) ]]; then
    mount -t cgroup2 none /sys/fs/cgroup || return 1
  fi
  export DOCKER_HOST=unix://$home/docker.sock
  note_network "$home"
  for options in "" "--storage-driver=vfs" "--storage-driver=vfs --iptables=false --ip6tables=false"; do
    say "starting dockerd $options"
    # shellcheck disable=SC2086 # several options
    dockerd --host "$DOCKER_HOST" --data-root "$home/data" --exec-root "$home/exec" --pidfile "$home/dockerd.pid" $options \
      >"$home/dockerd.log" 2>&1 &
    engine_pid=$!
    for ((i = 0; i < 120; i++)); do
      "$DOCKER" info >/dev/null 2>&1 && return 0
      kill -0 "$engine_pid" 2>/dev/null || break
      sleep 0.5
    done
    end_engine
  done
  tail -n 5 "$home/dockerd.log" >&2
  return 1
}

# end_engine ends the dockerd process.
end_engine() {
  kill "$engine_pid" 2>/dev/null || true
  wait "$engine_pid" 2>/dev/null || true
  engine_pid=""
}

# stop_engine ends the engine if it was started here, and undoes its changes to the machine's network.
stop_engine() {
  [[ -n $engine_pid ]] || return 0
  end_engine
  grep -o " $work/engine/[^ ]*" /proc/mounts | sort -r | xargs -r umount || true
  ip link delete docker0 2>/dev/null || true
  iptables-restore <"$work/engine/iptables" 2>/dev/null || true
  cat "$work/engine/ip_forward" >/proc/sys/net/ipv4/ip_forward
}

# note_network DIRECTORY records the network settings that a dockerd changes: packet forwarding and its rules.
note_network() {
  cat /proc/sys/net/ipv4/ip_forward >"$1/ip_forward"
  [[ $(iptables-save 2>/dev/null | tee "$1/iptables" | wc -c) != 0 ]] ||
    printf '%s\n' '*filter' ':INPUT ACCEPT' ':FORWARD ACCEPT' ':OUTPUT ACCEPT' COMMIT '*nat' COMMIT >"$1/iptables"
}

# find_engine sets up $DOCKER to use an engine.
find_engine() {
  find_client || install_packages docker.io iptables || true
  find_client || install_packages docker-buildx || true # newer releases of Debian have it in a separate package
  find_client || return 1
  "$DOCKER" info >/dev/null 2>&1 && return 0
  [[ $(id -u) == 0 ]] || return 1
  command -v dockerd >/dev/null || install_packages docker.io iptables || return 1
  command -v iptables >/dev/null || install_packages iptables || true
  start_engine
}

# find_compose sets $COMPOSE to compose 2.24 or later: a plugin, a program, or one built here.
find_compose() {
  local built=$tools/docker-compose-$compose_version
  if new_enough "$DOCKER" compose; then
    COMPOSE=("$DOCKER" compose)
  elif command -v docker-compose >/dev/null && new_enough docker-compose; then
    COMPOSE=(docker-compose)
  else
    [[ -x $built ]] || build_compose "$built" || return 1
    COMPOSE=("$built")
  fi
}

# new_enough COMMAND... reports whether it is a compose that supports !override and !reset.
new_enough() {
  local version
  version=$("$@" version --short 2>/dev/null) || return 1
  [[ $(printf '%s\n' 2.24.4 "${version#v}" | sort -V | head -n 1) == 2.24.4 ]]
}

# build_compose FILE builds compose from its Go module. Its replace directives forbid `go install`.
build_compose() {
  local source=$work/compose
  say "building compose $compose_version"
  cp -r "$(go mod download -json "github.com/docker/compose/v2@$compose_version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')" "$source" &&
    chmod -R u+w "$source" && mkdir -p "$tools" &&
    (cd "$source" && go build -ldflags "-X github.com/docker/compose/v2/internal.Version=$compose_version" -o "$1" ./cmd) &&
    rm -rf "$source"
}
