// What confd would give a node's BIRD. That BIRD takes it, and does what it should, is shown in test/netns-lab/lab.test.ts.

import t from 'tap'
import { type ClusterData, calicoBird } from '../../../netns-lab/daemons/calico-bird.ts'
import { affinity, bgpConfiguration, bgpPeer, node, pool } from '../../kit/documents.ts'

const data: ClusterData = {
  nodes: [node('node-a', '10.0.0.9/24'), node('node-b', '10.0.0.10/24', { asNumber: 64600 })],
  pools: [
    pool('one', '172.18.0.1/16'),
    pool('off', '172.19.0.0/16', { disableBGPExport: true, ipipMode: 'Always' }),
  ],
  affinities: [
    affinity('node-a', '172.18.0.0/26'),
    affinity('node-a', '172.18.0.64/26', 'pending'),
    affinity('node-a', '172.18.0.192/26', 'pendingDeletion'),
    affinity('node-a', '172.18.1.1/32'),
    affinity('node-b', '172.18.0.128/26'),
  ],
  bgpConfigurations: [],
  bgpPeers: [],
}

function lines(node: string, over: Partial<ClusterData> = {}): string[] {
  const text = calicoBird(node, 'ipv4', { ...data, ...over }) ?? ''
  return text.split('\n').map((line) => line.trim())
}

t.test('who sees the greater address, as text, waits', async (t) => {
  t.ok(lines('node-b').includes('neighbor 10.0.0.9 as 64512; passive on;'))
  t.ok(lines('node-a').includes('neighbor 10.0.0.10 as 64600;'))
})

t.test(
  'own blocks that are more than pending get a blackhole, but not one of a single address',
  async (t) => {
    t.same(
      lines('node-a').filter((line) => line.startsWith('route ')),
      ['route 172.18.0.0/26 blackhole;', 'route 172.18.0.192/26 blackhole;'],
    )
  },
)

t.test(
  'a confirmed block is announced and what is in it is not, unless it is elevated; the rest of a pool is, unless the pool says no',
  async (t) => {
    const filter = lines('node-a').filter((line) => line.startsWith('if net'))
    t.same(filter, [
      'if net ~ 172.19.0.0/16 then reject;',
      'if net = 172.18.0.0/26 then accept;',
      'if net ~ 172.18.0.0/26 then { if kernel_metric < 1024 then accept; reject; }',
      'if net = 172.18.1.1/32 then accept;',
      'if net ~ 172.18.1.1/32 then { if kernel_metric < 1024 then accept; reject; }',
      'if net ~ 172.18.0.0/16 then accept;',
      'if net ~ 172.19.0.0/16 then accept;',
      'if net ~ 172.19.0.0/16 then reject;',
    ])
  },
)

t.test('without mesh only the given peers are left, each where it is meant', async (t) => {
  const over = {
    bgpConfigurations: [bgpConfiguration('default', { nodeToNodeMeshEnabled: false, asNumber: 64999 })],
    bgpPeers: [
      bgpPeer('all', { peerIP: '10.0.0.1', asNumber: 65001 }),
      bgpPeer('other', { peerIP: '10.0.0.2', asNumber: 65001, node: 'node-b' }),
    ],
  }
  t.same(
    lines('node-a', over).filter((line) => /^(neighbor|local) /.test(line)),
    ['local 10.0.0.9 as 64999;', 'neighbor 10.0.0.1 as 65001;'],
  )
})

t.test('a node without an address in the family, or without a resource, has no BIRD', async (t) => {
  t.equal(calicoBird('node-a', 'ipv6', data), undefined)
  t.equal(calicoBird('node-z', 'ipv4', data), undefined)
})
