// The underlay: a bridge in a namespace for each segment, and a veth from it to every machine, eth0, eth1, … there.
//
// Interfaces are made where they belong, so that none ever exists outside the lab's namespaces.

import { type Address, familyOf } from '../../src/inet/address.ts'
import {
  type Machine,
  machines,
  routesOf,
  type Segment,
  segmentOf,
  spelt,
  type Topology,
} from '../topology/index.ts'
import { ip, run, sysctl } from './run.ts'

/** What network and pods need of a lab. */
export interface Place {
  readonly topology: Topology
  readonly signal: AbortSignal
  /** The network namespace of a machine, segment or pod. */
  namespaceOf(name: string): string
  /** Notes down a namespace that is about to be made, or that is gone. */
  note(change: { readonly made: string } | { readonly gone: string }): void
}

/** Makes all segments, routers, hosts and nodes, with addresses and static routes. */
export async function makeNetwork(place: Place): Promise<void> {
  const { topology } = place
  for (const segment of topology.segments) await makeSegment(place, segment)
  const routers = new Set(topology.routers)
  for (const machine of machines(topology)) {
    await makeNamespace(place, machine.name, routers.has(machine) ? forwarding : {})
    await connect(place, machine)
  }
}

const forwarding = { 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 }

/** To be among the first lines for ip(8) in a namespace. A process costs most of a second in the virtual machine. */
export const loopback = 'link set lo up'

/** A namespace in the state a machine of the lab boots with but for `settings`, whatever those of the real machine are. */
export async function makeNamespace(
  place: Place,
  name: string,
  settings: Readonly<Record<string, number>> = {},
): Promise<void> {
  const namespace = place.namespaceOf(name)
  place.note({ made: namespace })
  await run(['ip', 'netns', 'add', namespace], { signal: place.signal })
  // Duplicate address detection makes an IPv6 address useless for its first second or two.
  await sysctl(
    namespace,
    {
      'net.ipv4.ip_forward': 0,
      'net.ipv6.conf.all.forwarding': 0,
      'net.ipv6.conf.all.accept_dad': 0,
      'net.ipv6.conf.default.accept_dad': 0,
      'net.ipv6.conf.all.disable_ipv6': 0,
      'net.ipv6.conf.default.disable_ipv6': 0,
      'net.ipv6.conf.default.accept_ra': 0,
      ...settings,
    },
    place.signal,
  )
}

/** Adds a machine that is in no topology file, such as the datastore's. */
export async function addMachine(place: Place, machine: Machine): Promise<void> {
  await makeNamespace(place, machine.name)
  await connect(place, machine)
}

/** Plugs a machine into its segment, or pulls the cable: at the bridge, so that the machine keeps its addresses. */
export async function cable(place: Place, machine: Machine, state: 'up' | 'down'): Promise<void> {
  for (const { segment } of interfacesOf(place.topology, machine))
    await ip(place.namespaceOf(segment.name), [`link set ${machine.name} ${state}`], place.signal)
}

async function makeSegment(place: Place, { name }: Segment): Promise<void> {
  await makeNamespace(place, name)
  const bridge = 'link add bridge type bridge stp_state 0 forward_delay 0 mcast_snooping 0'
  await ip(place.namespaceOf(name), [loopback, bridge, 'link set bridge up'], place.signal)
}

async function connect(place: Place, machine: Machine): Promise<void> {
  const namespace = place.namespaceOf(machine.name)
  const lines = [loopback]
  for (const { device, segment, addresses } of interfacesOf(place.topology, machine)) {
    await ip(
      place.namespaceOf(segment.name),
      [
        `link add ${machine.name} type veth peer name ${device} netns ${namespace}`,
        `link set ${machine.name} master bridge up`,
      ],
      place.signal,
    )
    const flag = (address: Address): string => (familyOf(address) === 'ipv6' ? ' nodad' : '')
    lines.push(...addresses.map((cidr) => `addr add ${spelt(cidr)} dev ${device}${flag(cidr.address)}`))
    lines.push(`link set ${device} up`)
  }
  lines.push(...routesOf(place.topology, machine).map(({ to, via }) => `route add ${to} via ${via}`))
  await ip(namespace, lines, place.signal)
}

interface Interface {
  readonly device: string
  readonly segment: Segment
  readonly addresses: Machine['addresses']
}

/** eth0, eth1, … in the order in which its addresses name segments. */
function interfacesOf(topology: Topology, { addresses }: Machine): Interface[] {
  const bySegment = Map.groupBy(addresses, ({ address }) => segmentOf(topology, address)!)
  return [...bySegment].map(([segment, addresses], at) => ({ device: `eth${at}`, segment, addresses }))
}
