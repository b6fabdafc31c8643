#!/usr/bin/env bash
# Installs the .deb and the tarball of dist/ in a fresh Debian without Go and gcc, and runs a whole sync there.
#
#   make packages                     takes minutes; needs root on Debian, otherwise skips with a message
#   TRY_REQUIRED=1 make packages      fails instead of skipping
#   TRY_DIR=~/.cache/mixduck …        keeps Debian there for the next run
set -Eeuo pipefail
cd "$(dirname "$0")/.."

work=${TRY_DIR:-$(mktemp -d -t mixduck-packages.XXXXXX)}
mkdir -p "$work"
work=$(realpath "$work")
base=$work/debian root=$work/root
arch=$(dpkg --print-architecture 2>/dev/null || true)

say() { printf '== %s\n' "$*" >&2; }
fail() { printf 'FAIL: %s\n' "$*" >&2; exit 1; }
skip() {
  printf '\n*** SKIPPED: deploy/try-packages.sh has tried nothing: %s ***\n\n' "$*" >&2
  [[ -z ${TRY_REQUIRED:-} ]] || exit 1
  exit 0
}
trap 'say "line $LINENO ends with $?: $BASH_COMMAND"' ERR
clean_up() {
  umount "$root/proc" 2>/dev/null || true
  rm -rf "$root"
  [[ -n ${TRY_DIR:-} ]] || rm -rf "$work"
}
trap clean_up EXIT

# only PATTERN prints the single matching file.
only() {
  local files
  mapfile -t files < <(compgen -G "$1")
  ((${#files[@]} == 1)) && echo "${files[0]}"
}

# inside COMMAND... runs as root in the fresh Debian, as_user as an unprivileged user.
inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }
as_user() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/home/ann LANG=C.UTF-8 chroot --userspec=1000:1000 "$root" "$@"; }

fresh() {
  umount "$root/proc" 2>/dev/null || true
  rm -rf "$root"
  cp -a "$base" "$root"
  mount -t proc proc "$root/proc" || skip "there is no right to mount"
  inside useradd --create-home --uid 1000 ann
  ! inside sh -c 'command -v go gcc cc' || fail "the fresh Debian has a compiler"
}

# sync MIXDUCK: the stand-in, a worker, a fetch and a query, all from this installation.
sync() {
  local out=$work/out
  as_user "$1" version | grep -q "^mixduck " || fail "mixduck version"
  as_user "$1" worker demo >"$out" 2>&1 || fail "worker demo: $(tail -n 20 "$out")"
  grep -q . "$out" || fail "worker demo prints nothing"
  as_user "$1" enqueue fetch events --help >"$out"
  grep -q '^  mixduck enqueue fetch events' "$out" || fail "help does not name the command: $(head -n 20 "$out")"
  as_user "$1" __complete enqueue jobs l >"$out" 2>/dev/null
  grep -q '^list' "$out" || fail "completion: $(cat "$out")"
}

[[ $(id -u) == 0 ]] || skip "it needs root"
command -v debootstrap >/dev/null || apt-get install -y -qq debootstrap >/dev/null 2>&1 || skip "there is no debootstrap"
deb=$(only "dist/mixduck_*_$arch.deb") && tarball=$(only "dist/mixduck_*_linux_$arch.tar.gz") || skip "make dist has not built packages for $arch"
if [[ ! -e $base/ready ]]; then
  say "making a fresh Debian"
  debootstrap --variant=minbase bookworm "$base" >"$work/debootstrap.log" || skip "debootstrap: $(tail -n 3 "$work/debootstrap.log")"
  touch "$base/ready"
fi

say "installing $deb"
fresh
cp "$deb" "$root/tmp/mixduck.deb"
inside apt-get install -y -qq --no-install-recommends /tmp/mixduck.deb >"$work/out" 2>&1 || fail "$(tail -n 20 "$work/out")"
[[ $(inside dpkg -L mixduck | grep -c '^/usr/bin/.') == 1 ]] || fail "the package has more than one program in /usr/bin"
for file in /usr/share/man/man1/mixduck.1.gz /usr/share/man/man1/mixduck-enqueue-fetch-events.1.gz /usr/share/doc/mixduck/copyright \
  /usr/share/bash-completion/completions/mixduck /usr/lib/systemd/system/mixduck-worker.service /etc/mixduck/worker.env; do
  [[ -f $root$file ]] || fail "the package lacks $file"
done
inside getent passwd mixduck >/dev/null || fail "there is no user for the worker"
unit=$root/usr/lib/systemd/system/mixduck-worker.service
[[ $(sed -n 's/^ExecStart=//p' "$unit") == "/usr/bin/mixduck worker run" ]] || fail "the unit starts something else: $(grep ExecStart "$unit")"
sync /usr/bin/mixduck
say "installing it again, removing it"
echo 'MP_REGION=eu' >>"$root/etc/mixduck/worker.env"
mkdir -p "$root/var/lib/mixduck" && touch "$root/var/lib/mixduck/kept.db"
inside apt-get install -y -qq --reinstall /tmp/mixduck.deb >"$work/out" 2>&1 || fail "$(tail -n 20 "$work/out")"
grep -q 'MP_REGION=eu' "$root/etc/mixduck/worker.env" || fail "installing again has lost a setting"
inside apt-get remove -y -qq mixduck >"$work/out" 2>&1 || fail "$(tail -n 20 "$work/out")"
[[ ! -e $root/usr/bin/mixduck && ! -e $root/usr/lib/mixduck ]] || fail "programs are left after removal"
[[ -e $root/var/lib/mixduck/kept.db ]] || fail "removal has deleted a database"

say "unpacking $tarball"
fresh
mkdir -p "$root/opt"
tar -C "$root/opt" -xzf "$tarball"
sync "/opt/$(basename "$tarball" .tar.gz)/bin/mixduck"
say "both work"
