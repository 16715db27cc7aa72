// When a pod has an endpoint, and which addresses it has.

import t from 'tap'
import { interfaceOf, podDocument } from '../../../src/cluster/kubernetes/pod.ts'
import { podObject } from '../../kit/datastore/kubernetes.ts'

const CNI = 'cni.projectcalico.org/'
const networks = (object: Parameters<typeof podDocument>[0]) =>
  (podDocument(object, 'cali')?.spec as { ipNetworks?: unknown } | undefined)?.ipNetworks

t.test('a pod of our node', async (t) => {
  t.match(podDocument(podObject('shop', 'web-0'), 'cali'), {
    metadata: {
      name: 'node--a-k8s-web--0-eth0',
      namespace: 'shop',
      labels: { 'projectcalico.org/namespace': 'shop', 'projectcalico.org/orchestrator': 'k8s' },
    },
    spec: {
      node: 'node-a',
      pod: 'web-0',
      interfaceName: 'calia4fc3c48bd8',
      ipNetworks: ['10.66.12.70/32'],
      profiles: ['kns.shop', 'ksa.shop.default'],
    },
  })
  t.equal(interfaceOf('cali', 'default', 'nginx-0'), 'calic048fd9a750')
})

t.test('pods without an endpoint of their own', async (t) => {
  const pod = podObject('shop', 'web-0')
  t.equal(podDocument({ ...pod, spec: { nodeName: 'node-a', hostNetwork: true } }, 'cali'), undefined)
  t.equal(podDocument({ ...pod, spec: {} }, 'cali'), undefined, 'not scheduled yet')
})

t.test('addresses come from the first source that has any, one a family', async (t) => {
  const pod = podObject('shop', 'web-0', { annotations: { [`${CNI}podIPs`]: '10.66.12.9/32, fd66::9/128' } })
  const both = { podIPs: [{ ip: '10.66.12.70' }, { ip: 'fd66::12:6' }, { ip: '10.66.12.71' }] }
  t.same(networks({ ...pod, status: both }), ['10.66.12.70/32', 'fd66::12:6/128'])
  t.same(networks({ ...pod, status: { podIP: '10.66.12.70' } }), ['10.66.12.70/32'])
  t.same(networks({ ...pod, status: {} }), ['10.66.12.9/32', 'fd66::9/128'])
  t.same(networks({ ...podObject('shop', 'x', { annotations: {} }), status: {} }), [])
})

t.test('who is finished has no address any more; who terminates still has', async (t) => {
  const deletionTimestamp = '2026-03-04T05:06:07Z'
  const emptied = { [`${CNI}podIP`]: '', [`${CNI}podIPs`]: '' }
  for (const [wish, expected] of [
    [{ phase: 'Succeeded' }, []],
    [{ phase: 'Failed' }, []],
    [{ deletionTimestamp }, ['10.66.12.70/32']],
    [{ deletionTimestamp, annotations: {} }, ['10.66.12.70/32']],
    [{ deletionTimestamp, annotations: emptied }, []],
    [{ annotations: emptied }, ['10.66.12.70/32']],
  ] as const)
    t.same(networks(podObject('shop', 'web-0', wish)), expected, JSON.stringify(wish))
})
