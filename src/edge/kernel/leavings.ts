// What an agent that has stopped has left in the kernel, and how it is removed: for `agent uninstall`.
//
// Not all that a running agent takes for its own: what calico-node left has been removed by then, so anything of its that is
// there belongs to a calico-node that has come back. Routes to pods of this node stay, since the CNI plugin made them, and
// sysctls, since nobody knows what they were.

import { setTimeout as pause } from 'node:timers/promises'
import type { Kind, Refused } from '../../reconcile/kind.ts'
import { Batch } from './batch.ts'
import { iproute2Routes } from './iproute2-routes.ts'
import { IpSets } from './ipsets.ts'
import { Chains, type ChainsOptions } from './iptables.ts'
import { detectBackend, iptables } from './iptables-backend.ts'
import { isOwnChain, OUR_MARKS } from './iptables-text.ts'
import { isWorkloadDevice, type Ownership } from './ownership.ts'
import { routeLine } from './route-text.ts'
import { Routes } from './routes.ts'
import { openIp, openProgram } from './run.ts'
import { Tunnels } from './tunnels.ts'

export interface Leaving {
  readonly kind: 'route' | 'device' | 'nat chain' | 'set'
  /** For people: a route as iproute2 prints it, or a name. */
  readonly what: string
  /** Why it is still there. */
  readonly refused?: string
}

export interface LeavingsOptions {
  readonly ownership: Ownership
  readonly settings: ChainsOptions['settings']
  /** Network namespace, as in `ip netns`; for tests. */
  readonly namespace?: string
  /** What is left to others: routes and devices, which calico-node takes over as they are. */
  readonly keepRoutes: boolean
}

export interface Leavings {
  /** In the order in which they have to go: nothing goes while something leans on it. */
  readonly found: readonly Leaving[]
  /** All of them, with those marked that would not go. */
  remove(): Promise<readonly Leaving[]>
}

/** One kind of them, read. */
interface Part {
  readonly found: readonly Leaving[]
  remove(): Promise<readonly Leaving[]>
}

/** Reads the kernel, and leaves it as it is. Rejects when it cannot be read. */
export async function findLeavings(options: LeavingsOptions): Promise<Leavings> {
  const { ownership, settings, namespace, keepRoutes } = options
  const open = (name: string) => openProgram(name, namespace)
  const ip = openIp(namespace)
  const batch = new Batch(ip)
  const routes = new Routes({
    table: iproute2Routes(ip, batch),
    ownership,
    saved: { claim: () => false, release: () => {} }, // the file goes, too
    graceOf: () => 0,
    onForeign: () => {},
  })
  const tunnels = new Tunnels({ ip, ethtool: open('ethtool'), onMaking: () => {}, onMade: async () => {} })
  const chains = new Chains({ open, settings, marks: OUR_MARKS })
  const sets = new IpSets(open('ipset'))
  const isNotOfPod = ({ device }: { readonly device?: string }) => !isWorkloadDevice(device, ownership)
  const parts = await Promise.all([
    ...(keepRoutes
      ? []
      : [
          part('route', routes, routeLine, isNotOfPod),
          part('device', tunnels, ({ name }) => (name === 'tunl0' ? 'addresses of tunl0' : name)),
        ]),
    part('nat chain', chains, (chain) => (isOwnChain(chain.name) ? '' : 'our rule in ') + chains.key(chain)),
    part(
      'set',
      sets,
      ({ name }) => name,
      ({ name }) => name.startsWith('caracal-'),
    ),
  ])
  return {
    found: parts.flatMap(({ found }) => found),
    async remove() {
      const done: Leaving[] = []
      for (const one of parts) done.push(...(await one.remove()))
      await batch.close()
      return done
    },
  }
}

async function part<T>(
  kind: Leaving['kind'],
  of: Kind<T>,
  shown: (item: T) => string,
  isLeft: (item: T) => boolean = () => true,
): Promise<Part> {
  const items = (await of.read()).filter(isLeft).sort((a, b) => shown(a).localeCompare(shown(b)))
  const leaving = (item: T): Leaving => ({ kind, what: shown(item) })
  return {
    found: items.map(leaving),
    async remove() {
      const refused = new Map((await removePatiently(of, items)).map(({ key, reason }) => [key, reason]))
      return items.map((item) => {
        const reason = refused.get(of.key(item))
        return { ...leaving(item), ...(reason !== undefined && { refused: reason }) }
      })
    },
  }
}

const TRIES = 20
const PAUSE_MS = 100

/** A set stays in use for a moment after its last rule: what is refused in passing is tried a few times. */
async function removePatiently<T>(of: Kind<T>, items: readonly T[]): Promise<readonly Refused[]> {
  let refused = await of.remove(items)
  for (let tries = 0; tries < TRIES && refused.some(({ transient }) => transient); tries++) {
    await pause(PAUSE_MS)
    const keys = new Set(refused.map(({ key }) => key))
    refused = await of.remove(items.filter((item) => keys.has(of.key(item))))
  }
  return refused
}

/** Whether a calico-node keeps this node: an agent of ours would have removed its NAT, and so has not run since. */
export async function hasCalicoNat(
  settings: ChainsOptions['settings'],
  namespace?: string,
): Promise<boolean> {
  const open = (name: string) => openProgram(name, namespace)
  const backend = await detectBackend(open, settings.iptablesBackend)
  const save = open(iptables('ipv4', backend, 'save'))
  return /^:cali-/m.test(await save.text('-t', 'nat').catch(() => ''))
}
