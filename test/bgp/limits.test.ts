// Peers that announce more than they may, with whole speakers in virtual time.

import t from 'tap'
import { Limits } from '../../src/bgp/limits.ts'
import type { PeerConfig } from '../../src/bgp/types.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { meshPeer, Network } from '../kit/network.ts'

const SECOND = 1000

const blocks = (count: number): string[] => Array.from({ length: count }, (_, i) => `10.244.${i}.0/26`)

/** `b` announces `count` routes to `a`, who dials and takes 10 of them unless `over` says otherwise. */
function flooded(count: number, over: Partial<PeerConfig['prefixLimit'] & object> = {}) {
  const network = new Network()
  const a = network.host(['10.0.0.2'])
  const b = network.host(['10.0.0.1'])
  const prefixLimit = { prefixes: 10, warnPercent: 80, ...over }
  a.peers(meshPeer(a, b, { prefixLimit }))
  b.peers(meshPeer(b, a))
  b.originate(...blocks(count))
  network.run(5 * SECOND)
  return { network, a, b, prefixLimit }
}

t.test('over its limit a peer is told so, and forgotten with all that it said', async (t) => {
  const { a, b } = flooded(11)
  const last = a.sentTo.findLast(({ kind }) => kind === 'notification')
  t.match(last, { code: 6, subcode: 9, data: Uint8Array.of(6, 1, 0, 1, 1, 0, 0, 0, 10) }, 'RFC 4486 §4')
  t.match(b.view(a).lastError, /^Received: Maximum number of prefixes reached/)
  t.match(a.view(b), {
    state: 'Idle',
    lastError: 'BGP Error: Maximum number of prefixes reached',
    advice:
      /^have 10.0.0.1 announce fewer, .* caracal.io\/max-prefixes of BGPConfiguration\/default; then agent bgp reset 10.0.0.1$/,
    received: 0,
    limit: { prefixes: 10, warnPercent: 80 },
  })
  t.equal(a.best.size, 0)
  t.ok(a.speaker.heardAll, 'and nobody waits for it')
})

t.test('it stays so until an operator resets it', async (t) => {
  const { network, a, b } = flooded(11)
  const dials = a.dials.length
  network.run(3600 * SECOND)
  t.equal(a.dials.length, dials)
  b.step({ kind: 'originate', set: [], withdraw: [prefix('10.244.10.0/26')] })
  a.step({ kind: 'reset', peer: a.view(b).name })
  network.run(5 * SECOND)
  t.same([a.states(), a.view(b).received], [['Established'], 10])
})

t.test('or allows more', async (t) => {
  const { network, a, b } = flooded(11)
  a.peers(meshPeer(a, b, { prefixLimit: { prefixes: 11, warnPercent: 100 } }))
  network.run(5 * SECOND)
  t.same([a.states(), a.view(b).received], [['Established'], 11])
})

t.test('or for as long as he said', async (t) => {
  const { network, a, b } = flooded(11, { restartAfter: 300 })
  t.match(a.view(b).advice, /tried again by itself after 300 s$/)
  const dials = a.dials.length
  network.run(290 * SECOND)
  t.equal(a.dials.length, dials)
  network.run(20 * SECOND)
  t.equal(a.dials.length, dials + 1)
})

t.test('a peer that dials meanwhile is not let in', async (t) => {
  const { a, b } = flooded(11)
  t.ok(a.accept(b.addresses[0]!).closed())
})

t.test('a lower limit counts at once, and the session stays when the peer keeps to it', async (t) => {
  const { network, a, b } = flooded(8)
  const { since } = a.view(b)
  a.peers(meshPeer(a, b, { prefixLimit: { prefixes: 9, warnPercent: 100 } }))
  t.match(a.view(b), { state: 'Established', since })
  a.peers(meshPeer(a, b, { prefixLimit: { prefixes: 7, warnPercent: 100 } }))
  network.run(SECOND)
  t.same(a.states(), ['Idle BGP Error: Maximum number of prefixes reached'])
})

t.test('near its limit there is a warning, once in the log and as long as it is so in status', async (t) => {
  const { network, a, b } = flooded(7)
  t.equal(a.view(b).warning, undefined)
  for (const block of blocks(10).slice(7)) {
    b.originate(block)
    network.run(SECOND)
  }
  t.equal(a.view(b).warning, 'announces 10 of at most 10 IPv4 prefixes')
  t.same(
    a.notes.filter(({ message }) => message === 'near its limit').map(({ fields }) => fields),
    [{ peer: '10.0.0.1', holds: '8 of at most 10 IPv4 prefixes' }],
  )
  b.step({ kind: 'originate', set: [], withdraw: blocks(10).map((block) => prefix(block)) })
  network.run(SECOND)
  t.equal(a.view(b).warning, undefined)
})

t.test('what a restarted peer has not told again counts apart, up to a second table', async (t) => {
  const swept: string[] = []
  const check = (held: number, fresh: number, weight = 0) => {
    const rib = {
      holding: () => ({ held, fresh }),
      weight: () => weight,
      sweep: (_: string, family: string) => swept.push(family),
    }
    return new Limits({ rib, near: () => {} }).check('x', ['ipv4'], { prefixes: 10, warnPercent: 100 })
  }
  t.equal(check(20, 10), undefined)
  t.same(swept, [])
  t.equal(check(21, 10), undefined)
  t.same(swept, ['ipv4'])
  t.match(check(11, 11), { code: 6, subcode: 1 })
  t.match(
    check(1, 1, 300 * 1024 * 1024),
    { code: 6, subcode: 8 },
    'few routes with much to say are too much too',
  )
})
