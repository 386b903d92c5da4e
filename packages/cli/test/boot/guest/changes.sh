#!/bin/sh
# Installs, and waits a second in front of each change of a file, so that somebody can look at the disk.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
# What nobody flushes stays unwritten, however long this takes.
echo 0 > /proc/sys/vm/dirty_writeback_centisecs
mount -o remount,commit=100000 /
export LD_PRELOAD=/boot-test/libkill_at.so VGPU_TEST_TELL=/dev/ttyS1
/opt/vgpu/node /opt/vgpu/cli/dist/vgpu.js shim install --yes --confirm-within 100000 2>&1
