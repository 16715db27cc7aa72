import t from 'tap'
import type { Document } from '../../src/cluster/feed.ts'
import { detectionMethod, nodeAddress } from '../../src/config/startup-types.ts'
import { conflictError, conflictsOf, released } from '../../src/startup/conflict.ts'
import type { NodeWish } from '../../src/startup/node-document.ts'
import { host, interfaces } from '../kit/startup.ts'

function node(name: string, bgp?: Record<string, unknown>): Document {
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'Node',
    metadata: { name },
    spec: { bgp, invented: true },
  }
}

const wish = (ip: string, ip6: string): NodeWish => {
  const method = detectionMethod.parse('first-found')!
  const ipv4 = { given: nodeAddress('ipv4').parse(ip), method }
  return {
    name: 'a',
    addresses: { ipv4, ipv6: { given: nodeAddress('ipv6').parse(ip6), method } },
    asn: undefined,
    k8sNodeRef: undefined,
  }
}

t.test('another node with the same address is found, whatever the lengths and the spelling', async (t) => {
  const own = node('a', { ipv4Address: '10.0.0.1/24', ipv6Address: 'fd00::1/64' })
  const found = (...others: Document[]) =>
    conflictsOf(own, [own, ...others]).map(({ family, node }) => `${family} ${node}`)
  t.same(found(), [], 'nobody is in conflict with himself')
  t.same(
    found(node('b', { ipv4Address: '10.0.0.2/24' }), node('c'), node('d', { ipv4Address: 'nonsense' })),
    [],
  )
  t.same(found(node('b', { ipv4Address: '10.0.0.1' })), ['ipv4 b'])
  t.same(found(node('b', { ipv4Address: '10.0.0.1/16', ipv6Address: 'fd00:0::1/128' })), ['ipv4 b', 'ipv6 b'])
  t.same(conflictsOf(node('a'), [node('b', { ipv4Address: '10.0.0.1' })]), [])
})

t.test('the error names the other node and what to do', async (t) => {
  const { message } = conflictError([{ family: 'ipv4', node: 'b', address: '10.0.0.1' }])
  t.match(
    message,
    /^IP: Node b has 10.0.0.1 \(IPv4\) already; give one of them another address, or delete its Node/,
  )
})

t.test('an autodetected address that the host has lost is given up, nothing else', async (t) => {
  const stored = node('a', { ipv4Address: '10.0.0.9/24', ipv6Address: 'fd00::1/64', asNumber: 64600 })
  const conflicts = [{ family: 'ipv4', node: 'b', address: '10.0.0.1' }] as const
  const here = host(interfaces('2 eth0 10.0.0.1/24 fd00::1/64'))
  t.same(released(stored, conflicts, wish('autodetect', 'none'), here)?.spec, {
    bgp: { ipv6Address: 'fd00::1/64', asNumber: 64600 },
    invented: true,
  })
  t.equal(
    released(stored, conflicts, wish('10.0.0.1', 'autodetect'), here),
    undefined,
    'it was given, not found',
  )
  t.equal(released(stored, [], wish('autodetect', 'none'), here), undefined)
  const both = host(interfaces('2 eth0 10.0.0.1/24 10.0.0.9/24'))
  t.equal(
    released(stored, conflicts, wish('autodetect', 'none'), both),
    undefined,
    'an interface still has it',
  )
})

t.test('a node without anything in bgp has no bgp', async (t) => {
  const conflicts = [{ family: 'ipv4', node: 'b', address: '10.0.0.1' }] as const
  const lessened = released(
    node('a', { ipv4Address: '10.0.0.9/24' }),
    conflicts,
    wish('autodetect', 'none'),
    host([]),
  )
  t.same(lessened?.spec, { invented: true })
})
