// ExaBGP: https://github.com/Exa-Networks/exabgp/wiki. It has no table of its own, but tells a program what happens, which
// here writes it to a file.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Adapter, ask, type Neighbor, type Plan, type Seen } from '../daemon.ts'

/** Everything as root, and nothing in the foreground but what goes wrong. */
const ENVIRONMENT = [
  'exabgp.daemon.user=root',
  'exabgp.daemon.drop=false',
  'exabgp.api.cli=false',
  'exabgp.log.level=WARNING',
]

export const exabgp: Adapter = {
  name: 'ExaBGP',
  version: [['exabgp', '--version'], /ExaBGP : (\S+)/],

  files: (plan) => ({ 'exabgp.conf': configuration(plan), 'api.sh': api(plan), events: '' }),
  programs: () => [
    ['sh', '-c', `[ -p commands ] || mkfifo commands; exec env ${ENVIRONMENT.join(' ')} exabgp exabgp.conf`],
  ],

  established: async (plan, { remote }) =>
    eventsWith(plan, remote).findLast(({ type }) => type === 'state')?.neighbor.state === 'up',
  routes: async (plan, neighbor, prefix) => [...(tableOf(plan, neighbor).get(prefix)?.values() ?? [])],
  refresh: (plan, { family, remote }) =>
    ask(plan, 'sh', '-c', `echo "neighbor ${remote} announce route-refresh ${family} unicast" > commands`),
}

/** Commands come from a pipe that nobody closes, by a process that ends with the other. */
function api({ directory }: Plan): string {
  return `#!/bin/sh\nsetpriv --pdeathsig KILL cat <> ${directory}/commands &\nexec cat >> ${directory}/events\n`
}

function configuration(plan: Plan): string {
  return `process table { run ${plan.directory}/api.sh; encoder json; }\n${plan.neighbors
    .map((neighbor) => session(neighbor, plan))
    .join('')}`
}

/**
 * Where it listens it knows the TTL of IPv4 only, so there it connects. As it passes nothing on, several paths to one
 * destination are its own.
 */
function session(neighbor: Neighbor, { asn, routerId, announce }: Plan): string {
  const { family, local, remote, remoteAsn, password, ttlSecurity, addPath } = neighbor
  const routes = announce
    .filter((of) => of.family === family)
    .flatMap(({ prefix, largeCommunity }) => {
      const tag = largeCommunity ? ` large-community [ ${largeCommunity} ]` : ''
      const ids = addPath ? [1, 2].map((id) => ` path-information ${id}`) : ['']
      return ids.map((id) => `route ${prefix} next-hop self${tag}${id};`)
    })
  return `
neighbor ${remote} {
  router-id ${routerId}; local-address ${local}; local-as ${asn}; peer-as ${remoteAsn};
  ${ttlSecurity ? 'outgoing-ttl 255;' : 'listen 179; passive true;'} hold-time 90;
  ${password ? `md5-password ${password};` : ''}
  capability { graceful-restart 120; route-refresh enable; extended-message enable; ${addPath ? 'add-path send/receive; ' : ''}}
  family { ${family} unicast; }
  api { processes [ table ]; neighbor-changes; receive { parsed; update; } }
  static { ${routes.join(' ')} }
}`
}

/** As much of an event as we look at. */
interface Event {
  readonly type: string
  readonly neighbor: {
    readonly address: { readonly peer: string }
    readonly state?: string
    readonly message?: { readonly update?: ShownUpdate }
  }
}

interface ShownPrefix {
  readonly nlri: string
  readonly 'path-information'?: string
}

type ByNextHop = Readonly<Record<string, readonly ShownPrefix[]>>

interface ShownUpdate {
  readonly attribute?: {
    readonly 'as-path'?: readonly number[]
    readonly 'large-community'?: readonly (readonly number[])[]
    readonly 'originator-id'?: string
    readonly 'cluster-list'?: readonly string[]
  }
  readonly announce?: Readonly<Record<string, ByNextHop>>
  readonly withdraw?: ByNextHop
}

/** The last line may not be whole yet, and not all are events: commands are answered with `done`. */
function eventsWith({ directory }: Plan, remote: string): Event[] {
  const lines = readFileSync(join(directory, 'events'), 'utf8').split('\n').slice(0, -1)
  const events = lines.filter((line) => line.startsWith('{')).map((line): Event => JSON.parse(line))
  return events.filter(({ neighbor }) => neighbor?.address.peer === remote)
}

/** What a program knows that keeps what it was told, for as long as there is a session: by prefix and path identifier. */
function tableOf(plan: Plan, { remote }: Neighbor): ReadonlyMap<string, Map<string, Seen>> {
  const table = new Map<string, Map<string, Seen>>()
  for (const { neighbor } of eventsWith(plan, remote)) {
    if (neighbor.state === 'down') table.clear()
    const { announce = {}, withdraw = {}, attribute } = neighbor.message?.update ?? {}
    for (const { nlri, ...path } of Object.values(withdraw).flat())
      table.get(nlri)?.delete(path['path-information'] ?? '')
    for (const [nextHop, routes] of Object.values(announce).flatMap(Object.entries<ByNextHop[string]>))
      for (const { nlri, ...path } of routes) {
        const paths = table.get(nlri) ?? new Map<string, Seen>()
        table.set(nlri, paths.set(path['path-information'] ?? '', seen(nextHop, attribute)))
      }
  }
  return table
}

function seen(nextHop: string, attribute: ShownUpdate['attribute'] = {}): Seen {
  return {
    nextHop,
    asPath: attribute['as-path'] ?? [],
    largeCommunities: (attribute['large-community'] ?? []).map((parts) => parts.join(':')),
    originatorId: attribute['originator-id'],
    clusterList: attribute['cluster-list'] ?? [],
  }
}
