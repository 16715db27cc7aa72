#!/bin/sh
# build.sh DIRECTORY: what the virtual machine boots from. Debian's own kernel with its modules and a static busybox are
# downloaded and unpacked there, never installed; the initramfs is made of them and of `init`.
#
# A second run does nothing, unless `init` or this file has changed.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=$1
PATH=$PATH:/usr/sbin:/sbin

# What the first program needs to reach the root file system; all else is loaded on demand, from there.
boot_modules='virtio_pci 9pnet_virtio 9p overlay virtio_console'

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Nothing of a guest is a disk, a screen or a card.
unpack_kernel() {
  dpkg --fsys-tarfile "$1" | tar -x -C "$2" --wildcards \
    --exclude='*/drivers/net/ethernet/*' --exclude='*/drivers/net/wireless/*' \
    './boot/vmlinuz-*' './lib/modules/*/modules.*' \
    './lib/modules/*/kernel/arch/*' './lib/modules/*/kernel/crypto/*' './lib/modules/*/kernel/fs/*' \
    './lib/modules/*/kernel/lib/*' './lib/modules/*/kernel/net/*' \
    './lib/modules/*/kernel/drivers/char/*' './lib/modules/*/kernel/drivers/net/*' './lib/modules/*/kernel/drivers/virtio/*'
}

# Ends with a directory of its name, or without one.
download() {
  [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] ||
    fail 'the virtual machine runs Debian for amd64, and takes all its programs from such a machine'
  new=$cache/new
  rm -rf "$new"
  mkdir -p "$new/packages"
  apt-get update -qq >&2
  kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  [ -n "$kernel" ] || fail 'apt knows no kernel: linux-image-amd64 is missing'
  say "downloads $kernel and busybox-static, to unpack them in $cache: the virtual machine of the lab"
  (cd "$new/packages" && apt-get download -qq -o APT::Sandbox::User=root "$kernel" busybox-static >&2)
  unpack_kernel "$new/packages/$kernel"_*.deb "$new"
  dpkg -x "$new"/packages/busybox-static_*.deb "$new"
  mv "$new"/boot/vmlinuz-* "$new/vmlinuz"
  version=${kernel#linux-image-}
  depmod -b "$new" "$version"
  printf '%s\n' "$version" > "$new/version"
  rm -r "$new/packages" "$new/boot" "$new/usr"
  mv "$new" "$cache/kernel"
}

make_initramfs() {
  tree=$cache/tree
  rm -rf "$tree"
  mkdir -p "$tree/bin" "$tree/modules"
  cp "$cache/kernel/bin/busybox" "$tree/bin/busybox"
  install -m 755 "$here/init" "$tree/init"
  # In the order in which they have to be loaded. What is built into the kernel has no file.
  # shellcheck disable=SC2086 # one argument a module
  modprobe -d "$cache/kernel" -S "$(cat "$cache/kernel/version")" --show-depends -a $boot_modules |
    sed -n 's/^insmod //p' | awk '!seen[$1]++ { print $1 }' |
    while read -r module; do
      cp "$module" "$tree/modules/"
      basename "$module" >> "$tree/modules/order"
    done
  busybox=$cache/kernel/bin/busybox
  (cd "$tree" && find . | "$busybox" cpio -o -H newc 2>/dev/null | gzip -1) > "$cache/initramfs.new"
  mv "$cache/initramfs.new" "$cache/initramfs"
  rm -r "$tree"
}

mkdir -p "$cache"
[ -e "$cache/kernel" ] || download
for source in "$here/init" "$0" "$cache/kernel/version"; do
  [ "$cache/initramfs" -nt "$source" ] || { make_initramfs; break; }
done
