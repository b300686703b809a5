#!/bin/busybox sh
# The guest's first program. It makes the machine's files the root, with a layer in memory over them that takes all that
# is written, and executes the job in them. The share "results" is the only way back.
set -e
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module"; done

share=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o $share,cache=none results /results
. /results/guest/place # $results, $modules and $modprobe, as the machine names them

mount -t 9p -o $share,cache=loose,ro root /machine
mount -t tmpfs -o size=75% tmpfs /memory
mkdir /memory/files /memory/work
mount -t overlay -o lowerdir=/machine,upperdir=/memory/files,workdir=/memory/work overlay /root

while read -r each; do : >>"/root$each"; done </results/guest/hot # the layer in memory takes what is opened to be written
echo "$modprobe" >/proc/sys/kernel/modprobe
mkdir -p "/root$results" /root/lib/modules
mount --move /results "/root$results"
mount --bind "/root$modules/lib/modules" /root/lib/modules
for each in dev proc sys; do mount --move /$each /root/$each; done
mkdir -p /root/dev/pts /root/dev/shm
ln -s /proc/self/fd /root/dev/fd
mount -t devpts devpts /root/dev/pts
mount -t tmpfs tmpfs /root/dev/shm
exec switch_root /root /bin/sh "$results/guest/job"
