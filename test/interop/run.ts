// The run: all daemons at once, each in a namespace of its own, every feature tried with each.
//
//   near: our speaker, and another of ours that stands for a second node
//    ├── eth1 ── eth0, the first daemon
//    └── eth2 ── eth0, the second …

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Operation, UNCHANGED } from '../../src/bgp/rib/filter.ts'
import type { GroupTraits } from '../../src/bgp/rib/peer.ts'
import type { Path, PeerConfig } from '../../src/bgp/types.ts'
import type { Address } from '../../src/inet/address.ts'
import type { Prefix } from '../../src/inet/prefix.ts'
import { enter, namespaces } from '../kit/bird.ts'
import { ADAPTERS } from './adapters/index.ts'
import { Bench, type World } from './bench.ts'
import { type Adapter, versionOf } from './daemon.ts'
import { FEATURES } from './features.ts'
import { Ours } from './ours.ts'
import { itRestarts, weRestart } from './restarts.ts'
import {
  NEAR,
  OTHER,
  OTHERS,
  OUR_ASN,
  OUR_CLUSTER,
  OUR_LARGE_COMMUNITY,
  OURS,
  PASSWORD,
  type Place,
  peer,
  place,
  SESSIONS,
  sessionOf,
  TWICE,
} from './sessions.ts'

/** What came of a daemon; by feature, `yes` or why not. */
export interface Verdicts {
  readonly daemon: string
  readonly version: string
  readonly features: Readonly<Record<string, string>>
}

/** Whoever ends what the run began, the last first. */
export interface Scope {
  teardown(end: () => unknown): void
}

/** What our other speaker announces, to us and to the daemons. */
const TO_US: ReadonlySet<Prefix> = new Set([...Object.values(OTHERS.toUs), ...Object.values(TWICE)])
const TO_THEM: ReadonlySet<Prefix> = new Set([OTHERS.toThem])

const MANY: ReadonlySet<Prefix> = new Set(OURS.many)
/** Our ends of the sessions that they are announced on. */
const FOR_MANY: ReadonlySet<Address> = new Set(
  ADAPTERS.map((_, i) => place(i + 1).ours(sessionOf('external'))),
)

const TAG = [{ kind: 'add-community', community: { size: 'large', value: OUR_LARGE_COMMUNITY } }] as const

/** Tries everything with these daemons. The process is in another network namespace from then on. */
export async function run(scope: Scope, adapters: readonly Adapter[] = ADAPTERS): Promise<Verdicts[]> {
  const directory = mkdtempSync(join(tmpdir(), 'caracal-interop-'))
  chmodSync(directory, 0o755)
  scope.teardown(() => rmSync(directory, { recursive: true }))
  const namespaceOf = namespaces(scope, network(adapters))
  enter(namespaceOf('near'))
  const [us, other] = [ourselves(adapters, false), theOther(adapters)]
  const world: World = { us, other }
  scope.teardown(() => Promise.all([world.us.stop(), other.stop()]))
  const benches = adapters.map((adapter, i) => {
    const where = { directory: join(directory, adapter.name), namespace: namespaceOf(adapter.name) }
    return new Bench(adapter, place(i + 1), where, world)
  })
  scope.teardown(() => Promise.all(benches.map((bench) => bench.kill())))
  await Promise.all(benches.map((bench) => bench.start()))
  await Promise.all(
    benches.map(async (bench) => {
      for (const feature of FEATURES) await bench.judge(feature)
    }),
  )
  await weRestart(world, benches, () => ourselves(adapters, true))
  await Promise.all(benches.map(itRestarts))
  return Promise.all(benches.map(verdictsOf))
}

function ourselves(adapters: readonly Adapter[], restarting: boolean): Ours {
  const { stays, goes, tagged, many } = OURS
  return new Ours({
    restarting,
    advertise,
    listen: [
      { family: 'ipv4', port: 179 },
      { family: 'ipv6', port: 179 },
    ],
    originate: restarting
      ? []
      : [stays, goes, TWICE].flatMap((both) => Object.values(both)).concat(tagged, many),
    peers: [...between(NEAR, OTHER), ...peersOf(adapters, false)],
    password: PASSWORD,
  })
}

/**
 * What a daemon says on one session is not told it on another: it has many with us, and would hear of its own changes. It
 * gets only once what is much.
 */
function advertise({ prefix, peer }: Path, { localAddress }: GroupTraits): readonly Operation[] | undefined {
  if (peer !== null && !isOther(peer)) return undefined
  if (MANY.has(prefix) && !FOR_MANY.has(localAddress)) return undefined
  return prefix === OURS.tagged ? TAG : UNCHANGED
}

function isOther(address: string): boolean {
  return address === OTHER.ipv4 || address === OTHER.ipv6
}

function theOther(adapters: readonly Adapter[]): Ours {
  return new Ours({
    restarting: false,
    advertise: ({ prefix }, { localAddress }) =>
      (isOther(localAddress) ? TO_US : TO_THEM).has(prefix) ? UNCHANGED : undefined,
    listen: [],
    originate: [...TO_US, ...TO_THEM],
    peers: [...between(OTHER, NEAR), ...peersOf(adapters, true)],
    password: PASSWORD,
  })
}

function peersOf(adapters: readonly Adapter[], other: boolean): PeerConfig[] {
  const sessions = SESSIONS.filter((session) => (session.other ?? false) === other)
  return adapters.flatMap(({ name }, i) => sessions.map((session) => peer(session, place(i + 1), name)))
}

/** Of our two speakers the other dials, and is a client. */
function between(here: typeof NEAR, there: typeof NEAR): PeerConfig[] {
  return (['ipv4', 'ipv6'] as const).map((family) => ({
    name: there[family],
    kind: 'node',
    address: there[family],
    port: 179,
    localAddress: here[family],
    families: [family],
    localAsn: OUR_ASN,
    peerAsn: OUR_ASN,
    routerId: here.ipv4,
    passive: here === NEAR,
    holdTime: 90,
    restartTime: 120,
    allowedLocalAsns: 0,
    ...(here === NEAR && { reflector: { clusterId: OUR_CLUSTER, client: true } }),
    because: 'two nodes of ours',
  }))
}

/** A cable from us to each daemon, with the addresses of all sessions. */
function network(adapters: readonly Adapter[]): Record<string, string[]> {
  const ends = adapters.map(({ name }, i) => ({ name, at: place(i + 1), cable: `eth${i + 1}` }))
  return {
    near: [
      ...[NEAR, OTHER].flatMap(({ ipv4, ipv6 }) => [
        `addr add ${ipv4}/32 dev lo`,
        `addr add ${ipv6}/128 dev lo nodad`,
      ]),
      ...ends.flatMap(({ name, at, cable }) => [
        `link add ${cable} type veth peer name eth0 netns ${name}`,
        ...addresses(cable, at, 'ours'),
      ]),
    ],
    ...Object.fromEntries(ends.map(({ name, at }) => [name, addresses('eth0', at, 'theirs')])),
  }
}

function addresses(device: string, at: Place, end: 'ours' | 'theirs'): string[] {
  const add = SESSIONS.map((session) =>
    session.family === 'ipv4'
      ? `addr add ${at[end](session)}/24 dev ${device}`
      : `addr add ${at[end](session)}/64 dev ${device} nodad`,
  )
  return [`link set ${device} up`, ...add]
}

async function verdictsOf({ adapter, verdicts }: Bench): Promise<Verdicts> {
  return { daemon: adapter.name, version: await versionOf(adapter), features: Object.fromEntries(verdicts) }
}
