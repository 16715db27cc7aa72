// Hands on what is different in the plan: to the reconcilers of the kernel, and to the speaker by its sessions.

import type { SpeakerEvent } from '../bgp/events.ts'
import type { PeerConfig } from '../bgp/types.ts'
import type { Bfd } from '../edge/bfd/bfd.ts'
import type { BfdTarget } from '../edge/bfd/target.ts'
import { kernelChain } from '../edge/kernel/iptables-text.ts'
import type { Kernel } from '../edge/kernel/kernel.ts'
import type { ListenPoint } from '../edge/peers/listener.ts'
import type { Family, ScopedAddress } from '../inet/address.ts'
import type { PlanChanges } from '../plan/plan.ts'
import type { LocalSpeaker } from '../plan/plan-bgp.ts'
import type { Sysctl } from '../plan/wanted.ts'

/** The kernel, by what it has been told. */
export class KernelWishes {
  readonly #kernel: Kernel
  /** The sysctls handed on, by scope. */
  readonly #sysctls = new Map<string, readonly Sysctl[]>()

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  want(changes: PlanChanges): void {
    const { tunnels, fdb, routes, neighbors, addresses, sysctls, sets, setMembers, chains } = changes
    const kernel = this.#kernel
    for (const [name, tunnel] of tunnels) kernel.tunnels.want(name, tunnel)
    for (const [key, entry] of fdb) kernel.fdb.want(key, entry)
    for (const [name, set] of sets) kernel.nat.sets.want(name, set)
    for (const [key, member] of setMembers) kernel.nat.members.want(key, member)
    for (const [key, chain] of chains) kernel.nat.chains.want(key, chain && kernelChain(chain))
    for (const { prefix, route } of routes) kernel.routes.want(prefix, route)
    for (const [key, neighbor] of neighbors) kernel.neighbors.want(key, neighbor)
    for (const [key, address] of addresses) kernel.addresses.want(key, address)
    for (const [scope, wanted] of sysctls) this.#wantSysctls(scope, wanted ?? [])
  }

  #wantSysctls(scope: string, wanted: readonly Sysctl[]): void {
    const { sysctls } = this.#kernel
    const kept = new Set(wanted.map(({ path }) => path))
    for (const { path } of this.#sysctls.get(scope) ?? []) if (!kept.has(path)) sysctls.want(path, undefined)
    for (const sysctl of wanted) sysctls.want(sysctl.path, sysctl)
    this.#sysctls.set(scope, wanted)
  }
}

type PeersEvent = Extract<SpeakerEvent, { kind: 'peers' }>

/** The sessions of the speaker, as far as they changed. Nodes may part as peers, and still forward. */
export function peersEvent(peers: PlanChanges['peers'], isNode: (at: ScopedAddress) => boolean): PeersEvent {
  const set = [...peers.values()].filter((config) => config !== undefined)
  const gone = [...peers.keys()].filter((address) => !peers.get(address))
  const { part = [], remove = [] } = Object.groupBy(gone, (at) => (isNode(at) ? 'part' : 'remove'))
  return { kind: 'peers', set, remove, part }
}

/** Watches the paths to the peers of an event that ask for it, and no longer those to peers that do not. */
export function watchPaths({ set, remove, part = [] }: PeersEvent, bfd: Pick<Bfd, 'want'>): void {
  for (const name of [...remove, ...part]) bfd.want(name, undefined)
  for (const config of set) bfd.want(config.name, config.held === undefined ? bfdTarget(config) : undefined)
}

function bfdTarget({ address, zone, localAddress, pathWatch }: PeerConfig): BfdTarget | undefined {
  return (
    pathWatch && {
      address,
      ...(zone !== undefined && { zone }),
      ...(localAddress && { localAddress }),
      ...pathWatch,
    }
  )
}

/** Where connections are to be accepted; nowhere as long as there can be no BGP. */
export function listenPoints(speaker: LocalSpeaker | { readonly unable: string }): ListenPoint[] {
  if ('unable' in speaker) return []
  const { addresses, port, bind } = speaker
  return (Object.keys(addresses) as Family[]).map((family) => {
    const address = bind?.[family]
    return { family, port, ...(address && { address }) }
  })
}
