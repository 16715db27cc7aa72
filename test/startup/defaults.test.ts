import t from 'tap'
import { clusterInformation } from '../../src/startup/defaults.ts'
import { document } from '../kit/resources.ts'
import { sameBytes } from '../kit/startup.ts'

const complete = {
  clusterGUID: 'c0ffee',
  clusterType: 'k8s,bgp',
  calicoVersion: 'v3.30.0',
  datastoreReady: true,
}
const completed = (spec: object, clusterType?: string) =>
  clusterInformation(document('ClusterInformation', spec), [clusterType], sameBytes).spec

t.test('a cluster without ClusterInformation gets one that the CNI plugin can read', async (t) => {
  t.match(clusterInformation(undefined, ['bgp'], sameBytes), {
    kind: 'ClusterInformation',
    metadata: { name: 'default' },
    spec: {
      clusterGUID: '0102030405060708090a0b0c0d0e0f10',
      clusterType: 'bgp',
      calicoVersion: /^v3\.\d+\.\d+$/,
      datastoreReady: true,
    },
  })
})

t.test('what is missing is filled in, and what is there stays', async (t) => {
  t.same(completed(complete), complete)
  t.same(completed({ ...complete, later: 1, datastoreReady: undefined }), { ...complete, later: 1 })
  t.same(completed({ ...complete, datastoreReady: false }), { ...complete, datastoreReady: false })
  t.match(completed({ clusterGUID: '' }), { clusterGUID: /^[0-9a-f]{32}$/, datastoreReady: true })
})

t.test('a complete one is not touched', async (t) => {
  const stored = document('ClusterInformation', complete)
  t.equal(clusterInformation(stored, ['bgp'], sameBytes), stored)
})

t.test('words of CLUSTER_TYPE are added once', async (t) => {
  t.match(completed(complete, 'bgp,kubeadm,'), { clusterType: 'k8s,bgp,kubeadm' })
  t.match(completed({ ...complete, clusterType: undefined }, 'a, a'), { clusterType: 'a' })
})
