#!/bin/sh
# enter ROOT COMMAND... - mounts what a machine has, below ROOT, and becomes COMMAND there.
# For a mount namespace of its own: what is mounted here goes with it.
set -e
root=$1
shift

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
	rest=${device#*:}
	mknod -m 666 "$root/dev/${device%%:*}" c "${rest%:*}" "${rest#*:}"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777,nosuid tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/run"
mkdir -m 1777 "$root/run/lock"
mount -t tmpfs -o mode=1777,nosuid tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/sys"
mkdir -p "$root/sys/fs/cgroup"
[ -z "$MACHINE_CGROUP" ] || mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
ip link set lo up
# As on any machine; among ourselves, since our namespace shares nothing with the one it came from.
mount --make-rshared /

exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	container=other LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
