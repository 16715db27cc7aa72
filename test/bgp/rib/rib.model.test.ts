import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { type FilterRule, UNCHANGED } from '../../../src/bgp/rib/filter.ts'
import { type Outbound, Rib, type RibPeer } from '../../../src/bgp/rib/rib.ts'
import type { Origination, Path } from '../../../src/bgp/types.ts'
import type { Nlri, PathAttributes, Update } from '../../../src/bgp/wire/message.ts'
import { address, familyOf } from '../../../src/inet/address.ts'
import { type Prefix, prefix } from '../../../src/inet/prefix.ts'
import { attributes, BOTH, LOCAL, peer, prefixWithin, router, sequence } from '../../kit/rib.ts'
import { keyOf, Model, Neighbor } from '../../kit/rib-model.ts'

// Six update groups; in one of them a peer that sends several paths, in another one that carries IPv6, and in two those
// that take several paths.
const PEERS: readonly RibPeer[] = [
  peer(2),
  peer(3),
  peer(4),
  router(5),
  router(6),
  router(7, { encoding: 'as2' }),
  router(9, { addPathSend: { ipv4: true, ipv6: false }, asn: 65002 }),
  peer(10, { addPathSend: { ipv4: true, ipv6: true } }),
  peer(11, { addPathSend: { ipv4: true, ipv6: true } }),
  router(8, { families: BOTH, localAddress: address('fd00::1'), address: address('fd00::8'), asn: 65001 }),
]

const PREFIXES = [
  '10.1.0.0/26',
  '10.1.0.64/26',
  '10.2.0.0/26',
  '0.0.0.0/0',
  'fd00:1::/64',
  'fd00:2::/64',
].map(prefix)

type Command =
  | { readonly do: 'up' | 'down'; readonly peer: number }
  | { readonly do: 'receive'; readonly peer: number; readonly update: Update }
  | { readonly do: 'originate'; readonly set: readonly Origination[]; readonly withdraw: readonly Prefix[] }
  | { readonly do: 'resend'; readonly peer: number; readonly family: 'ipv4' | 'ipv6' }
  | { readonly do: 'refilter'; readonly exportable: readonly Prefix[] }
  | { readonly do: 'change'; readonly peer: number; readonly over: Partial<RibPeer> }
  | { readonly do: 'take'; readonly limit: number }

const anyPeer = fc.nat(PEERS.length - 1)
const anyPrefixes = fc.subarray(PREFIXES, { maxLength: 3 })
const anyNlri: fc.Arbitrary<Nlri[]> = fc.uniqueArray(
  fc.record({ prefix: fc.constantFrom(...PREFIXES), pathId: fc.nat(1) }),
  { maxLength: 4, selector: ({ prefix, pathId }) => `${prefix} ${pathId}` },
)

const anyAttributes: fc.Arbitrary<PathAttributes> = fc
  .record({
    asPath: fc.constantFrom(sequence(65000), sequence(65000, 65001), sequence(65000, LOCAL.asn)),
    // One next hop is a node of the mesh, another ourselves.
    nextHop: fc.constantFrom(...['10.0.0.9', '10.0.0.3', '10.0.0.5', '10.0.0.1'].map(address)),
    med: fc.option(fc.nat(1), { nil: undefined }),
    communities: fc.option(fc.constantFrom([0xffffff01], [1]), { nil: undefined }),
  })
  .map(({ asPath = [], nextHop, med, communities }) =>
    attributes({ asPath, nextHop, ...(med !== undefined && { med }), ...(communities && { communities }) }),
  )

const within = prefixWithin(prefix('10.1.0.0/16'))
const rule = (over: Partial<FilterRule>): FilterRule => ({
  because: 'a filter',
  accept: true,
  conditions: [within],
  operations: [],
  ...over,
})

const anyRules: fc.Arbitrary<readonly FilterRule[]> = fc.subarray([
  rule({ accept: false, conditions: [within, { kind: 'learned' }] }),
  rule({ operations: [{ kind: 'set-local-pref', value: 500 }] }),
  rule({
    conditions: [{ kind: 'community', community: { size: 'standard', value: 1 } }],
    operations: [{ kind: 'prepend-as-path', asns: [7, 8] }],
  }),
  rule({ conditions: [] }),
])

/** What may become other while a session lasts. */
const anyPolicy: fc.Arbitrary<Partial<RibPeer>> = fc.record(
  {
    allowedLocalAsns: fc.nat(1),
    nextHopMode: fc.constantFrom('self' as const, 'keep' as const),
    reflector: fc.record({ clusterId: fc.constant(address('1.1.1.1')), client: fc.boolean() }),
    filters: fc.record({ import: anyRules, export: anyRules }).map(({ import: ours, export: theirs }) => ({
      import: { ipv4: ours, ipv6: [] },
      export: { ipv4: theirs, ipv6: [] },
    })),
  },
  { requiredKeys: [] },
)

/** As the codec would hand it over: IPv6 in MP_REACH and MP_UNREACH, IPv4 in the classic fields. */
const anyUpdate: fc.Arbitrary<Update> = fc
  .record({ withdrawn: anyNlri, nlri: anyNlri, attributes: anyAttributes, bad: fc.nat(9) })
  .map(({ withdrawn, nlri, attributes, bad }) => {
    const ipv4 = ({ prefix }: Nlri): boolean => familyOf(prefix) === 'ipv4'
    const ipv6 = (nlri: Nlri): boolean => !ipv4(nlri)
    const family = 'ipv6' as const
    return {
      kind: 'update',
      withdrawn: withdrawn.filter(ipv4),
      nlri: nlri.filter(ipv4),
      attributes: {
        ...attributes,
        mpReach: { family, nextHop: address('fd00::9'), nlri: nlri.filter(ipv6) },
        mpUnreach: { family, withdrawn: withdrawn.filter(ipv6) },
      },
      faults: bad === 0 ? [{ severity: 'treat-as-withdraw', attribute: 4, reason: 'too short' }] : [],
    }
  })

const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('up' as const), peer: anyPeer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('down' as const), peer: anyPeer }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('receive' as const), peer: anyPeer, update: anyUpdate }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('originate' as const),
      set: fc
        .tuple(anyPrefixes, fc.nat(1))
        .map(([prefixes, localPref]) => prefixes.map((prefix) => ({ prefix, localPref, because: 'a test' }))),
      withdraw: anyPrefixes,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('resend' as const),
      peer: anyPeer,
      family: fc.constantFrom(...BOTH),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('change' as const), peer: anyPeer, over: anyPolicy }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('refilter' as const), exportable: fc.subarray(PREFIXES) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('take' as const), limit: fc.integer({ min: 1, max: 8 }) }),
  },
)

/** The tables, the model, and neighbours that remember what they were sent, all told the same. */
class Bench {
  exported: readonly Prefix[] = PREFIXES
  readonly rib = new Rib({
    advertise: ({ peer, prefix }) =>
      peer === null || this.exported.includes(prefix) ? UNCHANGED : undefined,
  })
  readonly model = new Model(({ prefix }) => this.exported.includes(prefix))
  readonly neighbors = new Map<string, Neighbor>()
  readonly used = new Map<Prefix, readonly Path[]>()

  run(command: Command): void {
    if ('peer' in command && command.do !== 'up' && !this.neighbors.has(PEERS[command.peer]!.name)) return
    switch (command.do) {
      case 'up':
        this.up(PEERS[command.peer]!)
        break
      case 'down':
        this.down(PEERS[command.peer]!.name)
        break
      case 'receive':
        for (const tables of [this.rib, this.model]) tables.receive(PEERS[command.peer]!.name, command.update)
        break
      case 'originate':
        for (const tables of [this.rib, this.model]) tables.originate(command.set, command.withdraw)
        break
      case 'resend':
        this.resend(PEERS[command.peer]!.name, command.family)
        break
      case 'refilter':
        this.exported = command.exportable
        this.rib.refilter()
        break
      case 'change':
        this.change({ ...PEERS[command.peer]!, ...command.over })
        break
      case 'take':
        for (const outbound of this.rib.takeOutbound(command.limit)) this.deliver(outbound)
    }
  }

  /** What the peer holds may be announced again. */
  change(peer: RibPeer): void {
    this.rib.changePeer(peer)
    this.model.peers.set(peer.name, peer)
    const { held, excused } = this.neighbors.get(peer.name)!
    for (const key of held.keys()) excused.add(key)
  }

  up(peer: RibPeer): void {
    for (const tables of [this.rib, this.model]) tables.addPeer(peer)
    this.neighbors.set(peer.name, new Neighbor())
  }

  down(name: string): void {
    for (const tables of [this.rib, this.model]) tables.removePeer(name)
    this.neighbors.delete(name)
  }

  resend(name: string, family: 'ipv4' | 'ipv6'): void {
    const { held, asked } = this.neighbors.get(name)!
    for (const key of held.keys()) if (key.includes(':') === (family === 'ipv6')) asked.add(key)
    this.rib.resend(name, family)
  }

  deliver({ to, family, announce, withdraw = [], endOf }: Outbound): void {
    for (const neighbor of to.map((name) => this.neighbors.get(name)!)) {
      for (const nlri of withdraw) neighbor.withdraw(nlri)
      for (const nlri of announce?.nlri ?? []) neighbor.announce(nlri, announce!.attributes)
      if (endOf === 'rib') neighbor.ended.push(family)
    }
  }

  /** True at any moment: the counters count what the neighbours hold. */
  counts(): void {
    for (const [name, { held }] of this.neighbors) {
      same(this.rib.advertised(name), held.size, `advertised to ${name}`)
      same(this.rib.received(name), this.model.received.get(name)!.length, `received from ${name}`)
    }
  }

  /** True when there is nothing left to send. */
  quiet(): void {
    while (this.rib.pendingOutbound) this.run({ do: 'take', limit: 3 })
    for (const [name, { held, ended, asked }] of this.neighbors) {
      for (const prefix of PREFIXES) {
        const told = [...held].filter(([key]) => key.startsWith(`${prefix} `))
        const should = [...this.model.told(name, prefix)].map(
          ([pathId, sent]) => [keyOf({ prefix, pathId }), sent] as const,
        )
        same(new Map(told), new Map(should), `${prefix} to ${name}`)
      }
      same(ended.toSorted(), this.model.peers.get(name)!.families.toSorted(), `End-of-RIB to ${name}`)
      same(asked.size, 0, `what ${name} asked for`)
    }
    for (const { prefix, used } of this.rib.takeBestChanges()) {
      if (isDeepStrictEqual(this.used.get(prefix) ?? [], used)) throw new Error(`${prefix} did not change`)
      this.used.set(prefix, used)
    }
    for (const prefix of PREFIXES) {
      same(this.used.get(prefix) ?? [], this.model.used(prefix), `paths in use to ${prefix}`)
      same(this.rib.best(prefix), this.model.best(prefix), `best path of ${prefix}`)
      const ranked = this.rib.paths(prefix)
      same(ranked.length, this.model.paths(prefix).length, `paths of ${prefix}`)
      const used = ranked.filter(({ lostBy }) => lostBy === undefined).map(({ path }) => path)
      same(used.slice(0, 1), this.model.used(prefix).slice(0, 1), `why not ${prefix}`)
      same(new Set(used), new Set(this.model.used(prefix)), `why not ${prefix}`)
    }
  }
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return
  throw new Error(`${what}: ${JSON.stringify(actual)} where ${JSON.stringify(expected)} was due`)
}

t.test('whatever happens, each peer holds what it would from tables of its own, told once', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(anyCommand, { maxLength: 25, size: 'max' }), { maxLength: 6, size: 'max' }),
      (rounds) => {
        const bench = new Bench()
        for (const round of rounds) {
          for (const command of round) {
            bench.run(command)
            bench.counts()
          }
          bench.quiet()
        }
      },
    ),
    { numRuns: 1000 },
  )
})
