#!/bin/sh
# The first process: puts the scenario on top of the image, and becomes systemd.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
mount -o remount,rw /
tar -xf /dev/nvme0n2 -C / 2> /dev/console
# What is there before the power is cut is to be there afterwards.
sync
[ -e /boot-test/scenario.sh ] && sh /boot-test/scenario.sh > /dev/console 2>&1
exec /lib/systemd/systemd
