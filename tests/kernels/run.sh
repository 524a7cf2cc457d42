#!/usr/bin/env bash
# `make kernels`: kpulse doctor and the kernel tests on the oldest supported kernel (Debian 12's 6.1), in qemu without
# KVM. Exit 3: skipped, with the reason.
set -Eeuo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
cache=${KPULSE_TEST_CACHE:-$repo/.cache}/kernels
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
kpulse=${KPULSE_BIN:+$(realpath "$KPULSE_BIN")}
cd "$repo"

work=$(mktemp -d "$cache/work.XXXXXX")
guest=
cleanup() {
  # `timeout` hands the signal on to qemu.
  if [ -n "$guest" ]; then kill "$guest" 2>/dev/null || true; wait "$guest" || true; fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'echo "kernels: failed at line $LINENO" >&2' ERR
trap 'exit 130' INT TERM

skip() { echo "kernels: skipped: $*" >&2; exit 3; }
# --foreground: an interrupt reaches the command too.
within() { timeout --foreground "$@"; }
apt() { DEBIAN_FRONTEND=noninteractive within 600 apt-get -qq -o APT::Sandbox::User=root "$@" >&2; }

install_tools() {
  local tool missing=()
  for tool in qemu-system-x86_64:qemu-system-x86 cpio:cpio busybox:busybox-static perl:perl-base; do
    command -v "${tool%%:*}" >/dev/null || missing+=("${tool#*:}")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || skip "no apt-get to install ${missing[*]}"
  [ "$(id -u)" -eq 0 ] || skip "not root, cannot install ${missing[*]}"
  echo "installing ${missing[*]}" >&2
  apt update && apt install --no-install-recommends "${missing[@]}" || skip "apt-get cannot install ${missing[*]}"
}

newest_package() {
  within 60 apt-cache search --names-only '^linux-image-6\.1\.0-[0-9]+-cloud-amd64$' | cut -d' ' -f1 | sort -V | tail -n1
}

# Prints the path of the kernel image. Taken out of its package, not installed.
kernel_image() {
  local package= cached
  cached=$(find "$cache" -maxdepth 1 -name 'vmlinuz-6.1.*' | sort -V | tail -n1)
  command -v apt-cache >/dev/null && package=$(newest_package)
  if [ -z "$package" ] && [ -z "$cached" ] && [ "$(id -u)" -eq 0 ]; then
    apt update && package=$(newest_package) || true
  fi
  local image=$cache/vmlinuz-${package#linux-image-}
  if [ -n "$package" ] && [ ! -e "$image" ]; then
    # The lists may be older than the mirror.
    if (cd "$work" && { apt download "$package" || { apt update && apt download "$package"; }; }); then
      within 60 dpkg -x "$work/$package"_*.deb "$work/package" && mv "$work/package/boot"/vmlinuz-* "$image"
    else
      package=
    fi
  fi
  [ -n "$package" ] || image=$cached
  [ -n "$image" ] && echo "$image"
}

# The libraries of a program, and its loader, to their own places in the guest. Other files have none.
put_libraries() {
  { ldd "$1" 2>/dev/null || true; } | sed -n 's,^[^/]*\(/[^ ]*\) (.*,\1,p' | while read -r library; do
    install -D "$library" "$work/root$library"
  done
}

put() {
  local file
  for file in "$@"; do
    install -D "$file" "$work/root$file"
    put_libraries "$file"
  done
}

# A program to /bin, without its debug info: the guest unpacks slowly.
put_program() {
  within 60 strip --strip-debug -o "$work/root/bin/$2" "$1"
  put_libraries "$1"
}

initramfs() {
  mkdir -p "$work/root"/{bin,dev,proc,sys,tmp}
  install tests/kernels/init "$work/root/init"
  put_program "$(command -v busybox)" busybox
  put_program "$tests" ebpf-tests
  put_program "$kpulse" kpulse
  # Tests start other processes in perl; perl says itself which files its Socket module loads.
  put "$(command -v perl)"
  # shellcheck disable=SC2046 # one file each
  put $(within 60 perl -MSocket -MDynaLoader -e 'print "$_\n" for values %INC, @DynaLoader::dl_shared_objects')
  (cd "$work/root" && find . | within 60 cpio -o -H newc --quiet -R 0:0) | within 60 gzip -1 >"$work/initramfs.gz"
}

[ "$(uname -m)" = x86_64 ] || skip "only for x86_64"
install_tools
image=$(kernel_image) || skip "no linux-image-6.1.0-*-cloud-amd64 to be had by apt-get"

tests=$(within 1800 cargo test -p ebpf --no-run --locked --message-format=json-render-diagnostics |
  sed -n 's/.*"kind":\["lib"\].*"executable":"\([^"]*\)".*/\1/p' | tail -n1)
if [ -z "$kpulse" ]; then
  within 1800 cargo build --release --locked --bin kpulse
  kpulse=${CARGO_TARGET_DIR:-target}/release/kpulse
fi
initramfs

log=$cache/boot-${image##*/vmlinuz-}.log
echo "booting ${image##*/} ($(du -h "$work/initramfs.gz" | cut -f1) of programs), log in $log"
started=$SECONDS
timeout --foreground -k 5 600 qemu-system-x86_64 -accel tcg -cpu max -m 768 -smp 2 -nographic -no-reboot \
  -kernel "$image" -initrd "$work/initramfs.gz" -append "console=ttyS0 quiet panic=-1 mitigations=off" \
  </dev/null >"$work/console" 2>&1 &
guest=$!
qemu=0
wait "$guest" || qemu=$?
guest=
tr -d '\r' <"$work/console" >"$log"
sed -n '/^== doctor/,/^== done/p' "$log"
code=$(sed -n 's/^== done //p' "$log")
[ -n "$code" ] || { tail -n 20 "$log"; echo "kernels: the guest did not finish (qemu: $qemu)"; exit 1; }
echo "kernels: $((SECONDS - started)) s in qemu, exit code $code"
exit $((code != 0))
