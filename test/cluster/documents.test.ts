// Foreign forms of cluster data as v3 documents.

import t from 'tap'
import { toDocuments } from '../../src/cluster/documents.ts'
import { parseDocument } from '../../src/cluster/resources/index.ts'

const v3 = 'projectcalico.org/v3'
const crd = 'crd.projectcalico.org/v1'

/** The one document that `raw` stands for. */
function one(raw: object) {
  const { documents, problems } = toDocuments(raw, 'x.yaml')
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  return documents[0]
}

t.test('a v3 object is itself', async (t) => {
  const metadata = {
    name: 'lan',
    labels: { a: 'b' },
    annotations: { c: 'd' },
    uid: 'u',
    creationTimestamp: '2026-03-04T05:06:07Z',
  }
  const raw = {
    apiVersion: v3,
    kind: 'IPPool',
    metadata,
    spec: { cidr: '10.66.0.0/16' },
    status: { conditions: [] },
  }
  t.same(one(raw), raw)
})

t.test('only endpoints have a namespace, and nulls are as good as absent', async (t) => {
  const metadata = { name: 'x', namespace: 'shop', creationTimestamp: null, labels: null }
  t.same(one({ apiVersion: v3, kind: 'IPPool', metadata })?.metadata, { name: 'x' })
  t.same(one({ apiVersion: v3, kind: 'WorkloadEndpoint', metadata })?.metadata, {
    name: 'x',
    namespace: 'shop',
  })
  t.equal(
    one({ apiVersion: v3, kind: 'WorkloadEndpoint', metadata: { name: 'x' } })?.metadata.namespace,
    'default',
  )
})

t.test('a custom resource keeps its metadata in an annotation, which wins', async (t) => {
  const stored = {
    labels: { team: 'net', both: 'ours' },
    annotations: { note: 'x' },
    creationTimestamp: '2026-03-04T05:06:07Z',
  }
  const document = one({
    apiVersion: crd,
    kind: 'BGPPeer',
    metadata: {
      name: 'tor-r1',
      resourceVersion: '42',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { both: 'native', only: 'native' },
      annotations: { 'projectcalico.org/metadata': JSON.stringify(stored), other: 'y' },
    },
    spec: { peerIP: '172.20.0.1', asNumber: 65001 },
  })
  t.same(document, {
    apiVersion: v3,
    kind: 'BGPPeer',
    metadata: {
      name: 'tor-r1',
      resourceVersion: '42',
      creationTimestamp: '2026-03-04T05:06:07Z',
      labels: { team: 'net', both: 'ours', only: 'native' },
      annotations: { note: 'x', other: 'y' },
    },
    spec: { peerIP: '172.20.0.1', asNumber: 65001 },
  })
})

t.test('a custom resource made by kubectl has no such annotation; old ones have a null in it', async (t) => {
  const creationTimestamp = '2026-01-01T00:00:00Z'
  t.match(one({ apiVersion: crd, kind: 'IPPool', metadata: { name: 'a', creationTimestamp } })?.metadata, {
    creationTimestamp,
  })
  const annotations = { 'projectcalico.org/metadata': '{"creationTimestamp":null}' }
  t.match(
    one({ apiVersion: crd, kind: 'IPPool', metadata: { name: 'a', creationTimestamp, annotations } })
      ?.metadata,
    { creationTimestamp },
  )
  t.same(
    toDocuments(
      {
        apiVersion: crd,
        kind: 'IPPool',
        metadata: { name: 'a', annotations: { 'projectcalico.org/metadata': '{' } },
      },
      'f',
    ).problems,
    [{ subject: 'f', field: 'metadata.annotations.projectcalico.org/metadata', message: 'is not JSON' }],
  )
})

t.test('IPAM rows of the custom resources are read, `deleted` as text included', async (t) => {
  const affinity = (deleted: unknown) =>
    one({
      apiVersion: crd,
      kind: 'BlockAffinity',
      metadata: { name: 'node-a-10-66-12-64-26' },
      spec: { node: 'node-a', cidr: '10.66.12.64/26', state: 'confirmed', deleted },
    })!
  for (const [given, deleted] of [
    ['true', true],
    ['false', false],
    ['', false],
    [undefined, false],
    [true, true],
  ]) {
    t.match(parseDocument(affinity(given)), { resource: { deleted } })
  }
  const block = one({
    apiVersion: crd,
    kind: 'IPAMBlock',
    metadata: { name: '10-66-12-64-30', annotations: { 'projectcalico.org/metadata': '{}' } },
    spec: {
      cidr: '10.66.12.64/30',
      affinity: 'host:node-a',
      allocations: [0, null, null, null],
      unallocated: [1, 2, 3],
      attributes: [
        { handle_id: 'vxlan-tunnel-addr-node-a', secondary: { node: 'node-a', type: 'vxlanTunnelAddress' } },
      ],
      sequenceNumber: 1772600767000000001n,
      strictAffinity: false,
      deleted: false,
    },
  })!
  t.match(parseDocument(block), {
    resource: { node: 'node-a', allocations: [{ address: '10.66.12.64', node: 'node-a' }] },
  })
  t.match(block.spec, { sequenceNumber: 1772600767000000001n })
})

t.test('a pool of calicoctl before 3.0 becomes today’s', async (t) => {
  const legacy = (spec: object) =>
    one({ apiVersion: 'v1', kind: 'ipPool', metadata: { cidr: '10.66.0.0/16' }, spec })
  t.same(legacy({ ipip: { enabled: true, mode: 'cross-subnet' }, 'nat-outgoing': true, disabled: false }), {
    apiVersion: v3,
    kind: 'IPPool',
    metadata: { name: '10-66-0-0-16' },
    spec: { cidr: '10.66.0.0/16', ipipMode: 'CrossSubnet', natOutgoing: true, disabled: false },
  })
  const modes: [object, string | undefined][] = [
    [{ ipip: { enabled: true } }, 'Always'],
    [{ ipip: { enabled: true, mode: 'always' } }, 'Always'],
    [{ ipip: { enabled: false, mode: 'always' } }, 'Never'],
    [{}, undefined],
  ]
  for (const [spec, ipipMode] of modes) t.match(legacy(spec)?.spec, { ipipMode })
  t.match(parseDocument(legacy({})!), {
    resource: { ipipMode: 'Never', vxlanMode: 'Never', blockSize: 26, natOutgoing: false },
  })
})

t.test('old pool fields inside a v3 spec decide as they did', async (t) => {
  const pool = (spec: object, apiVersion = crd) =>
    one({ apiVersion, kind: 'IPPool', metadata: { name: 'a' }, spec: { cidr: '10.66.0.0/16', ...spec } })
      ?.spec
  t.same(pool({ ipip: { enabled: true, mode: 'cross-subnet' }, ipipMode: 'Always' }), {
    cidr: '10.66.0.0/16',
    ipipMode: 'CrossSubnet',
  })
  t.same(pool({ ipip: { enabled: false }, ipipMode: 'Always' }, v3), {
    cidr: '10.66.0.0/16',
    ipipMode: 'Never',
  })
  t.match(pool({ 'nat-outgoing': true, natOutgoing: false }), { natOutgoing: true })
  t.match(pool({ 'nat-outgoing': false, natOutgoing: true }), { natOutgoing: true })
  const odd = {
    apiVersion: v3,
    kind: 'IPPool',
    metadata: { name: 'a' },
    spec: { ipip: { enabled: true, mode: 'often' } },
  }
  t.same(toDocuments(odd, 'f').problems, [
    { subject: 'f', field: 'spec.ipip.mode', message: '"often" is not one of always, cross-subnet' },
  ])
})

t.test('peers and nodes of calicoctl before 3.0 become today’s', async (t) => {
  const peer = (metadata: object) =>
    one({ apiVersion: 'v1', kind: 'bgpPeer', metadata, spec: { asNumber: '65001' } })
  t.same(peer({ scope: 'global', peerIP: '172.20.0.1' }), {
    apiVersion: v3,
    kind: 'BGPPeer',
    metadata: { name: '172-20-0-1' },
    spec: { asNumber: '65001', peerIP: '172.20.0.1' },
  })
  t.match(peer({ scope: 'node', node: 'Node-A', peerIP: 'fd20::1' }), {
    metadata: { name: 'node-a.fd20-0000-0000-0000-0000-0000-0000-0001' },
    spec: { node: 'Node-A', peerIP: 'fd20::1' },
  })
  const node = one({
    apiVersion: 'v1',
    kind: 'node',
    metadata: { name: 'node-a' },
    spec: { bgp: { asNumber: 64512, ipv4Address: '172.20.0.11' } },
  })!
  t.match(parseDocument(node), { resource: { kind: 'Node', asn: 64512, ipv4: { prefix: '172.20.0.11/32' } } })
})

t.test('a list stands for its items, and one bad item costs only itself', async (t) => {
  const pool = (name: string) => ({
    apiVersion: v3,
    kind: 'IPPool',
    metadata: { name },
    spec: { cidr: '10.66.0.0/16' },
  })
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [pool('a'), { apiVersion: v3, kind: 'IPPool' }, { kind: 'IPPoolList', items: [pool('b')] }],
  }
  const { documents, problems } = toDocuments(list, 'pools.yaml#2')
  t.same(
    documents.map(({ metadata }) => metadata.name),
    ['a', 'b'],
  )
  t.same(problems, [{ subject: 'pools.yaml#2', field: 'items[1].metadata.name', message: 'is missing' }])
  t.same(toDocuments({ apiVersion: v3, kind: 'IPPoolList', items: [] }, 'f'), { documents: [], problems: [] })
})

t.test('kinds of Calico that routing has no use for are passed over', async (t) => {
  for (const kind of ['Tier', 'NetworkPolicy', 'HostEndpoint', 'Profile']) {
    for (const apiVersion of [v3, crd]) {
      t.same(
        toDocuments({ apiVersion, kind, metadata: { name: 'x' } }, 'f'),
        { documents: [], problems: [] },
        kind,
      )
    }
  }
  t.same(toDocuments({ apiVersion: 'v1', kind: 'hostEndpoint', metadata: {} }, 'f'), {
    documents: [],
    problems: [],
  })
})

t.test('in the classical group the configuration of IPAM goes by another name', async (t) => {
  const raw = {
    apiVersion: crd,
    kind: 'IPAMConfig',
    metadata: { name: 'default' },
    spec: { maxBlocksPerHost: 4 },
  }
  t.match(toDocuments(raw, 'f'), {
    documents: [{ apiVersion: v3, kind: 'IPAMConfiguration', metadata: { name: 'default' }, spec: raw.spec }],
    problems: [],
  })
})

t.test('what cannot be read is named, with what would be right', async (t) => {
  const named = { metadata: { name: 'x' } }
  const cases: [unknown, string | undefined, RegExp][] = [
    ['hello', undefined, /^"hello" is not a mapping$/],
    [[1], undefined, /^\[1\] is not a mapping$/],
    [{}, 'kind', /^is missing$/],
    [{ kind: 'IPPool' }, 'apiVersion', /^is missing$/],
    [
      { apiVersion: v3, kind: 'IPPol', ...named },
      'kind',
      /^"IPPol" is not known; what is read: IPPool, Node, /,
    ],
    [{ apiVersion: v3, kind: 'constructor', ...named }, 'kind', /is not known/],
    [
      { apiVersion: 'projectcalico.org/v4', kind: 'IPPool', ...named },
      'apiVersion',
      /what is read: projectcalico.org\/v3, crd/,
    ],
    [{ apiVersion: 'v1', kind: 'Pod', ...named }, 'kind', /^"Pod" is not known; what is read: ipPool, /],
    [{ apiVersion: 'v1', kind: 'toString', ...named }, 'kind', /is not known/],
    [{ apiVersion: v3, kind: 'IPPool', metadata: 'x' }, 'metadata', /is not a mapping/],
    [
      { apiVersion: v3, kind: 'IPPool', metadata: { name: 7 } },
      'metadata.name',
      /^7 is not text; put it in quotes$/,
    ],
    [{ apiVersion: v3, kind: 'IPPool', ...named, spec: [] }, 'spec', /is not a mapping/],
    [
      { apiVersion: v3, kind: 'Node', metadata: { name: 'x', labels: { rr: true } } },
      'metadata.labels.rr',
      /^true is not text/,
    ],
    [{ apiVersion: 'v1', kind: 'ipPool', metadata: {} }, 'metadata.cidr', /^is missing$/],
    [
      { apiVersion: 'v1', kind: 'bgpPeer', metadata: { scope: 'node', peerIP: '1.2.3.4' } },
      'metadata.node',
      /^is missing$/,
    ],
  ]
  for (const [raw, field, message] of cases) {
    const { documents, problems } = toDocuments(raw, 'f')
    t.same(documents, [])
    t.equal(problems.length, 1)
    t.equal(problems[0]?.subject, 'f')
    t.equal(problems[0]?.field, field)
    t.match(problems[0]?.message, message)
  }
})
