// FRR: https://docs.frrouting.org/en/stable-8.4/bgp.html

import { type Adapter, ask, eventually, type Neighbor, type Plan, type Seen } from '../daemon.ts'
import { PATH_WATCH } from '../sessions.ts'

const DIRECTORY = '/usr/lib/frr'
const FILES = ['--vty_socket', '.', '-z', 'zserv.api']

export const frr: Adapter = {
  name: 'FRR',
  version: [[`${DIRECTORY}/bgpd`, '--version'], /version (\S+)/],

  files: (plan) => ({ 'zebra.conf': '', 'bgpd.conf': configuration(plan) }),
  programs: () => [
    [`${DIRECTORY}/zebra`, '-f', 'zebra.conf', '-i', 'zebra.pid', '-P', '0', ...FILES],
    [`${DIRECTORY}/bfdd`, '-i', 'bfdd.pid', '-P', '0', '--bfdctl', 'bfdd.sock', ...FILES],
    [`${DIRECTORY}/bgpd`, '-f', 'bgpd.conf', '-i', 'bgpd.pid', '-P', '0', ...FILES],
  ],
  prepare: watch,

  async established(plan, { remote }) {
    const peers: Record<string, { bgpState: string }> = await show(plan, `neighbors ${remote}`)
    return peers[remote]?.bgpState === 'Established'
  },
  async routes(plan, { family, remote }, prefix) {
    const { paths = [] }: { paths?: ShownPath[] } = await show(plan, `${family} unicast ${prefix}`)
    return paths.filter(({ peer }) => peer.peerId === remote).map(seen)
  },
  refresh: (plan, { remote }) => vtysh(plan, `clear bgp ${remote} soft in`),
  async bfdUp(plan, { remote }) {
    const peers: { peer: string; status: string }[] = JSON.parse(await vtysh(plan, 'show bfd peers json'))
    return peers.some(({ peer, status }) => peer === remote && status === 'up')
  },
}

/** What bgpd asks of bfdd goes by way of zebra, and is lost when bfdd is not there yet. */
async function watch(plan: Plan): Promise<void> {
  const clients = () => vtysh(plan, 'show zebra client summary')
  await eventually('bfdd does not find zebra', async () => /^bfd\b/m.test(await clients()))
  const { intervalMs, multiplier } = PATH_WATCH
  const watched = plan.neighbors.filter(({ bfd }) => bfd)
  const lines = watched.map(
    ({ remote }) => `neighbor ${remote} bfd ${multiplier} ${intervalMs} ${intervalMs}`,
  )
  await vtysh(plan, 'configure terminal', `router bgp ${plan.asn}`, ...lines)
}

function vtysh(plan: Plan, ...commands: readonly string[]): Promise<string> {
  return ask(plan, 'vtysh', '--vty_socket', '.', ...commands.flatMap((command) => ['-c', command]))
}

async function show<T>(plan: Plan, what: string): Promise<T> {
  return JSON.parse(await vtysh(plan, `show bgp ${what} json`))
}

function configuration({ asn, routerId, clusterId, neighbors, announce }: Plan): string {
  const networks = (family: string) =>
    announce
      .filter((of) => of.family === family)
      .map(({ prefix, largeCommunity }) => `network ${prefix}${largeCommunity ? ' route-map tag' : ''}`)
  const activations = (family: string) =>
    neighbors
      .filter((of) => of.family === family)
      .flatMap(({ remote, client, addPath }) => [
        `neighbor ${remote} activate`,
        ...(client ? [`neighbor ${remote} route-reflector-client`] : []),
        ...(addPath ? [`neighbor ${remote} addpath-tx-all-paths`] : []),
      ])
  const families = (['ipv4', 'ipv6'] as const).flatMap((family) => [
    `address-family ${family} unicast`,
    ...networks(family),
    ...activations(family),
    'exit-address-family',
  ])
  const [tag] = announce.flatMap(({ largeCommunity = [] }) => largeCommunity)
  return [
    'log stdout',
    'route-map tag permit 1',
    `set large-community ${tag}`,
    'exit',
    `router bgp ${asn}`,
    `bgp router-id ${routerId}`,
    `bgp cluster-id ${clusterId}`,
    'no bgp ebgp-requires-policy',
    'no bgp default ipv4-unicast',
    'no bgp network import-check',
    'bgp graceful-restart',
    'bgp graceful-restart preserve-fw-state',
    'bgp graceful-restart select-defer-time 10',
    ...neighbors.flatMap(session),
    ...families,
    '',
  ].join('\n')
}

function session({ local, remote, remoteAsn, password, ttlSecurity }: Neighbor): string[] {
  const options = [
    `remote-as ${remoteAsn}`,
    `update-source ${local}`,
    'timers connect 1',
    'advertisement-interval 0',
    password && `password ${password}`,
    ttlSecurity && 'ttl-security hops 1',
  ]
  return options.filter(Boolean).map((option) => `neighbor ${remote} ${option}`)
}

/** As much as we look at. */
interface ShownPath {
  readonly aspath: { readonly segments: readonly { readonly list: readonly number[] }[] }
  readonly nexthops: readonly { readonly ip: string; readonly scope?: string }[]
  readonly largeCommunity?: { readonly list: readonly string[] }
  readonly originatorId?: string
  readonly clusterList?: { readonly list: readonly string[] }
  readonly peer: { readonly peerId: string }
}

function seen({ aspath, nexthops, largeCommunity, originatorId, clusterList }: ShownPath): Seen {
  return {
    nextHop: nexthops.find(({ scope }) => scope !== 'link-local')!.ip,
    asPath: aspath.segments.flatMap(({ list }) => list),
    largeCommunities: largeCommunity?.list ?? [],
    originatorId,
    clusterList: clusterList?.list ?? [],
  }
}
