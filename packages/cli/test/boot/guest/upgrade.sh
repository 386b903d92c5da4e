#!/bin/sh
# Installs another version while every process has the first one; says "done" when nobody has noticed.
set -e
PATH=/usr/sbin:/usr/bin:/sbin:/bin
vgpu() { /opt/vgpu/node /opt/vgpu/cli/dist/vgpu.js shim "$@"; }
services() { systemctl show --property=Id,MainPID '*.service' | sed '/^$/d' | paste - - | grep -v 'MainPID=0'; }
with() { grep -lE "/$1/libvgpu_cuda\.so$" /proc/[0-9]*/maps 2> /dev/null | wc -l; }
first=$(basename "$(readlink /usr/lib/vgpu-shim/current)")
services > /tmp/before
# The same with another entry point, which a library does not have.
cp "/usr/lib/vgpu-shim/$first/libvgpu_cuda.so" /tmp/newer.so
printf 1 | dd of=/tmp/newer.so bs=1 seek=24 conv=notrunc 2> /dev/null
vgpu install --yes --confirm-within 600 --executor unix:/run/vgpu/executor.sock --library /tmp/newer.so
vgpu confirm
second=$(basename "$(readlink /usr/lib/vgpu-shim/current)")
[ "$second" != "$first" ]
services > /tmp/after
gone=$(grep -vxF -f /tmp/after /tmp/before || true)
[ -z "$gone" ] || { echo "these services have ended: $gone"; exit 1; }
old=$(with "$first")
[ "$old" -gt 0 ]
# A new process has the new one.
grep -q "/$second/libvgpu_cuda.so" /proc/self/maps
echo "$old processes keep the first version: done"
