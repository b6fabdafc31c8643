# Sourced by try.sh: the base images. If they cannot be pulled, they are made from Debian's packages and the Go tree of this
# machine, with the same relevant contents. Needs $work, $DOCKER and say.
# shellcheck shell=bash disable=SC2034,SC2154

RUNTIME_PACKAGES=(libc6 libgcc-s1 libstdc++6 gcc-12-base) # those of distroless/cc

# base_images sets the names of images in the engine.
base_images() {
  GO_IMAGE=$(pinned deploy/Dockerfile 's/^ARG GO_IMAGE=//p')
  RUNTIME_IMAGE=$(pinned deploy/Dockerfile 's/^ARG RUNTIME_IMAGE=//p')
  # shellcheck disable=SC2016 # a variable of compose
  REDIS_IMAGE=$(pinned docker-compose.yml 's/.*image: \${REDIS_IMAGE:-\(.*\)}.*/\1/p')
  # shellcheck disable=SC2016
  PROMETHEUS_IMAGE=$(pinned docker-compose.yml 's/.*image: \${PROMETHEUS_IMAGE:-\(.*\)}.*/\1/p')
  local image
  for image in "$GO_IMAGE" "$RUNTIME_IMAGE" "$REDIS_IMAGE" "$PROMETHEUS_IMAGE"; do
    if ! "$DOCKER" image inspect "$image" >/dev/null 2>&1 && ! timeout 300 "$DOCKER" pull --quiet "$image" >/dev/null 2>&1; then
      say "cannot pull $image: making what stands in for it"
      make_images
      return
    fi
  done
}

# pinned FILE EXPRESSION prints the image that a file names.
pinned() { sed -n "$2" "$1" | head -n 1; }

# make_images makes all of them from one Debian.
make_images() {
  GO_IMAGE=mixduck-try/golang RUNTIME_IMAGE=mixduck-try/cc REDIS_IMAGE=mixduck-try/redis PROMETHEUS_IMAGE=mixduck-try/prometheus
  "$DOCKER" image inspect "$GO_IMAGE" "$RUNTIME_IMAGE" "$REDIS_IMAGE" "$PROMETHEUS_IMAGE" >/dev/null 2>&1 && return 0
  local root=$work/debian
  command -v debootstrap >/dev/null || install_packages debootstrap
  if [[ ! -e $root/ready ]]; then
    debootstrap --variant=minbase --include=ca-certificates,gcc,g++,git,libstdc++6,redis-server,prometheus bookworm "$root" >"$work/debootstrap.log" ||
      { tail -n 5 "$work/debootstrap.log" >&2; return 1; }
    touch "$root/ready"
  fi
  # The certificates trusted by this machine, which may use a proxy.
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  install -d -o 999 -g 999 "$root/data"
  install -d -o 65534 -g 65534 "$root/prometheus"
  tar -C "$root" -c . | import "$REDIS_IMAGE" --change 'WORKDIR /data' &&
    "$DOCKER" tag "$REDIS_IMAGE" "$PROMETHEUS_IMAGE" &&
    runtime_tree "$root" | import "$RUNTIME_IMAGE" --change 'USER 65532:65532' &&
    cp -r "$(go env GOROOT)" "$root/usr/local/" && tar -C "$root" -c . |
    import "$GO_IMAGE" --change 'ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
}

# import IMAGE OPTION... makes an image from the archive on standard input.
import() { "$DOCKER" import "${@:2}" - "$1" >/dev/null; }

# runtime_tree ROOT prints an archive with the contents of distroless/cc: the C and C++ libraries, certificates and a few names.
runtime_tree() {
  local tree=$work/runtime
  mkdir -p "$tree/etc" "$tree/tmp" "$tree/home/nonroot" && chmod 1777 "$tree/tmp"
  ln -sfn usr/lib "$tree/lib" && ln -sfn usr/lib64 "$tree/lib64"
  mkdir -p "$tree/usr/lib" "$tree/usr/lib64"
  dpkg-query --admindir="$1/var/lib/dpkg" -L "${RUNTIME_PACKAGES[@]}" | grep -E '^/(lib|lib64|usr/lib|usr/lib64)/' | sort -u |
    (cd "$1" && while read -r name; do [[ -d .$name && ! -L .$name ]] || printf '%s\n' ".$name"; done) |
    tar -C "$1" -c --files-from=- | tar -C "$tree" -x --keep-directory-symlink
  mkdir -p "$tree/etc/ssl/certs" && cp "$1/etc/ssl/certs/ca-certificates.crt" "$tree/etc/ssl/certs/"
  printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$tree/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' >"$tree/etc/group"
  tar -C "$tree" -c .
}
