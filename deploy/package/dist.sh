#!/usr/bin/env bash
# Builds the installable files into dist/: a tarball for each system, and for Linux .deb and .rpm. Each comes with manual
# pages, completions, documentation, the licences of all components and, in a separate file, a list of components (SBOM).
#
#   make dist                               all systems that this machine can build for
#   make dist TARGETS="linux/amd64"         only these
#
# The same source produces the same files. Needs Go, gcc, git and GNU tar. Builds that are not possible are listed at the
# end; with DIST_REQUIRED=1 they are errors.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."

targets=${TARGETS:-linux/amd64 linux/arm64 darwin/arm64 darwin/amd64}
version=${VERSION:?set by make dist}
nfpm=${NFPM:?set by make dist}
sbom=${CYCLONEDX:?set by make dist}
out=$PWD/dist
missing=()

say() { printf '== %s\n' "$*" >&2; }
trap 'say "line $LINENO ends with $?: $BASH_COMMAND"' ERR

# Package versions start with a digit.
number=${version#v}
[[ $number =~ ^[0-9]+\.[0-9]+ ]] || number=0.0.0+${number//[^A-Za-z0-9.]/.}

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH GOFLAGS=-mod=readonly

# compilers OS ARCH prints the C and C++ compilers for a system, and fails if they are missing.
compilers() {
  local host
  host=$(go env GOHOSTOS)/$(go env GOHOSTARCH)
  case $1/$2 in
    "$host") echo "${CC:-gcc} ${CXX:-g++}" ;;
    linux/arm64) command -v aarch64-linux-gnu-gcc aarch64-linux-gnu-g++ >/dev/null && echo aarch64-linux-gnu-gcc aarch64-linux-gnu-g++ ;;
    linux/amd64) command -v x86_64-linux-gnu-gcc x86_64-linux-gnu-g++ >/dev/null && echo x86_64-linux-gnu-gcc x86_64-linux-gnu-g++ ;;
    darwin/*) [[ $host == darwin/* ]] && echo "clang clang++" ;; # Apple's compilers support both processors
    *) return 1 ;;
  esac
}

build() { # CGO_ENABLED DIR PACKAGE...
  local flags="-s -w -buildid= -X $(go list -m)/internal/buildinfo.version=$version"
  [[ $1 == 0 || $GOOS != linux ]] || flags+=" -extldflags '-Wl,--build-id=none,--no-export-dynamic'" # as in deploy/Dockerfile
  CGO_ENABLED=$1 go build -trimpath -buildvcs=false -ldflags "$flags" -o "$2/" "${@:3}"
}

# documents DIR: files that are the same for all systems. The manual pages come from this machine's programs.
documents() {
  local dir=$1 programs=$out/build/host
  say "manual pages and completions"
  mkdir -p "$programs" "$dir/man/man1" "$dir/completions"
  (unset GOOS GOARCH; GOOS=$(go env GOHOSTOS); export GOOS; build 1 "$programs" ./cmd/worker ./cmd/lake ./cmd/mp; build 0 "$programs" ./cmd/enqueue)
  local program
  for program in worker lake enqueue mp; do "$programs/$program" manual "$dir/man/man1"; done
  cp deploy/package/mixduck.1 "$dir/man/man1/"
  gzip -9 -n -f "$dir"/man/man1/*.1
  go run ./tools/completion "$dir/completions"
}

# tree DIR: the files below /usr.
tree() {
  local dir=$1 share=$1/share packages=(./cmd/mixduck ./cmd/enqueue)
  mkdir -p "$dir/bin" "$dir/lib/mixduck" "$share/doc/mixduck"
  build 0 "$dir/bin" ./cmd/mixduck
  build 0 "$dir/lib/mixduck" ./cmd/enqueue
  if [[ -n ${CC:-} ]]; then
    build 1 "$dir/lib/mixduck" ./cmd/worker ./cmd/lake ./cmd/mp
    packages+=(./cmd/worker ./cmd/lake ./cmd/mp)
  fi
  cp -r "$out/build/documents/man" "$share/"
  install -D -m 644 "$out/build/documents/completions/mixduck.bash" "$share/bash-completion/completions/mixduck"
  install -D -m 644 "$out/build/documents/completions/_mixduck" "$share/zsh/site-functions/_mixduck"
  install -D -m 644 "$out/build/documents/completions/mixduck.fish" "$share/fish/vendor_completions.d/mixduck.fish"
  cp -r LICENSE README.md CHANGELOG.md docs deploy/mixduck.example.yaml deploy/dbt "$share/doc/mixduck/"
  CGO_ENABLED=$([[ -n ${CC:-} ]] && echo 1 || echo 0) "$out/build/licences" "$share/doc/mixduck/licences" "${packages[@]}"
  [[ ! -e web/page/static/built/licences.txt ]] || cp web/page/static/built/licences.txt "$share/doc/mixduck/licences/page.txt"
  chmod -R u=rwX,go=rX "$dir"
}

# components NAME TREE: the SBOM, read from the programs, one document per program.
components() {
  local program
  for program in "$2"/bin/* "$2"/lib/mixduck/*; do
    "$sbom" bin -json -noserial -version "$number" -output "$out/$1.$(basename "$program").cdx.json" "$program" 2>/dev/null
  done
}

tarball() { # NAME TREE
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --transform "s,^\.,$1," -C "$2" -c . | gzip -9 -n >"$out/$1.tar.gz"
}

# linux_packages ARCH TREE: the files below / on Linux, and packages with them.
linux_packages() {
  local root=$out/build/root
  rm -rf "$root"
  mkdir -p "$root"
  cp -r "$2" "$root/usr"
  mv "$root/usr/share/doc/mixduck/LICENSE" "$root/usr/share/doc/mixduck/copyright"
  install -D -m 644 deploy/systemd/mixduck-worker.service "$root/usr/lib/systemd/system/mixduck-worker.service"
  sed -i -e 's,/usr/local/bin/worker,/usr/bin/mixduck worker,' -e 's,/usr/local/share/doc,/usr/share/doc,' "$root/usr/lib/systemd/system/mixduck-worker.service"
  install -D -m 644 deploy/package/sysusers.conf "$root/usr/lib/sysusers.d/mixduck.conf"
  local kind
  for kind in deb rpm; do
    ARCH=$1 PACKAGE_VERSION=$number "$nfpm" package --config deploy/package/nfpm.yaml --packager $kind --target "$out/" >/dev/null
  done
}

# one OS ARCH
one() {
  export GOOS=$1 GOARCH=$2 CC='' CXX=''
  local name=mixduck found
  if found=$(compilers "$1" "$2"); then
    read -r CC CXX <<<"$found"
  else
    name=mixduck-cli # without the programs that include DuckDB
    missing+=("worker and mp for $1/$2: there is no C++ compiler for it here")
  fi
  name+=_${number}_$1_$2
  local dir=$out/build/$1_$2
  say "$name"
  tree "$dir"
  tarball "$name" "$dir"
  components "$name" "$dir"
  [[ $1 != linux || -z $CC ]] || linux_packages "$2" "$dir"
}

rm -rf "$out"
mkdir -p "$out/build"
go run ./tools/assets || missing+=("the page's editor and plots: the packages from npm are missing")
go build -o "$out/build/licences" ./tools/licences # runs on this system, for others
documents "$out/build/documents"
for target in $targets; do (one "${target%/*}" "${target#*/}"; printf '%s\n' "${missing[@]}" >>"$out/build/missing"); done
rm -rf "$out/build/host"
(cd "$out" && sha256sum -- *.* >SHA256SUMS)
mapfile -t missing < <(grep . "$out/build/missing" | sort -u || true)
if ((${#missing[@]})); then
  printf '\n*** NOT BUILT: %s ***\n' "${missing[@]}" >&2
  [[ -z ${DIST_REQUIRED:-} ]] || exit 1
fi
