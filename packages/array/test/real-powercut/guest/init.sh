#!/bin/busybox sh
# The first process of the guest: mounts the disk, runs the writer, says how it ended and turns the machine off.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
$b mount -t tmpfs tmpfs /tmp
for module in $($b cat /modules/order); do
  $b insmod "/modules/$module" || echo "vgpu: cannot load $module"
done
for word in $($b cat /proc/cmdline); do
  case $word in
    vgpu.filesystem=*) filesystem=${word#*=} ;;
    # Every program started from here on has flushes that do not flush.
    vgpu.sabotage=*) echo "/lib/sabotage/${word#*=}.so" > /etc/ld.so.preload ;;
  esac
done
$b mount -t "$filesystem" /dev/vda1 /data || echo "vgpu: cannot mount $filesystem"
/bin/node /app/writer.mjs /data /dev/vda2
echo "vgpu: exit $?"
$b umount /data || echo 'vgpu: cannot unmount'
$b poweroff -f
