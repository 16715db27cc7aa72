#!/bin/sh
# start.sh: process 1 of the virtual machine. Runs the command that machine.ts has put into `command`, hands its exit code
# over in `exit-code`, and switches the machine off.
#
# It lies in /run/lab, the directory that host and guest share: each run has its own.

# share DIRECTORY: what is written there is written on the host.
share() {
  mkdir -p "$1"
  mount -t hostfs none "$1" -o "$1"
}

# Mounts, environment and arguments, all quoted.
. /run/lab/command

mkdir -p /dev/shm /dev/pts "$labs"
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs "$labs"
ip link set lo up
# Otherwise each namespace has a tunl0 that nobody has made and nobody can delete.
echo 1 > /proc/sys/net/core/fb_tunnels_only_for_init_net

output=/dev/ttyS0
stty -F $output raw
"$@" > $output 2>&1 < /dev/null
echo $? > /run/lab/exit-code
stty -F $output sane # once all of the output is out
echo o > /proc/sysrq-trigger
exec sleep 60
