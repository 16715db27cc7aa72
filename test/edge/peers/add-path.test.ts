// Several paths to one destination (RFC 7911), from a real BIRD 2 and to another table of it.

import t from 'tap'
import { Speaker } from '../../../src/bgp/speaker.ts'
import type { PeerConfig } from '../../../src/bgp/types.ts'
import { createLog } from '../../../src/edge/observe/log.ts'
import { Runner } from '../../../src/edge/peers/runner.ts'
import { address, scoped } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { enter, namespaces, startBird } from '../../kit/bird.ts'
import { needsRoot } from '../../kit/needs-root.ts'
import { until } from '../../kit/until.ts'

/** Ways 4 and 5 lead over two routers. */
const VIA = [4, 5].map((way) => `if proto = "way${way}" then bgp_next_hop = 10.7.1.10${way};`).join(' ')

/** BIRD's end of a session with us; each end has a table of its own, and one of our addresses: BIRD has no two with one. */
const router = (name: string, local: string, ours: string, asn: number) => `
  ipv4 table of_${name};
  protocol bgp ${name} {
    local ${local} as ${asn};
    neighbor ${ours} as 64512;
    connect delay time 1;
    ipv4 { table of_${name}; import all; export filter { ${VIA} accept; }; add paths on; };
  }`

/** A way to a prefix that is told from others by its community. */
const way = (number: number, to = '10.9.0.0/24') => `
  protocol static way${number} {
    ipv4 { table of_giver; import filter { bgp_community.add((65001, ${number})); preference = ${100 + number}; accept; }; };
    route ${to} blackhole;
  }`

const peer = (own: string, ours: string, asn: number): PeerConfig => ({
  name: scoped(address(own), undefined),
  kind: 'global',
  address: address(own),
  port: 179,
  localAddress: address(ours),
  families: ['ipv4'],
  localAsn: 64512,
  peerAsn: asn,
  routerId: address('10.7.1.1'),
  passive: true,
  holdTime: 90,
  restartTime: 120,
  allowedLocalAsns: 0,
  addPath: 'both',
  because: 'a test',
})

const giver = peer('10.7.1.2', '10.7.1.1', 65001)
const taker = peer('10.7.1.3', '10.7.1.4', 65003)

t.test('with BIRD 2', needsRoot, async (t) => {
  const net = namespaces(t, {
    us: [
      'link add eth0 type veth peer name eth0 netns bird',
      'link set eth0 up',
      'addr add 10.7.1.1/24 dev eth0',
      'addr add 10.7.1.4/24 dev eth0',
    ],
    bird: ['link set eth0 up', 'addr add 10.7.1.2/24 dev eth0', 'addr add 10.7.1.3/24 dev eth0'],
  })
  enter(net('us'))
  const routers =
    router('giver', '10.7.1.2', '10.7.1.1', 65001) + router('taker', '10.7.1.3', '10.7.1.4', 65003)
  const bird = startBird(
    t,
    net('bird'),
    '10.7.1.2',
    routers + way(1) + way(2) + way(3) + way(4, '10.10.0.0/24') + way(5, '10.10.0.0/24'),
  )
  const speaker = new Speaker({ random: () => 0, restarting: false })
  const used = new Map<string, readonly string[]>()
  const runner = new Runner({
    speaker,
    log: createLog({ node: 'us', level: 'silent' }),
    onBest: (changes) => {
      for (const change of changes)
        used.set(
          change.prefix,
          change.used.map(({ nextHop }) => nextHop),
        )
    },
  })
  t.teardown(() => runner.stop())
  runner.step({ kind: 'peers', set: [giver, taker], remove: [] })
  runner.listen([{ family: 'ipv4', port: 179 }])

  const destination = prefix('10.9.0.0/24')
  const ways = (communities: readonly number[]) => communities.map((value) => value & 0xffff)
  const held = () => speaker.rib.paths(destination).map(({ path }) => ways(path.attributes.communities ?? []))
  const arrived = () =>
    [...bird.ask('show route all table of_taker').matchAll(/community: \(65001,([123])\)/g)]
      .map(([, number]) => Number(number))
      .sort()
  const both = async (what: string, expected: readonly number[]) => {
    await until(`${what}: held`, () => `${held().flat().sort()}` === `${expected}`)
    await until(`${what}: passed on`, () => `${arrived()}` === `${expected}`)
  }

  await t.test('all paths are taken, and all are passed on', () => both('three', [1, 2, 3]))

  await t.test('two that are as good as each other are used together, for a route of two next hops', () =>
    until('both are in use', () => `${used.get('10.10.0.0/24')?.toSorted()}` === '10.7.1.104,10.7.1.105'),
  )

  await t.test('a path that goes is withdrawn, and no other', async () => {
    bird.ask('disable way2')
    await both('two', [1, 3])
  })

  await t.test('it comes back', async () => {
    bird.ask('enable way2')
    await both('three', [1, 2, 3])
  })

  await t.test('all are sent again when the peer asks for it', async (t) => {
    bird.ask('reload in taker')
    await both('three', [1, 2, 3])
    t.equal(speaker.peers().find(({ asn }) => asn === 65003)!.advertised, 5)
  })

  await t.test('a session without it has the best path alone', async () => {
    const { addPath: _, ...plain } = taker
    runner.step({ kind: 'peers', set: [plain], remove: [] })
    await until('the best alone', () => arrived().length === 1)
  })

  await t.test('all go with the session', async () => {
    runner.step({ kind: 'peers', set: [], remove: [giver.name] })
    await both('none', [])
  })
})
