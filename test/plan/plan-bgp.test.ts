import t from 'tap'
import { prefix } from '../../src/inet/prefix.ts'
import { affinity, block, node, pool, workload } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

const three = [node('a', '10.0.0.9/24'), node('b', '10.0.0.10/24'), node('c', '10.0.0.2/24')]

t.test('announced are confirmed blocks of ours, and borrowed addresses of local workloads', async (t) => {
  const cluster = new Cluster('a')
    .set(...three, pool('flat', '10.65.0.0/16'), pool('hidden', '10.66.0.0/16', { disableBGPExport: true }))
    .set(block('10.65.0.0/26', 'a'), affinity('a', '10.65.0.0/26'))
    .set(block('10.65.3.3/32', 'a'), affinity('a', '10.65.3.3/32'))
    .set(block('10.65.0.64/26', 'a'), affinity('a', '10.65.0.64/26', 'pending'))
    .set(block('10.66.0.0/26', 'a'), affinity('a', '10.66.0.0/26'))
    .set(block('10.65.1.0/26', 'b', { 8: 'a' }))
    .set(workload('a', 'own', 'cali1', '10.65.0.2/32'), workload('a', 'borrowed', 'cali2', '10.65.1.8/32'))
    .set(workload('a', 'outside', 'cali3', '192.0.2.1/32'))
  cluster.settle()
  const originated = [...cluster.plan.originations.keys()].sort()
  t.same(originated, ['10.65.0.0/26', '10.65.1.8/32', '10.65.3.3/32', '10.66.0.0/26'])
  const advertised = originated.filter((prefix) => cluster.plan.advertise(prefix))
  t.same(
    advertised,
    ['10.65.0.0/26', '10.65.1.8/32', '10.65.3.3/32'],
    'a filter may speak for a pool that is not exported',
  )
  t.equal(cluster.plan.originations.get(prefix('10.65.0.0/26'))?.localPref, 2147482623)
})
