import t from 'tap'
import { prefix } from '../../src/inet/prefix.ts'
import { affinity, bgpConfiguration, block, node, pool } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

function cluster(): Cluster {
  return new Cluster('a')
    .set(node('a', '10.0.0.9/24'), node('b', '10.0.0.10/24'))
    .set(pool('flat', '10.65.0.0/16'), pool('hidden', '10.66.0.0/16', { disableBGPExport: true }))
    .set(block('10.65.0.0/26', 'a'), affinity('a', '10.65.0.0/26'))
}

function added(given: Cluster, text: string): string[] | undefined {
  const operations = given.plan.advertise(prefix(text))
  return operations?.map((operation) =>
    operation.kind === 'add-community' ? String(operation.community.value) : operation.kind,
  )
}

t.test('announced is what lies inside a pool, but no part of our blocks', async (t) => {
  const given = cluster()
  const may = (text: string): boolean => given.plan.advertise(prefix(text)) !== undefined
  t.same(['10.65.1.0/26', '10.65.0.0/26', '10.65.0.9/32', '10.66.0.0/26', '0.0.0.0/0'].map(may), [
    true,
    true,
    false,
    false,
    false,
  ])
  given.delete(pool('flat', '10.65.0.0/16'))
  t.same(
    ['10.65.1.0/26', '10.65.0.0/26'].map(may),
    [false, true],
    'a block of ours is one without its pool too',
  )
})

t.test('communities come by prefix, by value or name, and add up', async (t) => {
  const given = cluster().set(
    bgpConfiguration('default', {
      communities: [{ name: 'pods', value: '64512:7' }],
      prefixAdvertisements: [
        { cidr: '10.65.0.0/16', communities: ['pods', '64512:1:2'] },
        { cidr: '10.65.0.0/26', communities: ['64512:8', 'pods'] },
      ],
    }),
  )
  given.settle()
  t.same(added(given, '10.65.1.0/26'), ['64512:1:2', '4227858439'])
  t.same(added(given, '10.65.0.0/26'), ['64512:1:2', '4227858439', '4227858440'])
  t.equal(given.plan.advertise(prefix('10.65.1.0/26')), given.plan.advertise(prefix('10.65.2.0/26')))
})

t.test('a node that has its own says nothing of those for all', async (t) => {
  const of = (name: string, value: string) =>
    bgpConfiguration(name, { prefixAdvertisements: [{ cidr: '10.65.0.0/16', communities: [value] }] })
  const given = cluster().set(of('default', '1:1'))
  given.settle()
  t.same(added(given, '10.65.1.0/26'), ['65537'])
  t.same([...given.set(of('node.a', '1:2')).settle().exports], ['10.65.0.0/16'])
  t.same(added(given, '10.65.1.0/26'), ['65538'])
  t.same([...given.set(of('node.b', '1:3')).settle().exports].length, 1)
  t.same(added(given, '10.65.1.0/26'), ['65538'])
})
