// GoBGP: https://github.com/osrg/gobgp/blob/v3.10.0/docs/sources/configuration.md. What it announces it is told by its
// client, as there is no place for that in its file.

import type { Family } from '../../../src/inet/address.ts'
import { type Adapter, type Announcement, ask, type Neighbor, type Plan, type Seen } from '../daemon.ts'

const AFI: Readonly<Record<Family, string>> = { ipv4: 'ipv4-unicast', ipv6: 'ipv6-unicast' }

export const gobgp: Adapter = {
  name: 'GoBGP',
  version: [['gobgp', '--version'], /version (\S+)/],

  files: (plan) => ({ 'gobgpd.json': JSON.stringify(configuration(plan)) }),
  programs: ({ restarting }) => [
    ['gobgpd', '-t', 'json', '-f', 'gobgpd.json', '--pprof-disable', ...(restarting ? ['-r'] : [])],
  ],
  prepare: (plan) => Promise.all(plan.announce.map((route) => client(plan, ...announcement(route)))),

  async established(plan, { remote }) {
    const { state } = await show<{ state: { session_state: number } }>(plan, 'neighbor', remote)
    return state.session_state === ESTABLISHED
  },
  async routes(plan, { family, remote }, prefix) {
    const table = await show<Record<string, ShownPath[]>>(
      plan,
      ...['neighbor', remote, 'adj-in', prefix, '-a', family],
    )
    return Object.values(table).flat().map(seen)
  },
  refresh: (plan, { family, remote }) => client(plan, 'neighbor', remote, 'softresetin', '-a', family),
}

const ESTABLISHED = 6

function client(plan: Plan, ...argv: readonly string[]): Promise<string> {
  return ask(plan, 'gobgp', ...argv)
}

async function show<T>(plan: Plan, ...argv: readonly string[]): Promise<T> {
  return JSON.parse(await client(plan, '-j', ...argv))
}

function announcement({ prefix, family, largeCommunity }: Announcement): string[] {
  const tag = largeCommunity ? ['large-community', largeCommunity] : []
  return ['global', 'rib', 'add', prefix, ...tag, '-a', family]
}

function configuration({ asn, routerId, clusterId, neighbors }: Plan): unknown {
  return {
    global: { config: { as: asn, 'router-id': routerId } },
    neighbors: neighbors.map((neighbor) => session(neighbor, clusterId)),
  }
}

function session({ local, remote, remoteAsn, ...options }: Neighbor, clusterId: string): unknown {
  const { family, password, ttlSecurity, addPath, client } = options
  return {
    config: {
      'neighbor-address': remote,
      'peer-as': remoteAsn,
      ...(password && { 'auth-password': password }),
    },
    transport: { config: { 'local-address': local } },
    timers: { config: { 'connect-retry': 1, 'idle-hold-time-after-reset': 1 } },
    'graceful-restart': { config: { enabled: true, 'restart-time': 120, 'deferral-time': 60 } },
    'afi-safis': [
      {
        config: { 'afi-safi-name': AFI[family] },
        'mp-graceful-restart': { config: { enabled: true } },
        ...(addPath && { 'add-paths': { config: { receive: true, 'send-max': 8 } } }),
      },
    ],
    ...(ttlSecurity && { 'ttl-security': { config: { enabled: true, 'ttl-min': 255 } } }),
    ...(client && {
      'route-reflector': {
        config: { 'route-reflector-client': true, 'route-reflector-cluster-id': clusterId },
      },
    }),
  }
}

/** As much as we look at. */
interface ShownPath {
  readonly attrs: readonly ShownAttribute<unknown>[]
}

interface ShownAttribute<T> {
  readonly type: number
  readonly value?: T
  readonly nexthop?: string
  readonly as_paths?: readonly { readonly asns: readonly number[] }[]
}

interface LargeCommunity {
  readonly ASN: number
  readonly LocalData1: number
  readonly LocalData2: number
}

function seen({ attrs }: ShownPath): Seen {
  const attribute = <T>(type: number) => attrs.find((of) => of.type === type) as ShownAttribute<T> | undefined
  return {
    nextHop: (attribute(3)?.nexthop ?? attribute(14)?.nexthop)!,
    asPath: attribute(2)?.as_paths?.flatMap(({ asns }) => asns) ?? [],
    largeCommunities: (attribute<LargeCommunity[]>(32)?.value ?? []).map((parts) =>
      Object.values(parts).join(':'),
    ),
    originatorId: attribute<string>(9)?.value,
    clusterList: attribute<string[]>(10)?.value ?? [],
  }
}
