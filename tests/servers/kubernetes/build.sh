#!/usr/bin/env bash
# Builds a real kube-apiserver once and unpacks etcd and runc; prints the folder with all of them (kube-apiserver, etcd,
# runc). Exit 3 when they cannot be had here. Nothing is installed and no service is started.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=1.35.4
cache=${KPULSE_TEST_CACHE:-$here/../../../.cache}/kubernetes
bin=$cache/bin
mkdir -p "$bin"
exec 9>"$cache/lock"
flock -w 2700 9

# unpack PACKAGE PATH: the program of a Debian package, from this machine or from the package.
unpack() {
  local name=${2##*/}
  [ -x "$bin/$name" ] && return
  if command -v "$name" >/dev/null; then ln -sf "$(command -v "$name")" "$bin/$name"; return; fi
  (
    cd "$cache"
    timeout 120 apt-get download "$1" || { timeout 120 apt-get update -qq && timeout 120 apt-get download "$1"; }
    dpkg -x "$1"_*.deb unpacked && rm -f "$1"_*.deb
  ) >&2 || { echo "$1 cannot be had" >&2; exit 3; }
  ln -sf "$cache/unpacked/$2" "$bin/$name"
}

# The module of Kubernetes names its parts by folders beside it; outside its own tree each needs its released version.
wrapper() {
  local gomod=$1
  printf 'module example.invalid/kubernetes\n\ngo 1.25.0\n\ngodebug default=go1.25\n\nrequire k8s.io/kubernetes v%s\n\n' "$version"
  printf 'tool k8s.io/kubernetes/cmd/kube-apiserver\n\nreplace (\n'
  sed -nE 's!^[[:space:]]*(k8s.io/[a-z0-9-]+) => ./staging/.*!\1!p' "$gomod" |
    while read -r part; do printf '\t%s => %s v0.%s\n' "$part" "$part" "${version#*.}"; done
  printf ')\n'
}

build_apiserver() {
  command -v go >/dev/null || { echo "go is not installed: no kube-apiserver" >&2; exit 3; }
  mkdir -p "$cache/build"
  cd "$cache/build"
  local gomod stamp=k8s.io/component-base/version
  gomod=$(cd / && timeout 300 go mod download -json "k8s.io/kubernetes@v$version" | sed -nE 's/^[[:space:]]*"GoMod": "(.*)",?$/\1/p')
  wrapper "$gomod" >go.mod
  timeout 600 go mod tidy -go=1.25.0 >&2
  CGO_ENABLED=0 timeout 2400 go build -trimpath -ldflags "-s -w -X $stamp.gitVersion=v$version -X $stamp.gitMajor=1 \
    -X $stamp.gitMinor=$(cut -d. -f2 <<<"$version")" -o "$bin/kube-apiserver.new" k8s.io/kubernetes/cmd/kube-apiserver >&2
  mv "$bin/kube-apiserver.new" "$bin/kube-apiserver"
  echo "$version" >"$bin/version"
}

unpack etcd-server usr/bin/etcd
unpack runc usr/sbin/runc
[ "$(cat "$bin/version" 2>/dev/null)" = "$version" ] || build_apiserver
echo "$bin"
