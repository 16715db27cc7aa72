#!/bin/sh
# build.sh DIRECTORY: what the virtual machine boots from. Debian's User Mode Linux, a kernel that is a program, with its
# modules, is downloaded and unpacked there, never installed.
#
# A second run does nothing.
set -eu

cache=$1
PATH=$PATH:/usr/sbin:/sbin

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Ends with a directory of its name, or without one.
download() {
  [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] ||
    fail 'the virtual machine runs Debian for amd64, and takes all its programs from such a machine'
  new=$cache/new
  rm -rf "$new" "$cache/kernel"
  mkdir -p "$new/lib" "$new/package"
  apt-get update -qq >&2
  say "downloads user-mode-linux, to unpack it in $cache: the virtual machine of the lab"
  (cd "$new/package" && apt-get download -qq -o APT::Sandbox::User=root user-mode-linux >&2)
  dpkg -x "$new"/package/*.deb "$new"
  mv "$new/usr/bin/linux.uml" "$new/linux"
  mv "$new/usr/lib/uml/modules" "$new/lib/modules"
  rm -r "$new/package" "$new/usr"
  mv "$new" "$cache/kernel"
}

mkdir -p "$cache"
[ -e "$cache/kernel/linux" ] || download
