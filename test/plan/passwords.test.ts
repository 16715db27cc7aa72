import t from 'tap'
import type { PeerConfig } from '../../src/bgp/types.ts'
import { address, scoped } from '../../src/inet/address.ts'
import { bgpConfiguration, bgpPeer, node } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

const two = [node('a', '10.0.0.1/24', { ipv6Address: 'fd20::1/64' }), node('b', '10.0.0.2/24')]
const ref = { name: 'bgp', key: 'tor' }
const tor = (spec = {}) => bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: 65001, ...spec })
const withPassword = tor({ password: { secretKeyRef: ref } })

function peerAt(cluster: Cluster, of: string, zone?: string): PeerConfig | undefined {
  cluster.settle()
  return cluster.plan.peers.get(scoped(address(of), zone))
}

t.test('a session whose password is not there is held down, says why, and heals by itself', async (t) => {
  const cluster = new Cluster('a').set(...two, withPassword)
  t.match(peerAt(cluster, '10.0.0.254'), { held: /password in Secret bgp\/tor: has not been read yet/ })
  cluster.plan.secret(ref, { problem: '/secrets/bgp/tor does not exist' })
  t.match(peerAt(cluster, '10.0.0.254'), { held: /bgp\/tor: \/secrets\/bgp\/tor does not exist/ })
  t.match(cluster.plan.warnings, [/^BGPPeer tor: .* does not exist; the session stays down rather than open/])
  t.equal(peerAt(cluster, '10.0.0.2')?.held, undefined, 'the mesh does not care')

  cluster.plan.secret(ref, { version: 1 })
  t.equal(peerAt(cluster, '10.0.0.254')?.held, undefined)
  t.same(peerAt(cluster, '10.0.0.254')?.password, { ...ref, version: 1 })
  t.same(cluster.plan.warnings, [])
})

t.test('another password changes the sessions that have it, and no others', async (t) => {
  const cluster = new Cluster('a').set(...two, withPassword)
  cluster.plan.secret(ref, { version: 1 })
  cluster.settle()
  cluster.plan.secret(ref, { version: 2 })
  t.same([...cluster.settle().peers.keys()], ['10.0.0.254'])
  cluster.plan.secret(ref, { version: 2, warning: 'ends with a newline' })
  t.same([...cluster.settle().peers.keys()], [])
  t.match(cluster.plan.warnings, [/^BGPPeer tor: password in Secret bgp\/tor: ends with a newline/])
})

t.test('the password of the mesh is that of all its sessions', async (t) => {
  const cluster = new Cluster('a').set(
    ...two,
    bgpConfiguration('default', { nodeMeshPassword: { secretKeyRef: ref } }),
  )
  t.match(peerAt(cluster, '10.0.0.2'), { held: /has not been read yet/ })
  t.match(cluster.plan.warnings, [/^BGPConfiguration default: node mesh password in Secret bgp\/tor/])
  cluster.plan.secret(ref, { version: 1 })
  t.match(peerAt(cluster, '10.0.0.2'), { password: ref, held: undefined })
})

t.test('what is referred to is what is to be followed', async (t) => {
  const cluster = new Cluster('a').set(...two, withPassword)
  t.same(cluster.plan.secretRefs, [ref])
  cluster.set(bgpConfiguration('default', { nodeMeshPassword: { secretKeyRef: { name: 'mesh', key: 'k' } } }))
  t.same(cluster.plan.secretRefs, [ref, { name: 'mesh', key: 'k' }])
  t.same(cluster.delete(withPassword).plan.secretRefs, [{ name: 'mesh', key: 'k' }])
})

t.test('ttlSecurity and the source address hold for peers by address and by selector', async (t) => {
  const asked = { ttlSecurity: 3, sourceAddress: 'None' }
  const named = peerAt(new Cluster('a').set(...two, tor(asked)), '10.0.0.254')
  const selected = peerAt(
    new Cluster('a').set(...two, bgpPeer('all', { peerSelector: 'all()', ...asked })),
    '10.0.0.2',
  )
  for (const peer of [named, selected]) {
    t.equal(peer?.ttlSecurity, 3)
    t.equal(peer?.localAddress, undefined)
  }
  t.equal(peerAt(new Cluster('a').set(...two, tor()), '10.0.0.254')?.localAddress, '10.0.0.1')
})

t.test('one link-local address on two links is two peers', async (t) => {
  const cluster = new Cluster('a').set(
    ...two,
    bgpPeer('left', { peerIP: 'fe80::1%eth0', asNumber: 65001 }),
    bgpPeer('right', { peerIP: '[fe80::1%eth1]:1179', asNumber: 65002 }),
  )
  t.match(peerAt(cluster, 'fe80::1', 'eth0'), {
    name: 'fe80::1%eth0',
    zone: 'eth0',
    peerAsn: 65001,
    port: 179,
  })
  t.match(peerAt(cluster, 'fe80::1', 'eth1'), {
    name: 'fe80::1%eth1',
    zone: 'eth1',
    peerAsn: 65002,
    port: 1179,
  })
  t.equal(peerAt(cluster, 'fe80::1', 'eth0')?.localAddress, undefined, 'the kernel knows our address there')
  t.equal(peerAt(cluster, 'fe80::1'), undefined)
})
