import t from 'tap'
import { checkOpen, openFor } from '../../../src/bgp/session/open-check.ts'
import type { PeerConfig } from '../../../src/bgp/types.ts'
import type { BgpError } from '../../../src/bgp/wire/errors.ts'
import type { Capability, Open } from '../../../src/bgp/wire/message.ts'
import { address } from '../../../src/inet/address.ts'

const peer: PeerConfig = {
  name: address('10.0.0.2'),
  kind: 'mesh',
  address: address('10.0.0.2'),
  port: 179,
  localAddress: address('10.0.0.1'),
  families: ['ipv4'],
  localAsn: 64512,
  peerAsn: 64512,
  routerId: address('10.0.0.1'),
  passive: false,
  holdTime: 240,
  restartTime: 120,
  allowedLocalAsns: 0,
  because: 'node-to-node mesh',
}

/** What calico-node's BIRD sends over IPv4. */
const bird: Open = {
  kind: 'open',
  asn: 64512,
  holdTime: 240,
  routerId: address('10.0.0.2'),
  capabilities: [
    { code: 'multiprotocol', family: 'ipv4' },
    { code: 'route-refresh' },
    {
      code: 'graceful-restart',
      restarting: true,
      notification: false,
      restartTime: 120,
      families: [{ family: 'ipv4', forwarding: true }],
    },
    { code: 'as4', asn: 64512 },
    { code: 'add-path', families: [{ family: 'ipv4', mode: 'both' }] },
    { code: 'enhanced-route-refresh' },
    { code: 'long-lived-graceful-restart', families: [] },
  ],
}

const check = (over: Partial<Open>, of: Partial<PeerConfig> = {}) =>
  checkOpen({ ...bird, ...over }, { ...peer, ...of })

/** `2/2 0000fc00`: how an OPEN is refused. */
function refusal(over: Partial<Open>, of: Partial<PeerConfig> = {}): string {
  try {
    check(over, of)
    return 'accepted'
  } catch (error) {
    const { code, subcode, data } = error as BgpError
    return `${code}/${subcode} ${Buffer.from(data).toString('hex')}`.trim()
  }
}

t.test('the OPEN of calico-node is accepted, with what both sides have', async (t) => {
  t.match(check({}), {
    holdTime: 240,
    routerId: '10.0.0.2',
    families: ['ipv4'],
    routeRefresh: true,
    enhancedRefresh: true,
    gracefulRestart: { restartTime: 120 },
  })
})

t.test('what is refused, and with which NOTIFICATION', async (t) => {
  t.equal(refusal({ asn: 65001 }), '2/2 0000fde9')
  t.equal(refusal({ asn: 0 }), '2/2 00000000')
  t.equal(refusal({ routerId: address('0.0.0.0') }), '2/3')
  t.equal(refusal({ routerId: peer.routerId }), '2/3')
  t.equal(refusal({ holdTime: 1 }), '2/6')
  t.equal(refusal({ holdTime: 2 }), '2/6')
  t.equal(refusal({}, { families: ['ipv6'] }), '2/7 010400020001')
})

t.test('an equal router id of another AS is no error (RFC 6286)', async (t) => {
  t.equal(refusal({ routerId: peer.routerId, asn: 65001 }, { peerAsn: 65001 }), 'accepted')
})

t.test('the lower hold time holds, and 0 is legal', async (t) => {
  t.equal(check({ holdTime: 90 }).holdTime, 90)
  t.equal(check({ holdTime: 240 }, { holdTime: 30 }).holdTime, 30)
  t.equal(check({ holdTime: 3 }).holdTime, 3)
  t.equal(check({ holdTime: 0 }).holdTime, 0)
})

t.test('a peer that names no family speaks IPv4 unicast, and nothing more', async (t) => {
  const bare = check({ capabilities: [] }, { families: ['ipv4', 'ipv6'] })
  t.same(bare.families, ['ipv4'])
  t.match(bare, { routeRefresh: false, enhancedRefresh: false, gracefulRestart: undefined })
})

t.test('a peer that names only families we do not carry has none in common', async (t) => {
  const vpn = { code: 'unknown', number: 1, value: Uint8Array.of(0, 1, 0, 128) } as const
  t.equal(refusal({ capabilities: [vpn] }), '2/7 010400010001')
})

t.test('only families of both are carried', async (t) => {
  const both = [
    { code: 'multiprotocol', family: 'ipv4' },
    { code: 'multiprotocol', family: 'ipv6' },
  ] as const
  t.same(check({ capabilities: both }).families, ['ipv4'])
  t.same(check({ capabilities: both }, { families: ['ipv4', 'ipv6'] }).families, ['ipv4', 'ipv6'])
})

t.test('our OPEN names the families of the peer, and what we honour', async (t) => {
  const { capabilities, ...fields } = openFor(
    { ...peer, families: ['ipv4', 'ipv6'], localAsn: 4200000000 },
    { restarting: false, forwarding: true },
  )
  t.same(fields, { kind: 'open', asn: 4200000000, holdTime: 240, routerId: '10.0.0.1' })
  t.same(
    capabilities.map(({ code }) => code),
    [
      'multiprotocol',
      'multiprotocol',
      'route-refresh',
      'graceful-restart',
      'as4',
      'enhanced-route-refresh',
      'long-lived-graceful-restart',
    ],
  )
})

t.test('several paths where one end sends them and the other takes them (RFC 7911)', async (t) => {
  const settled = (ours: PeerConfig['addPath'], theirs: 'receive' | 'send' | 'both') => {
    const paths: Capability = { code: 'add-path', families: [{ family: 'ipv4', mode: theirs }] }
    const over = ours && { addPath: ours }
    const others = bird.capabilities.filter(({ code }) => code !== paths.code)
    const { codec } = check({ capabilities: [...others, paths] }, over)
    return [codec.addPathReceive.ipv4, codec.addPathSend.ipv4, codec.addPathReceive.ipv6]
  }
  t.same(settled('both', 'both'), [true, true, false])
  t.same(settled('both', 'send'), [true, false, false])
  t.same(settled('both', 'receive'), [false, true, false])
  t.same(settled('receive', 'both'), [true, false, false])
  t.same(settled('send', 'send'), [false, false, false])
  t.same(settled(undefined, 'both'), [false, false, false])
  const { capabilities } = openFor({ ...peer, addPath: 'send' }, { restarting: false, forwarding: true })
  t.match(capabilities[4], { code: 'add-path', families: [{ family: 'ipv4', mode: 'send' }] })
})

t.test('extended messages are for those who may know them, if they do (RFC 8654)', async (t) => {
  const know = [...bird.capabilities, { code: 'extended-message' }] as const
  const past = { restarting: false, forwarding: false }
  const offered = (kind: PeerConfig['kind']) =>
    openFor({ ...peer, kind }, past).capabilities.some(({ code }) => code === 'extended-message')
  const settled = (kind: PeerConfig['kind'], capabilities: Open['capabilities']) =>
    check({ capabilities }, { kind }).codec.extendedMessages
  t.same([offered('mesh'), offered('global'), offered('node')], [false, true, true])
  t.same(
    [settled('mesh', know), settled('global', bird.capabilities), settled('global', know)],
    [false, false, true],
  )
})

t.test('roles are told where there is one, and have to fit (RFC 9234)', async (t) => {
  const outside = { kind: 'global', peerAsn: 65001, role: { name: 'customer', strict: false } } as const
  const told = openFor({ ...peer, ...outside }, { restarting: false, forwarding: false }).capabilities
  t.match(
    told.filter(({ code }) => code === 'role'),
    [{ role: 3 }],
  )
  const from = (role: number) => ({
    asn: 65001,
    capabilities: [...bird.capabilities, { code: 'role', role } as const],
  })
  t.equal(refusal(from(0), outside), 'accepted')
  t.equal(refusal(from(4), outside), '2/11')
  t.equal(refusal({ asn: 65001 }, { ...outside, role: { name: 'customer', strict: true } }), '2/11')
})

t.test('IPv6 next hops of IPv4 are for sessions over IPv6 that carry it (RFC 8950)', async (t) => {
  const over6 = { address: address('fd07::2'), families: ['ipv4', 'ipv6'] } as const
  const offered = (of: Partial<PeerConfig>) =>
    openFor({ ...peer, ...of }, { restarting: false, forwarding: false }).capabilities.filter(
      ({ code }) => code === 'extended-next-hop',
    )
  t.same(offered(over6), [{ code: 'extended-next-hop', tuples: [{ family: 'ipv4', nextHop: 'ipv6' }] }])
  t.same([offered({}), offered({ ...over6, families: ['ipv6'] })], [[], []])
  const knows = { capabilities: [...bird.capabilities, ...offered(over6)] }
  t.same(
    [check(knows, over6), check({}, over6), check(knows)].map(({ extendedNextHop }) => extendedNextHop),
    [true, false, false],
  )
})

t.test('nobody is to keep our routes for long unless that is asked for (RFC 9494)', async (t) => {
  const said = (of: Partial<PeerConfig>) =>
    openFor({ ...peer, ...of }, { restarting: false, forwarding: true }).capabilities.at(-1)
  t.match(said({}), { families: [] })
  t.match(said({ longLivedTime: 3600 }), {
    code: 'long-lived-graceful-restart',
    families: [{ family: 'ipv4', forwarding: true, staleTime: 3600 }],
  })
})
