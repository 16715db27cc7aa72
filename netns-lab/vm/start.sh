#!/bin/sh
# start.sh: process 1 of the virtual machine. Runs the command that machine.ts has put into `command`, hands its exit code
# over in `exit-code`, and switches the machine off.
#
# It lies in /run/lab, the directory that host and guest share: each run has its own.

# share TAG DIRECTORY: what is written there is written on the host.
share() {
  mkdir -p "$2"
  mount -t 9p -o trans=virtio,version=9p2000.L,msize=1048576 "$1" "$2"
}

# Mounts, environment and arguments, all quoted.
. /run/lab/command

mkdir -p /dev/shm /dev/pts "$labs" /lib/modules
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs "$labs"
[ -e "/lib/modules/$(uname -r)" ] || ln -s "$modules/$(uname -r)" /lib/modules/
ip link set lo up

output=$(echo /dev/vport*)
"$@" > "$output" 2>&1 < /dev/null
echo $? > /run/lab/exit-code
# At once: the machine is started with -no-reboot.
echo b > /proc/sysrq-trigger
