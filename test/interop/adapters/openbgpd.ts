// OpenBGPD: https://man.openbsd.org/bgpd.conf

import { type Adapter, ask, type Neighbor, type Plan, type Seen } from '../daemon.ts'

/** FRR has another program of this name. */
const BGPD = '/usr/sbin/bgpd'

/** Its processes change their root to the home of their user, in Debian a directory that systemd makes. This one is seen by nobody else. */
const HOME = 'mount -t tmpfs run /run && mkdir -m 755 /run/openbgpd'

export const openbgpd: Adapter = {
  name: 'OpenBGPD',
  version: [[BGPD, '-V'], /OpenBGPD (\S+)/],

  ttlSecurity: 'external only',

  files: (plan) => ({ 'bgpd.conf': configuration(plan) }),
  programs: () => [['sh', '-c', `${HOME} && exec ${BGPD} -d -f bgpd.conf`]],

  async established(plan, { remote }) {
    const { neighbors } = await show<{ neighbors: { state: string }[] }>(plan, 'neighbor', remote)
    return neighbors[0]?.state === 'Established'
  },
  async routes(plan, { remote }, prefix) {
    const { rib = [] } = await show<{ rib?: ShownPath[] }>(
      plan,
      ...['rib', 'detail', 'in', 'neighbor', remote, prefix],
    )
    return rib.map(seen)
  },
  refresh: (plan, { remote }) => bgpctl(plan, 'neighbor', remote, 'refresh'),
}

function bgpctl(plan: Plan, ...argv: readonly string[]): Promise<string> {
  return ask(plan, 'bgpctl', '-s', `${plan.directory}/bgpd.sock`, ...argv)
}

async function show<T>(plan: Plan, ...what: readonly string[]): Promise<T> {
  return JSON.parse(await bgpctl(plan, '-j', 'show', ...what))
}

function configuration({ asn, routerId, clusterId, neighbors, announce, directory }: Plan): string {
  const networks = announce.map(
    ({ prefix, largeCommunity }) =>
      `network ${prefix}${largeCommunity ? ` set large-community ${largeCommunity}` : ''}`,
  )
  return [
    `AS ${asn}`,
    `router-id ${routerId}`,
    `socket "${directory}/bgpd.sock"`,
    'fib-update no',
    ...networks,
    ...neighbors.flatMap((neighbor) => session(neighbor, clusterId)),
    'allow from any',
    'allow to any',
    '',
  ].join('\n')
}

function session(neighbor: Neighbor, clusterId: string): string[] {
  const { name, family, local, remote, remoteAsn, password, ttlSecurity, addPath, client } = neighbor
  const options = [
    `descr ${name}`,
    `remote-as ${remoteAsn}`,
    `local-address ${local}`,
    `announce ${family === 'ipv4' ? 'IPv4' : 'IPv6'} unicast`,
    'announce restart yes',
    'announce enhanced refresh yes',
    addPath && 'announce add-path recv yes\n  announce add-path send all',
    password && `tcp md5sig password ${password}`,
    ttlSecurity && 'ttl-security yes',
    client && `route-reflector ${clusterId}`,
  ].filter(Boolean)
  return [`neighbor ${remote} {`, ...options.map((option) => `  ${option}`), '}']
}

/** As much as we look at. */
interface ShownPath {
  readonly aspath: string
  readonly exit_nexthop: string
  readonly large_communities?: readonly string[]
  readonly attributes?: readonly ShownAttribute[]
}

interface ShownAttribute {
  readonly originator?: string
  readonly cluster_list?: readonly string[]
}

function seen({ attributes = [], ...path }: ShownPath): Seen {
  return {
    nextHop: path.exit_nexthop,
    asPath: path.aspath.split(' ').filter(Boolean).map(Number),
    largeCommunities: path.large_communities ?? [],
    originatorId: attributes.flatMap(({ originator = [] }) => originator)[0],
    clusterList: attributes.flatMap(({ cluster_list = [] }) => cluster_list),
  }
}
