// Calico's etcd keys and values, against what Calico itself wrote (test/recordings/etcd).

import t from 'tap'
import { documentFromEtcd, etcdFromDocument, etcdKey, prefixesOf } from '../../src/cluster/etcd-keys.ts'
import { kinds } from '../../src/cluster/feed.ts'
import { parseJson } from '../../src/cluster/json.ts'
import { parseDocument } from '../../src/cluster/resources/index.ts'
import { recordedKeys, recordings } from '../kit/recordings.ts'

t.test('every recorded key of our kinds is read, and its value parses without a complaint', async (t) => {
  const seen = new Set<string>()
  for (const { key, value, mod_revision } of recordedKeys()) {
    const ours = kinds.some((kind) => prefixesOf(kind).some((prefix) => key.startsWith(prefix)))
    const document = documentFromEtcd(key, value, String(mod_revision))
    t.equal(document !== undefined, ours, key)
    if (!document) continue
    seen.add(document.kind)
    t.equal(document.metadata.resourceVersion, String(mod_revision))
    t.match(parseDocument(document), { resource: { kind: document.kind }, warnings: [] }, key)
  }
  const absent = ['IPAMConfiguration', 'IPReservation', 'CalicoNodeStatus'] // made by hand only
  t.same(
    [...seen].sort(),
    kinds.filter((kind) => !absent.includes(kind)).sort(),
    'the recordings hold the others',
  )
  t.equal(recordings.length, 6)
})

t.test('what is read from etcd is written back to the same key with the same value', async (t) => {
  for (const { key, value } of recordedKeys()) {
    const document = documentFromEtcd(key, value, '7')
    if (!document) continue
    const stored = etcdFromDocument(document)
    t.equal(stored.key, key)
    t.same(parseJson(stored.value), parseJson(value), key)
    t.equal(etcdKey(document.kind, document.metadata.name, document.metadata.namespace), key)
  }
})

const block = '/calico/ipam/v2/assignment/ipv4/block/10.66.12.64-30'

t.test('a block keeps its sequence numbers digit for digit, and fields that nobody here knows', async (t) => {
  const value =
    '{"cidr":"10.66.12.64/30","affinity":null,"affinity_claim_time":"2026-03-04T05:06:07Z","allocations":[0,null,null,null],' +
    '"unallocated":[1,2,3],"attributes":[{"handle_id":"h"}],"sequenceNumber":1772600767000000012,"later":{"x":1}}'
  const document = documentFromEtcd(block, value, '9')!
  t.match(document, {
    apiVersion: 'projectcalico.org/v3',
    kind: 'IPAMBlock',
    metadata: { name: '10-66-12-64-30', resourceVersion: '9' },
    spec: {
      affinityClaimTime: '2026-03-04T05:06:07Z',
      sequenceNumber: 1772600767000000012n,
      later: { x: 1 },
    },
  })
  t.same(etcdFromDocument(document), { key: block, value })
})

t.test(
  'a block without owner is written with a null affinity; a very old one has its owner moved',
  async (t) => {
    const bare = { apiVersion: 'projectcalico.org/v3', kind: 'IPAMBlock', metadata: { name: 'x' } } as const
    t.equal(
      etcdFromDocument({ ...bare, spec: { cidr: '10.66.12.64/30' } }).value,
      '{"cidr":"10.66.12.64/30","affinity":null}',
    )
    const old = documentFromEtcd(block, '{"cidr":"10.66.12.64/30","hostAffinity":"node-a"}', '1')!
    t.same(old.spec, { cidr: '10.66.12.64/30', affinity: 'host:node-a' })
  },
)

t.test('an affinity says in its key whose it is, and an empty value is an empty object', async (t) => {
  const rows = [
    ['/calico/ipam/v2/host/node-1/ipv4/block/10.66.12.64-26', 'node-1-10-66-12-64-26', 'host', 'node-1'],
    [
      '/calico/ipam/v2/host/172.20.0.11/ipv4/block/10.66.12.64-26',
      '172.20.0.11-10-66-12-64-26',
      'host',
      '172.20.0.11',
    ],
    ['/calico/ipam/v2/host/node-a/ipv6/block/fd66::12:0-122', 'node-a-fd66--12-0-122', 'host', 'node-a'],
    ['/calico/ipam/v2/host/rack-fd00/ipv6/block/fd66:1::-122', 'rack-fd00-fd66:1::-122', 'host', 'rack-fd00'],
    [
      '/calico/ipam/v2/virtual/load-balancer/ipv4/block/10.9.0.0-30',
      'load-balancer-10-9-0-0-30',
      'virtual',
      'load-balancer',
    ],
    [
      '/calico/ipam/v2/host/load-balancer-1/ipv4/block/10.9.0.0-30',
      'load-balancer-1-10-9-0-0-30',
      'host',
      'load-balancer-1',
    ],
  ] as const
  for (const [key, name, type, node] of rows) {
    const document = documentFromEtcd(key, '', '1')!
    t.match(document, { kind: 'BlockAffinity', metadata: { name }, spec: { type, node } })
    t.match(parseDocument(document), { resource: { state: 'confirmed', node } })
    t.same(etcdFromDocument(document), { key, value: '{}' })
    t.equal(etcdKey('BlockAffinity', name), key)
  }
})

t.test('the spelling of a CIDR in a document does not decide its key', async (t) => {
  const spec = { cidr: '10.66.12.65/30', node: 'node-a', state: 'pending', deleted: false }
  const document = { apiVersion: 'projectcalico.org/v3', metadata: { name: 'x' }, spec } as const
  t.equal(etcdFromDocument({ ...document, kind: 'IPAMBlock' }).key, block)
  t.same(etcdFromDocument({ ...document, kind: 'BlockAffinity' }), {
    key: '/calico/ipam/v2/host/node-a/ipv4/block/10.66.12.64-30',
    value: '{"state":"pending","deleted":false}',
  })
})

t.test('keys of resources hold the name as it is', async (t) => {
  const prefix = '/calico/resources/v3/projectcalico.org'
  t.equal(etcdKey('FelixConfiguration', 'node.node-a'), `${prefix}/felixconfigurations/node.node-a`)
  t.equal(
    etcdKey('WorkloadEndpoint', 'n-k8s-p-eth0', 'shop'),
    `${prefix}/workloadendpoints/shop/n-k8s-p-eth0`,
  )
  t.equal(etcdKey('WorkloadEndpoint', 'n-k8s-p-eth0'), `${prefix}/workloadendpoints/default/n-k8s-p-eth0`)
  t.equal(etcdKey('IPAMHandle', 'k8s-pod-network.1E7a'), '/calico/ipam/v2/handle/k8s-pod-network.1E7a')
  const ranges = kinds.flatMap(prefixesOf).filter((prefix) => prefix !== '/calico/ipam/v2/config')
  for (const p of ranges) t.ok(p.endsWith('/'), p)
})

t.test('keys that only lie beside ours stand for nothing', async (t) => {
  for (const key of [
    '/calico/ipam/v2/configuration',
    '/calico/ipam/v2/host/node-a',
    '/calico/ipam/v2/host/node-a/ipv4/block/',
    '/calico/ipam/v2/assignment/ipv4/block/',
    '/calico/ipam/v2/handle/',
    '/calico/resources/v3/projectcalico.org/ippools/',
    '/calico/resources/v3/projectcalico.org/ippools/a/b',
    '/calico/resources/v3/projectcalico.org/workloadendpoints/no-namespace',
    '/calico/resources/v3/projectcalico.org/tiers/default',
    '/registry/pods/default/web-0',
  ]) {
    t.equal(documentFromEtcd(key, '{}', '1'), undefined, key)
  }
})

t.test('a value that is no JSON object is refused in words, and so is a name that is no block', async (t) => {
  const key = '/calico/resources/v3/projectcalico.org/ippools/a'
  t.throws(() => documentFromEtcd(key, '{"kind":', '1'), {
    name: 'SyntaxError',
    message: /^the stored value is not JSON: /,
  })
  t.throws(() => documentFromEtcd(key, '[]', '1'), { message: 'the stored value is not a JSON object' })
  t.throws(() => etcdKey('IPAMBlock', 'block-1'), {
    name: 'RangeError',
    message: 'no IPAMBlock can be called "block-1"',
  })
  t.throws(() => etcdKey('BlockAffinity', 'node-a'), RangeError)
})

t.test('the configuration of IPAM in etcd: what Go leaves out is false', async (t) => {
  const key = '/calico/ipam/v2/config'
  const spec = (value: string) => documentFromEtcd(key, value, '7')?.spec
  t.same(spec('{}'), { strictAffinity: false, autoAllocateBlocks: false })
  const value = '{"strict_affinity":true,"auto_allocate_blocks":true,"maxBlocksPerHost":4}'
  t.same(spec(value), { strictAffinity: true, autoAllocateBlocks: true, maxBlocksPerHost: 4 })
  t.same(etcdFromDocument(documentFromEtcd(key, value, '7')!), { key, value })
  t.equal(etcdKey('IPAMConfiguration', 'default'), key)
  t.equal(documentFromEtcd(`${key}-of-others`, '{}', '7'), undefined)
})
