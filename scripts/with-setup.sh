#!/bin/sh
# with-setup.sh [--npm-only | --test | --vm] COMMAND…: makes sure that what the command needs is installed, then becomes it.
#
# npm packages come by `npm ci`, and with them Node 24 (package `node`), which goes first in PATH. As root, and unless
# --npm-only is given, missing Debian packages follow; with --test those that only tests need, with --vm those for the
# lab's virtual machine. Everything that gets installed is named first.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
PATH=$root/node_modules/.bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

# command   Debian package   what it is for
debian_packages='
ip          iproute2         namespaces, links and routes of the lab, and all that the agent writes
iptables    iptables         NAT rules of the agent
ipset       ipset            sets of pools in those rules
conntrack   conntrack        connections of former pods, which the agent forgets
ethtool     ethtool          checksum offload of tunnel devices, off on old kernels
nft         nftables         policy that calico-node left there
sysctl      procps           kernel settings of the machines of the lab
ping        iputils-ping     pods that ping each other
curl        curl             what a node answers to probes
bird        bird2            a real BIRD as neighbour of the agent
etcd        etcd-server      a real datastore
etcdctl     etcd-client      its client, for stories
kubectl     kubernetes-client the client of the Kubernetes API, for a story
openssl     openssl          certificates for tests of TLS towards etcd
tcpdump     tcpdump          what is on the wire
'

debian_packages_test='
/usr/lib/frr/bgpd   frr              a real FRR as neighbour of the speaker
gobgpd              gobgpd           a real GoBGP
bgpctl              openbgpd         a real OpenBGPD
exabgp              exabgp           a real ExaBGP
kubectl             kubernetes-client  renders the manifests
debootstrap         debootstrap      the base of the image, where no registry can be asked
buildah             buildah          the image
'

debian_packages_vm='
modprobe    kmod             kernel modules of the virtual machine of the lab, where this kernel lacks what a story needs
'

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

install_npm_packages() {
  if [ -e "$root/node_modules/.package-lock.json" ] &&
     ! [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]; then
    return
  fi
  command -v npm >/dev/null || fail 'npm is missing; install Node 20 or later with npm'
  say 'npm ci: installs the packages of package-lock.json, Node 24 among them, into node_modules/'
  (cd "$root" && npm ci --include=dev --no-fund --no-audit --loglevel=error >&2)
}

check_node() {
  version=$(node --version 2>/dev/null || echo none)
  case $version in
    v2[4-9].* | v[3-9][0-9].*) ;;
    *) fail "node is $version, and 24 is needed; remove node_modules and try again" ;;
  esac
}

# The lines of the table whose command is not there.
missing() {
  printf '%s' "$debian_packages" | while read -r command package reason; do
    [ -z "$command" ] || command -v "$command" >/dev/null || printf '%s %s %s\n' "$command" "$package" "$reason"
  done
}

install_debian_packages() {
  lines=$(missing)
  [ -n "$lines" ] || return 0
  command -v apt-get >/dev/null || fail "not a Debian machine; please install:
$lines"
  printf '%s\n' "$lines" | while read -r _ package reason; do say "apt-get install $package: $reason"; done
  packages=$(printf '%s\n' "$lines" | cut -d ' ' -f 2)
  forbid_services
  trap allow_services EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  # shellcheck disable=SC2086 # one argument a package
  apt-get install -qq --yes --no-install-recommends $packages >&2
  disable_services "$packages"
  allow_services
  trap - EXIT INT TERM
  lines=$(missing)
  [ -z "$lines" ] || fail "still missing after the installation:
$lines"
}

# What needs them will say so itself.
name_debian_packages() {
  missing | while read -r _ package reason; do say "without root $package is not installed: $reason"; done
}

# Debian starts a service when its package is installed, unless this program says no. The lab runs its own BIRD and etcd
# in namespaces; one on the machine itself would serve nobody and might announce something.
policy=/usr/sbin/policy-rc.d

forbid_services() {
  if [ -e $policy ] && ! grep -q 'while caracal installs' $policy; then mv $policy $policy.before-caracal; fi
  printf '#!/bin/sh\n# No service starts while caracal installs packages.\nexit 101\n' > $policy
  chmod 755 $policy
}

allow_services() {
  rm -f $policy
  [ ! -e $policy.before-caracal ] || mv $policy.before-caracal $policy
}

# Nor at the next boot. Only what has just been installed: a service that was there before is somebody's.
disable_services() {
  command -v systemctl >/dev/null || return 0
  for package in $1; do
    case $package in
      bird2) systemctl disable --quiet bird.service >&2 || true ;;
      frr | gobgpd | openbgpd | exabgp) systemctl disable --quiet "$package.service" >&2 || true ;;
      etcd-server) systemctl disable --quiet etcd.service >&2 || true ;;
    esac
  done
}

npm_only=
case ${1-} in
  --npm-only) npm_only=1; shift ;;
  --test) debian_packages=$debian_packages$debian_packages_test; shift ;;
  --vm) debian_packages=$debian_packages$debian_packages_vm; shift ;;
esac
[ $# -gt 0 ] || fail 'usage: with-setup.sh [--npm-only | --test | --vm] COMMAND…'

install_npm_packages
check_node
if [ -z "$npm_only" ]; then
  if [ "$(id -u)" = 0 ]; then install_debian_packages; else name_debian_packages; fi
fi
exec "$@"
