# Sourced after start.sh: real containers under a kubepods cgroup path, by runc.

containers=()
cgroup_top=kpulse-e2e-$$

# start_container POD_UID: sets container_id; the container waits for faults and may use 32 MiB.
start_container() {
  container_id=$(openssl rand -hex 32)
  local bundle=$WORK/bundle-$container_id
  mkdir -p "$bundle/rootfs"
  gcc -static -O1 -fno-omit-frame-pointer -o "$bundle/rootfs/victim" "$root/tests/servers/kubernetes/victim.c"
  cat >"$bundle/config.json" <<JSON
{"ociVersion": "1.0.2", "root": {"path": "rootfs", "readonly": true}, "hostname": "web",
 "process": {"args": ["/victim"], "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/"]},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
 "linux": {"cgroupsPath": "/$cgroup_top/kubepods/burstable/pod$1/$container_id",
  "resources": {"memory": {"limit": 33554432}}, "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "uts"}]}}
JSON
  containers+=("$container_id")
  timeout 30 "$kubernetes/runc" --root "$WORK/runc" run -d --bundle "$bundle" "$container_id" </dev/null >"$WORK/runc.out" 2>&1 ||
    { cat "$WORK/runc.out"; return 1; }
}

# in_container COMMAND...: runs in the newest container.
in_container() { timeout 30 "$kubernetes/runc" --root "$WORK/runc" exec "$container_id" "$@" </dev/null; }

# stop_container ID: with its cgroups.
stop_container() { timeout 30 "$kubernetes/runc" --root "$WORK/runc" delete --force "$1" >/dev/null 2>&1 || true; }

finish_containers() {
  local id
  for id in "${containers[@]}"; do stop_container "$id"; done
  find /sys/fs/cgroup -maxdepth 3 -type d -name "$cgroup_top" 2>/dev/null |
    while read -r top; do find "$top" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
}
trap 'finish_containers; finish' EXIT
