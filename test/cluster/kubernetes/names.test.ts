// Object names and labels, with the values that Calico's own code gives.

import t from 'tap'
import { affinityName, endpointName, hostnameHash, podOf } from '../../../src/cluster/kubernetes/names.ts'

t.test('the label of a host is what Calico lists by', async (t) => {
  t.equal(hostnameHash('worker-1'), 'CPU5J3TPSNHFA66J45DG4Z5C3PSJAZ36LD46JZLYEGZSTAWBUCUA')
})

t.test(
  'an affinity of a long node name is cut to what an object can be called, and stays apart from others',
  async (t) => {
    t.equal(affinityName({ node: 'node-a', cidr: 'fd66::12:0/122' }), 'node-a-fd66--12-0-122')
    const [one, two] = ['a', 'b'].map((end) =>
      affinityName({ node: `${'n'.repeat(250)}${end}`, cidr: '10.66.12.64/26' }),
    )
    t.match(one, /^n+-10-66-12-64-26-[0-9a-f]{11}$/)
    t.ok(one!.length <= 253)
    t.not(one, two)
  },
)

t.test('endpoint names keep the dashes of their parts', async (t) => {
  const name = endpointName('node-1', 'pod-name')
  t.equal(name, 'node--1-k8s-pod--name-eth0')
  t.equal(podOf(name), 'pod-name')
  t.equal(podOf('a-cni-b-eth0'), undefined)
  t.equal(podOf('web'), undefined)
})
