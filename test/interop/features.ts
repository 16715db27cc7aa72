// What is tried with each daemon, one row a feature. A row returns when it is so, and throws the reason why not.

import type { Capability } from '../../src/bgp/wire/message.ts'
import { type Bench, demand } from './bench.ts'
import { eventually, forAll } from './daemon.ts'
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
  TWICE,
} from './sessions.ts'

/** Those that are made for several paths, and those that BFD watches. */
const PATHS = ['paths', 'client6'] as const
const WATCHED = ['signed', 'signed6', 'signedInternal'] as const

/** Milliseconds for what some never do, on a session that is up: all of it is waited for with those. */
const PATIENCE = 15_000

/** Restarts of a reflector are for those that are one. */
export const IT_REFLECTS = 'reflector with us as client'

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
  {
    name: 'client of our reflector',
    standard: 'RFC 4456',
    tryWith: (bench) => forAll<SessionName>(['client', 'client6'], (name) => weReflect(bench, name)),
  },
  {
    name: IT_REFLECTS,
    standard: 'RFC 4456',
    tryWith: itReflects,
  },
  { name: 'MD5, IPv4', standard: 'RFC 2385', tryWith: (bench) => exchange(bench, 'signed') },
  { name: 'MD5, IPv6', standard: 'RFC 2385', tryWith: (bench) => exchange(bench, 'signed6') },
  {
    name: 'MD5, internal peer',
    standard: 'RFC 2385',
    tryWith: (bench) => exchange(bench, 'signedInternal'),
  },
  { name: 'GTSM, IPv4', standard: 'RFC 5082', tryWith: (bench) => exchange(bench, 'near') },
  { name: 'GTSM, IPv6', standard: 'RFC 5082', tryWith: (bench) => exchange(bench, 'near6') },
  { name: 'GTSM, internal peer', standard: 'RFC 5082', tryWith: guardedInternal },
  { name: 'large communities', standard: 'RFC 8092', tryWith: largeCommunities },
  { name: 'route refresh, we ask', standard: 'RFC 2918', tryWith: weAsk },
  { name: 'route refresh, it asks', standard: 'RFC 2918', tryWith: itAsks },
  { name: 'extended messages, we send', standard: 'RFC 8654', tryWith: weSendLong },
  { name: 'extended messages, it sends', standard: 'RFC 8654', tryWith: itSendsLong },
  {
    name: 'ADD-PATH, we send',
    standard: 'RFC 7911',
    tryWith: (bench) => forAll(PATHS, (name) => weSendTwo(bench, name)),
  },
  {
    name: 'ADD-PATH, it sends',
    standard: 'RFC 7911',
    tryWith: (bench) => forAll(PATHS, (name) => itSendsTwo(bench, name)),
  },
  {
    name: 'BFD ends the session',
    standard: 'RFC 5881, 5882',
    tryWith: (bench) => forAll(WATCHED, (name) => bfdEnds(bench, name)),
  },
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

/** Packets of the others come with a TTL that is refused, so that it is no use to wait for a session. */
async function guardedInternal(bench: Bench): Promise<void> {
  const { ttlSecurity } = bench.adapter
  if (ttlSecurity === 'external only' && !bench.isUp('nearInternal'))
    throw new Error('with external peers only')
  await exchange(bench, 'nearInternal')
}

async function weReflect(bench: Bench, name: SessionName): Promise<void> {
  const seen = await bench.theySee(name, OTHERS.toUs[sessionOf(name).family])
  demand('CLUSTER_LIST', seen.clusterList.at(-1), OUR_CLUSTER) // OpenBGPD shows itself in front
  demand('ORIGINATOR_ID', seen.originatorId, OTHER.ipv4)
}

async function itReflects(bench: Bench): Promise<void> {
  const received = await bench.weSee('reflector', OTHERS.toThem, 'does not reflect', PATIENCE)
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
    PATIENCE,
  )
}

async function itAsks(bench: Bench): Promise<void> {
  const said = await bench.said('external')
  await bench.theySee('external', OURS.stays.ipv4)
  const before = said.told.length
  await bench.adapter.refresh(bench.plan, bench.neighbor('external'))
  await eventually('does not ask', () => said.told.length > before, PATIENCE)
}

async function weSendLong(bench: Bench): Promise<void> {
  const said = await bench.said('external')
  demandCapability(said, 'extended-message')
  await eventually('is sent none', () => said.told.some((length) => length > 4096))
  await bench.theySee('external', OURS.many.at(-1)!)
}

/** It passes on to us as an internal peer what we told it as an external one. */
async function itSendsLong(bench: Bench): Promise<void> {
  const said = await bench.said('internal')
  demandCapability(said, 'extended-message')
  await bench.weSee('internal', OURS.many.at(-1)!, 'passes nothing on', PATIENCE)
  const fit = 4096 / 5 // each takes five octets
  await eventually('sends short ones only', () => said.heard.some(({ nlri }) => nlri.length > fit), PATIENCE)
}

/** Our own path, and that of our other speaker. */
async function weSendTwo(bench: Bench, name: SessionName): Promise<void> {
  const { family } = sessionOf(name)
  demandCapability(await bench.said(name), 'add-path')
  await bench.theySee(name, TWICE[family])
  const nextHops = () => bench.theyHaveAll(name, TWICE[family]).then((all) => all.map((of) => of.nextHop))
  await eventually('has one path only', async () => (await nextHops()).length > 1, PATIENCE)
  demand('next hops', (await nextHops()).sort(), [bench.place.ours(sessionOf(name)), OTHER[family]].sort())
}

/** What we told it on several sessions or, if it passes nothing on, what it announces itself. */
async function itSendsTwo(bench: Bench, name: SessionName): Promise<void> {
  const { family } = sessionOf(name)
  demandCapability(await bench.said(name), 'add-path')
  await bench.weSee(name, bench.place.stays[family])
  const all = [OURS.stays[family], bench.place.stays[family]]
  const several = () => all.some((prefix) => bench.us.receivedAll(bench.peer(name), prefix).length > 1)
  await eventually('sends one path only', several, PATIENCE)
}

/** Packets get lost, and nobody says so. The hold timers would notice much later. */
async function bfdEnds(bench: Bench, name: SessionName): Promise<void> {
  const { adapter, plan } = bench
  if (!adapter.bfdUp) throw new Error('has no BFD')
  const [peer, us] = [bench.peer(name), bench.neighbor(name)]
  const bothSee = async () => bench.us.bfdUp(peer) && (await adapter.bfdUp!(plan, us))
  await bench.up(name)
  await eventually('BFD does not come up', bothSee)
  await bench.whileCut(name, async () => {
    await eventually('we do not notice', () => bench.us.view(peer).lastError === 'BGP Error: BFD down')
    await eventually('it does not notice', async () => !(await adapter.established(plan, us)))
  })
  await bench.up(name)
  await eventually('BFD does not come up again', bothSee)
}

function demandCapability({ open }: Said, code: Capability['code']): void {
  if (!open!.capabilities.some((capability) => capability.code === code)) throw new Error('not offered')
}

function says(heard: Said['heard'], wanted: string): boolean {
  return heard.some(({ nlri }) => nlri.some(({ prefix }) => prefix === wanted))
}
