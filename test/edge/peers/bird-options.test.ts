// What BGPPeers ask for by annotation, as a real BIRD 2 at the other end sees it.

import t from 'tap'
import { UNCHANGED } from '../../../src/bgp/rib/filter.ts'
import { Speaker } from '../../../src/bgp/speaker.ts'
import type { PeerConfig } from '../../../src/bgp/types.ts'
import { createLog } from '../../../src/edge/observe/log.ts'
import { Runner } from '../../../src/edge/peers/runner.ts'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { enter, namespaces, startBird } from '../../kit/bird.ts'
import { needsRoot } from '../../kit/needs-root.ts'
import { until } from '../../kit/until.ts'

const OURS = prefix('10.244.1.0/26')
const ITS = prefix('10.9.0.0/24')

const routes = `
  protocol static its { ipv4; route ${ITS} blackhole; route 10.9.1.0/24 blackhole; }
  protocol bgp tor {
    local fd07::2 as 65001;
    neighbor fd07::1 as 64512;
    local role provider;
    connect delay time 1; connect retry time 1; error wait time 1, 1;
    ipv4 { extended next hop on; import all; export all; };
  }`

const peer: PeerConfig = {
  name: address('fd07::2'),
  kind: 'global',
  address: address('fd07::2'),
  port: 179,
  localAddress: address('fd07::1'),
  families: ['ipv4'],
  localAsn: 64512,
  peerAsn: 65001,
  routerId: address('10.7.1.1'),
  passive: false,
  holdTime: 90,
  restartTime: 120,
  allowedLocalAsns: 0,
  role: { name: 'customer', strict: true },
  because: 'a test',
}

t.test('with BIRD 2', needsRoot, async (t) => {
  const net = namespaces(t, {
    us: [
      'link add eth0 type veth peer name eth0 netns bird',
      'link set eth0 up',
      'addr add fd07::1/64 dev eth0 nodad',
    ],
    bird: ['link set eth0 up', 'addr add fd07::2/64 dev eth0 nodad'],
  })
  enter(net('us'))
  const bird = startBird(t, net('bird'), '10.7.1.2', routes)
  const speaker = new Speaker({
    random: () => 0,
    restarting: false,
    advertise: ({ peer }) => (peer === null ? UNCHANGED : undefined),
  })
  const runner = new Runner({ speaker, log: createLog({ node: 'us', level: 'silent' }), onBest: () => {} })
  t.teardown(() => runner.stop())
  const want = (over: Partial<PeerConfig>) =>
    runner.step({ kind: 'peers', set: [{ ...peer, ...over }], remove: [] })
  const view = () => speaker.peers()[0]!
  const seen = () => bird.ask(`show route ${OURS} all`).toString()
  const sees = (what: string, words: RegExp) =>
    until(what, () => {
      try {
        return words.test(seen())
      } catch {
        return false // birdc fails when there is no such route
      }
    })
  const protocol = () => bird.ask('show protocols all tor')
  runner.step({ kind: 'originate', set: [{ prefix: OURS, localPref: 100, because: 'a test' }], withdraw: [] })
  want({})
  runner.listen([{ family: 'ipv6', port: 179 }])

  await t.test('IPv4 goes both ways over a session that knows IPv6 addresses only (RFC 8950)', async (t) => {
    await until('its route', () => speaker.rib.best(ITS) !== undefined)
    t.equal(speaker.rib.best(ITS)?.nextHop, 'fd07::2')
    await sees('our route', /BGP\.next_hop: fd07::1/)
    t.ok(view().agreed.includes('IPv6 next hops of IPv4'))
  })

  await t.test('what a provider sends is marked as such (RFC 9234)', async (t) => {
    t.match(protocol(), /Role: customer/)
    t.equal(speaker.rib.best(ITS)?.attributes.onlyToCustomer, 65001)
  })

  await t.test('a drained session is marked, and no longer (RFC 8326)', async () => {
    want({ gracefulShutdown: true })
    await sees('the mark', /BGP\.community:.*\(65535,0\)/)
    want({})
    await until('no mark', () => !/\(65535,0\)/.test(seen()))
  })

  await t.test('more prefixes than allowed end the session, until more are allowed (RFC 4486)', async (t) => {
    want({ prefixLimit: { prefixes: 1, warnPercent: 100 } })
    await until('BIRD hears why', () => /Maximum number of prefixes reached/.test(protocol()))
    t.match(view(), {
      state: 'Idle',
      lastError: 'BGP Error: Maximum number of prefixes reached',
      received: 0,
    })
    want({ prefixLimit: { prefixes: 2, warnPercent: 100 } })
    await until('up again', () => view().state === 'Established' && view().received === 2)
    t.equal(view().warning, 'announces 2 of at most 2 IPv4 prefixes')
  })

  await t.test('a session that is shut down says why (RFC 9003)', async () => {
    want({ shutdown: 'rack 4 moves', held: 'shut down by an operator: rack 4 moves' })
    await until('BIRD hears why', () => /Message: +rack 4 moves/.test(protocol()))
    want({})
    await until('up again', () => view().state === 'Established')
  })

  await t.test('roles that do not fit end in words (RFC 9234)', async () => {
    want({ role: { name: 'peer', strict: false } })
    await until('refused', () => /Role mismatch/.test(view().lastError ?? ''))
    await until('with advice', () =>
      /this node is peer here .* so the peer has to be peer/.test(view().advice ?? ''),
    )
  })
})
