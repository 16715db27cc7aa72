// A pod as the CNI plugin leaves it: a namespace, a veth `cali…` on its node, and the plugin's own host routes.
//
// Calico cni-plugin/pkg/dataplane/linux/dataplane_linux.go: the gateway 169.254.1.1 is on no interface; the host answers
// for it by proxy ARP. The gateway of IPv6 is the link-local address that belongs to the fixed MAC of the host's side.

import { createHash } from 'node:crypto'
import { type Address, familyOf } from '../../src/inet/address.ts'
import { formatMac } from '../../src/inet/mac.ts'
import { hostPrefix } from '../../src/inet/prefix.ts'
import type { Pod } from '../topology/index.ts'
import { loopback, makeNamespace, type Place } from './network.ts'
import { ip, run, sysctl } from './run.ts'

const hostMac = 'ee:ee:ee:ee:ee:ee'
const hostLinkLocal = 'fe80::ecee:eeff:feee:eeee'

/** `cali` and 11 hexadecimal digits (Calico libcalico-go/lib/backend/k8s/conversion: VethNameForWorkload). */
export function interfaceName({ namespace, name }: Pick<Pod, 'namespace' | 'name'>): string {
  return `cali${digest(`${namespace}.${name}`).toString('hex').slice(0, 11)}`
}

/** The MAC inside the pod: locally administered, and the same in every run. */
export function podMac({ namespace, name }: Pick<Pod, 'namespace' | 'name'>): string {
  return formatMac(Uint8Array.of(0x02, ...digest(`${namespace}.${name}`).subarray(0, 5)))
}

export async function plug(place: Place, pod: Pod, addresses: readonly Address[]): Promise<void> {
  const device = interfaceName(pod)
  const [onNode, inPod] = [place.namespaceOf(pod.node), place.namespaceOf(pod.name)]
  await makeNamespace(place, pod.name)
  const inner = `name eth0 address ${podMac(pod)} netns ${inPod}`
  await ip(onNode, [`link add ${device} address ${hostMac} type veth peer ${inner}`], place.signal)
  await sysctl(onNode, hostSettings(device), place.signal)
  await ip(inPod, [loopback, 'link set eth0 up', ...addresses.flatMap(podLines)], place.signal)
  const metric = felixMetric(place, pod)
  const routes = addresses.map(
    (address) => `route add ${hostPrefix(address)} dev ${device} ${scope(address)} ${metric}`,
  )
  await ip(onNode, [`link set ${device} up`, ...routes], place.signal)
}

/** Takes the veth away, and with it the routes; then the namespace. */
export async function unplug(place: Place, pod: Pick<Pod, 'namespace' | 'name' | 'node'>): Promise<void> {
  const namespace = place.namespaceOf(pod.name)
  await ip(place.namespaceOf(pod.node), [`link del ${interfaceName(pod)}`], place.signal)
  await run(['ip', 'netns', 'del', namespace], { signal: place.signal })
  place.note({ gone: namespace })
}

function hostSettings(device: string): Record<string, number> {
  return {
    [`net.ipv6.conf.${device}.disable_ipv6`]: 0,
    [`net.ipv6.conf.${device}.accept_ra`]: 0,
    [`net.ipv6.conf.${device}.accept_dad`]: 0,
    [`net.ipv4.conf.${device}.route_localnet`]: 1,
    [`net.ipv4.conf.${device}.proxy_arp`]: 1,
    [`net.ipv4.neigh.${device}.proxy_delay`]: 0,
    [`net.ipv4.conf.${device}.forwarding`]: 1,
    [`net.ipv6.conf.${device}.proxy_ndp`]: 1,
    [`net.ipv6.conf.${device}.forwarding`]: 1,
  }
}

function podLines(address: Address): string[] {
  return familyOf(address) === 'ipv4'
    ? [
        `addr add ${address}/32 dev eth0`,
        'route add 169.254.1.1 dev eth0 scope link',
        'route add default via 169.254.1.1 dev eth0',
      ]
    : [`addr add ${address}/128 dev eth0 nodad`, `route add default via ${hostLinkLocal} dev eth0`]
}

/**
 * Where BIRD runs, Felix has put the metric of a normal workload route in place of the CNI plugin's none, which BIRD would
 * take for the best of all (Calico felix/calc/config_params.go: IPv4NormalRoutePriority).
 */
function felixMetric({ topology }: Place, pod: Pod): string {
  return topology.nodes.find(({ name }) => name === pod.node)?.agent === 'bird' ? 'metric 1024' : ''
}

/** IPv6 knows no scopes of routes. */
function scope(address: Address): string {
  return familyOf(address) === 'ipv4' ? 'scope link' : ''
}

function digest(text: string): Buffer {
  return createHash('sha1').update(text).digest()
}
