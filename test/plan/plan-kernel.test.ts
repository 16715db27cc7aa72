import t from 'tap'
import { address } from '../../src/inet/address.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { affinity, block, node, pool, workload } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

const flat = pool('flat', '10.65.0.0/16')
const self = node('a', '10.0.0.1/24')

function nodeA(): Cluster {
  return new Cluster('a').link('eth0', '10.0.0.1/24', 'fd20::1/64').set(flat, self, node('b', '10.0.0.2/24'))
}

t.test('a block of ours is a blackhole, its pods are routes on their interfaces', async (t) => {
  const cluster = nodeA()
    .set(block('10.65.0.0/26', 'a', { 2: 'a' }), affinity('a', '10.65.0.0/26'))
    .set(workload('a', 'web', 'cali1', '10.65.0.2/32', 'fd10:65::2/128'))
    .link('cali1')
  t.same(cluster.routes(), [
    '10.65.0.2/32 dev cali1 scope link',
    'blackhole 10.65.0.0/26 proto 80',
    'fd10:65::2/128 dev cali1',
  ])
  t.match(cluster.plan.route(prefix('10.65.0.2/32')), { because: 'workload default/web' })
  t.match(cluster.plan.route(prefix('10.65.0.0/26')), { because: 'block of this node, pool flat' })
})

t.test('half a claim is no claim: block without confirmed affinity, affinity without block', async (t) => {
  const owned = block('10.65.0.0/26', 'a')
  t.same(nodeA().set(owned).routes(), [])
  t.same(
    nodeA()
      .set(owned, affinity('a', '10.65.0.0/26', 'pending'))
      .routes(),
    [],
  )
  t.same(
    nodeA()
      .set(owned, affinity('a', '10.65.0.0/26', 'pendingDeletion'))
      .routes(),
    [],
  )
  t.same(nodeA().set(affinity('a', '10.65.0.0/26')).routes(), [])
  t.same(nodeA().set(block('10.65.0.0/26', 'b'), affinity('a', '10.65.0.0/26')).routes(), [])
})

t.test('a block of one address has no blackhole, its pod has the route', async (t) => {
  const cluster = nodeA()
    .set(block('10.65.3.3/32', 'a', { 0: 'a' }), affinity('a', '10.65.3.3/32'))
    .set(workload('a', 'one', 'cali1', '10.65.3.3/32'))
  t.same(cluster.routes(), [])
  t.same(cluster.link('cali1').routes(), ['10.65.3.3/32 dev cali1 scope link'])
})

t.test('a workload has its route while its interface is up, and only its own', async (t) => {
  const cluster = nodeA().set(
    workload('a', 'web', 'cali1', '10.65.0.2/32'),
    workload('b', 'far', 'cali2', '10.65.1.2/32'),
  )
  t.same(cluster.routes(), [])
  t.same(cluster.link('cali1').link('cali2').routes(), ['10.65.0.2/32 dev cali1 scope link'])
  t.same(cluster.unlink('cali1').routes(), [])
  t.same(
    cluster
      .link('cali1')
      .delete(workload('a', 'web', 'cali1', '10.65.0.2/32'))
      .routes(),
    [],
  )
})

t.test(
  'of two workloads with one address the newer interface has it, and the other takes over',
  async (t) => {
    const cluster = nodeA()
      .link('cali1')
      .link('cali2')
      .set(workload('a', 'old', 'cali1', '10.65.0.2/32'), workload('a', 'new', 'cali2', '10.65.0.2/32'))
    t.same(cluster.routes(), ['10.65.0.2/32 dev cali2 scope link'])
    t.same(cluster.unlink('cali2').routes(), ['10.65.0.2/32 dev cali1 scope link'])
  },
)

t.test('of two workloads on one interface name the smaller id holds it, the other is promoted', async (t) => {
  const [first, second] = [
    workload('a', 'aa', 'cali1', '10.65.0.2/32'),
    workload('a', 'bb', 'cali1', '10.65.0.3/32'),
  ]
  const cluster = nodeA().link('cali1').set(second, first)
  t.same(cluster.routes(), ['10.65.0.2/32 dev cali1 scope link'])
  t.same(cluster.delete(first).routes(), ['10.65.0.3/32 dev cali1 scope link'])
})

t.test('a best path on our subnet goes straight there, another through the gateway', async (t) => {
  const cluster = nodeA().learn('10.65.1.0/26', '10.0.0.2').learn('10.65.2.0/26', '10.9.0.3')
  t.same(cluster.routes(), ['10.65.1.0/26 via 10.0.0.2 dev eth0 proto bird'])
  cluster.foreign({ gateway: address('10.0.0.254'), device: 'eth0' })
  t.same(cluster.routes(), [
    '10.65.1.0/26 via 10.0.0.2 dev eth0 proto bird',
    '10.65.2.0/26 via 10.0.0.254 dev eth0 proto bird',
  ])
  t.same(cluster.unlearn('10.65.1.0/26').routes(), ['10.65.2.0/26 via 10.0.0.254 dev eth0 proto bird'])
})

t.test(
  'what the kernel already routes for somebody else, and what would hijack the node, is not taken from BGP',
  async (t) => {
    const cluster = nodeA().foreign({ gateway: address('10.0.0.254'), device: 'eth0', metric: 0 })
    for (const text of ['0.0.0.0/0', '169.254.1.1/32', '127.0.0.0/8', '10.0.0.2/32'])
      cluster.learn(text, '10.0.0.3')
    t.same(cluster.routes(), [])
    t.match(cluster.plan.explain(prefix('169.254.1.1/32')), [{ offer: { declined: /gateway of every pod/ } }])
    t.match(cluster.plan.explain(prefix('10.0.0.2/32')), [{ offer: { declined: /address of node b/ } }])
    t.same(cluster.foreign().routes(), ['0.0.0.0/0 via 10.0.0.3 dev eth0 proto bird'])
  },
)

t.test('our own data comes before BGP, which takes over when it goes', async (t) => {
  const web = workload('a', 'web', 'cali1', '10.65.1.9/32')
  const cluster = nodeA().link('cali1').set(web).learn('10.65.1.9/32', '10.0.0.2')
  t.same(cluster.routes(), ['10.65.1.9/32 dev cali1 scope link'])
  t.same(
    cluster.plan.explain(prefix('10.65.1.9/32')).map(({ source }) => source),
    ['local workload', 'BGP'],
  )
  t.same(cluster.delete(web).routes(), ['10.65.1.9/32 via 10.0.0.2 dev eth0 proto bird'])
})

t.test('what an earlier run left stays until the peers have spoken', async (t) => {
  const left = {
    prefix: prefix('10.65.1.0/26'),
    type: 'unicast',
    protocol: 'bird',
    device: 'eth0',
    gateway: address('10.0.0.2'),
    because: 'x',
  } as const
  const cluster = nodeA()
  cluster.plan.adopt([left, { ...left, prefix: prefix('10.65.7.0/26') }])
  t.equal(cluster.routes().length, 2)
  cluster.learn('10.65.1.0/26', '10.0.0.2')
  cluster.plan.forgetStale()
  t.same(cluster.routes(), ['10.65.1.0/26 via 10.0.0.2 dev eth0 proto bird'])
})

t.test('a pool with encapsulation takes nothing unencapsulated', async (t) => {
  const cluster = nodeA().learn('10.65.1.0/26', '10.0.0.2')
  t.equal(cluster.routes().length, 1)
  t.same(cluster.set(pool('flat', '10.65.0.0/16', { ipipMode: 'Always' })).routes(), [])
})

t.test('one pod costs one route', async (t) => {
  const cluster = nodeA().link('cali1')
  for (let i = 0; i < 256; i++) cluster.learn(`10.66.${i}.0/26`, '10.0.0.2')
  cluster.settle()
  const changes = cluster.set(workload('a', 'web', 'cali1', '10.65.0.2/32')).settle()
  t.same([...changes.routes.keys()], ['10.65.0.2/32'])
  t.same([...changes.neighbors.keys()], ['cali1 10.65.0.2'])
  t.same([...changes.sysctls.keys()], ['cali1'])
  t.equal(changes.peers.size, 0)
})

t.test('workload interfaces get their sysctls and static neighbours, in both families', async (t) => {
  const cluster = nodeA()
    .link('cali1')
    .set(workload('a', 'web', 'cali1', '10.65.0.2/32', 'fd10:65::2/128'))
  cluster.settle()
  t.match(cluster.plan.neighbors.get('cali1 10.65.0.2'), { device: 'cali1', mac: 'ee:ee:ee:00:00:01' })
  t.equal(cluster.plan.neighbors.size, 1, 'IPv4 only')
  const values = cluster.plan.sysctls.get('cali1')!.map(({ path, value }) => `${path}=${value}`)
  t.equal(values[0], 'net/ipv6/conf/cali1/accept_ra=0', 'before anything else')
  t.ok(values.includes('net/ipv4/conf/cali1/proxy_arp=1'))
  t.ok(values.includes('net/ipv6/conf/cali1/proxy_ndp=1'))
  t.ok(cluster.plan.sysctls.get('')!.some(({ path }) => path === 'net/ipv4/ip_forward'))
})
