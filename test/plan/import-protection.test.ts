import t from 'tap'
import { node, pool } from '../kit/documents.ts'
import { Cluster, settings } from '../kit/plan.ts'

/** A node that a router at 10.0.0.254 teaches these. */
function taught(prefixes: readonly string[], importProtection = true): Cluster {
  const cluster = new Cluster('a', { ...settings, kernel: { ...settings.kernel, importProtection } })
    .link('eth0', '10.0.0.1/24', 'fd20::1/64')
    .set(node('a', '10.0.0.1/24', { ipv6Address: 'fd20::1/64' }), node('b', '10.1.0.9/24'))
  for (const prefix of prefixes)
    cluster.learn(prefix, prefix.includes(':') ? 'fd20::fe' : '10.0.0.254', '10.0.0.254')
  return cluster
}

const harmless = ['10.0.0.0/8', '10.9.0.0/24', '10.1.0.8/29', 'fd99::/64']
const harmful: Readonly<Record<string, RegExp>> = {
  '127.0.0.1/32': /loopback/,
  '169.254.1.1/32': /gateway of every pod/,
  '224.0.0.5/32': /multicast/,
  'fe80::/64': /link-local/,
  '10.1.0.9/32': /the address of node b/,
  '10.0.0.254/32': /part of 10.0.0.0\/24, the subnet of this node/,
  '10.0.0.0/25': /part of 10.0.0.0\/24/,
  'fd20::/80': /part of fd20::\/64/,
}

t.test('what would take the node off the network is refused, and named', async (t) => {
  for (const [prefix, why] of Object.entries(harmful)) {
    const cluster = taught([prefix])
    t.same(cluster.routes(), [], prefix)
    t.match(cluster.plan.warnings, [why])
    t.match(cluster.plan.warnings, [
      /^BGP routes are refused \(CARACAL_IMPORT_PROTECTION\).*, from 10.0.0.254$/,
    ])
  }
})

t.test('nothing else is', async (t) => {
  const cluster = taught(harmless)
  t.equal(cluster.routes().length, harmless.length)
  t.same(cluster.plan.warnings, [])
})

t.test('of many one is named, and when all are gone none is', async (t) => {
  const cluster = taught(['127.0.0.1/32', '10.0.0.254/32', '10.0.0.0/25'])
  cluster.routes()
  t.match(cluster.plan.warnings, [/127.0.0.1\/32 is loopback, from 10.0.0.254, and 2 more$/])
  for (const prefix of ['127.0.0.1/32', '10.0.0.254/32', '10.0.0.0/25']) cluster.unlearn(prefix)
  cluster.routes()
  t.same(cluster.plan.warnings, [])
})

t.test('a pool inside the subnet of a node is for BGP as ever', async (t) => {
  const cluster = taught(['10.0.0.128/26']).set(pool('inside', '10.0.0.128/25'))
  t.equal(cluster.routes().length, 1)
})

t.test('whoever wants it has all of it', async (t) => {
  t.equal(taught(['10.0.0.254/32', '10.0.0.0/25', '10.1.0.9/32'], false).routes().length, 3)
})
