// What is tried with each daemon, one row a feature. A row returns when it is so, and throws the reason why not.

import type { Capability } from '../../src/bgp/wire/message.ts'
import { type Bench, demand } from './bench.ts'
import { eventually } from './daemon.ts'
import type { Said } from './ours.ts'
import {
  OTHER,
  OTHERS,
  OUR_ASN,
  OUR_CLUSTER,
  OUR_LARGE_COMMUNITY,
  OURS,
  routerId,
  type SessionName,
  sessionOf,
} from './sessions.ts'

/** Milliseconds for an answer on a session that is up. */
const SOON = 5_000

export interface Feature {
  readonly name: string
  readonly standard: string
  tryWith(bench: Bench): Promise<void>
}

export const FEATURES: readonly Feature[] = [
  { name: 'internal peer, IPv4', standard: 'RFC 4271', tryWith: (bench) => exchange(bench, 'internal') },
  {
    name: 'internal peer, IPv6',
    standard: 'RFC 4760, 2545',
    tryWith: (bench) => exchange(bench, 'internal6'),
  },
  { name: 'external peer, IPv4', standard: 'RFC 4271', tryWith: (bench) => exchange(bench, 'external') },
  {
    name: 'external peer, IPv6',
    standard: 'RFC 4760, 2545',
    tryWith: (bench) => exchange(bench, 'external6'),
  },
  { name: 'client of our reflector', standard: 'RFC 4456', tryWith: weReflect },
  { name: 'reflector with us as client', standard: 'RFC 4456', tryWith: itReflects },
  { name: 'MD5, IPv4', standard: 'RFC 2385', tryWith: (bench) => exchange(bench, 'signed') },
  { name: 'MD5, IPv6', standard: 'RFC 2385', tryWith: (bench) => exchange(bench, 'signed6') },
  { name: 'GTSM, IPv4', standard: 'RFC 5082', tryWith: (bench) => exchange(bench, 'near') },
  { name: 'GTSM, IPv6', standard: 'RFC 5082', tryWith: (bench) => exchange(bench, 'near6') },
  { name: 'large communities', standard: 'RFC 8092', tryWith: largeCommunities },
  { name: 'route refresh, we ask', standard: 'RFC 2918', tryWith: weAsk },
  { name: 'route refresh, it asks', standard: 'RFC 2918', tryWith: itAsks },
  { name: 'extended messages', standard: 'RFC 8654', tryWith: extendedMessages },
]

/** The session is up, and each side has what the other announces, as that was meant. */
async function exchange(bench: Bench, name: SessionName): Promise<void> {
  const { place } = bench
  const { family, internal } = sessionOf(name)
  const received = await bench.weSee(name, place.stays[family])
  demand('next hop of its route', received.nextHop, place.theirs(sessionOf(name)))
  const path = received.asPath?.flatMap(({ asns }) => asns) ?? []
  demand('AS path of its route', path, internal ? [] : [place.asn])
  const seen = await bench.theySee(name, OURS.stays[family])
  demand('next hop of our route', seen.nextHop, place.ours(sessionOf(name)))
  demand('AS path of our route', seen.asPath, internal ? [] : [OUR_ASN])
}

async function weReflect(bench: Bench): Promise<void> {
  const seen = await bench.theySee('client', OTHERS.toUs)
  demand('CLUSTER_LIST', seen.clusterList.at(-1), OUR_CLUSTER) // OpenBGPD shows itself in front
  demand('ORIGINATOR_ID', seen.originatorId, OTHER)
}

async function itReflects(bench: Bench): Promise<void> {
  const received = await bench.weSee('reflector', OTHERS.toThem, 'does not reflect')
  demand('CLUSTER_LIST', received.clusterList, [bench.place.clusterId])
  demand('ORIGINATOR_ID', received.originatorId, routerId(sessionOf('source'), bench.place))
}

async function largeCommunities(bench: Bench): Promise<void> {
  const received = await bench.weSee('external', bench.place.stays.ipv4)
  demand('with its route', received.largeCommunities, [bench.place.largeCommunity])
  const seen = await bench.theySee('external', OURS.tagged)
  demand('with our route', seen.largeCommunities, [OUR_LARGE_COMMUNITY])
}

async function weAsk(bench: Bench): Promise<void> {
  const said = await bench.said('external')
  demandCapability(said, 'route-refresh')
  const before = said.heard.length
  bench.us.refresh(bench.peer('external'))
  await eventually(
    'does not announce again',
    () => says(said.heard.slice(before), bench.place.stays.ipv4),
    SOON,
  )
}

async function itAsks(bench: Bench): Promise<void> {
  const said = await bench.said('external')
  await bench.theySee('external', OURS.stays.ipv4)
  const before = said.told.length
  await bench.adapter.refresh(bench.plan, bench.neighbor('external'))
  await eventually('does not ask', () => said.told.length > before, SOON)
}

async function extendedMessages(bench: Bench): Promise<void> {
  const said = await bench.said('external')
  demandCapability(said, 'extended-message')
  await eventually('is sent none', () => said.told.some((length) => length > 4096))
  await bench.theySee('external', OURS.many.at(-1)!)
}

function demandCapability({ open }: Said, code: Capability['code']): void {
  if (!open!.capabilities.some((capability) => capability.code === code)) throw new Error('not offered')
}

function says(heard: Said['heard'], wanted: string): boolean {
  return heard.some(({ nlri }) => nlri.some(({ prefix }) => prefix === wanted))
}
