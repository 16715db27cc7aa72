// The life of a node on Kubernetes, from an empty cluster to its end, and each object that it writes meanwhile, compared with
// what Calico writes (node/pkg/lifecycle/startup, node/pkg/allocateip, libcalico-go/lib/backend/k8s/resources).

import t, { type Test } from 'tap'
import { address } from '../../src/inet/address.ts'
import { nodeObject, podObject } from '../kit/datastore/kubernetes.ts'
import { startNode, type TestNode, type Write, writesOf } from '../kit/kubernetes/node.ts'
import { type KubernetesServer, startKubernetes } from '../kit/kubernetes/server.ts'
import type { StoredObject } from '../kit/kubernetes/store.ts'
import { interfaces } from '../kit/startup.ts'
import { until } from '../kit/until.ts'

const environment = {
  CLUSTER_TYPE: 'k8s,bgp',
  IP: 'autodetect',
  IP_AUTODETECTION_METHOD: 'kubernetes-internal-ip',
  CALICO_IPV4POOL_VXLAN: 'Always',
  CALICO_IPV4POOL_BLOCK_SIZE: '30',
}

const eth0 = (address: string) => interfaces('1 lo 127.0.0.1/8', `2 eth0 ${address}/24`)

/** With room for one block, since which one is taken is chance. */
const kubeadm: StoredObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
  data: { ClusterConfiguration: 'networking:\n  podSubnet: 10.244.0.0/30\n' },
}

/** As kubelet has it. */
const kubelet = (address: string, bootID: string) => ({
  addresses: [{ type: 'InternalIP', address }],
  conditions: [{ type: 'Ready', status: 'True' }],
  nodeInfo: { bootID },
})

const crd = (kind: string, name: string, spec: object): object => ({
  apiVersion: 'crd.projectcalico.org/v1',
  kind,
  metadata: { name },
  spec,
})

const annotated = (annotations: object): Write => ({
  what: 'patch nodes/node-a/status',
  body: { metadata: { annotations } },
})

const condition = (status: string, reason: string, message: string): Write => ({
  what: 'patch nodes/node-a/status',
  body: { status: { conditions: [{ type: 'NetworkUnavailable', status, reason, message }] } },
})

const up = condition('False', 'CalicoIsUp', 'Calico is running on this node')
const down = condition('True', 'CalicoIsDown', 'Calico is shutting down on this node')

const affinity = (state: string): object => ({
  ...crd('BlockAffinity', 'node-a-10-244-0-0-30', {
    node: 'node-a',
    cidr: '10.244.0.0/30',
    type: 'host',
    state,
    deleted: 'false',
  }),
  metadata: {
    name: 'node-a-10-244-0-0-30',
    labels: {
      'projectcalico.org/hostname-hash': 'PY3TQE2E3XMTETLM2MJO3UITKPFB27YUJ4T4E5XGPEJON3SM4QAA',
      'projectcalico.org/affinity-type': 'host',
      'projectcalico.org/ip-version': '4',
    },
  },
})

const block = (allocations: object): object =>
  crd('IPAMBlock', '10-244-0-0-30', {
    cidr: '10.244.0.0/30',
    affinity: 'host:node-a',
    deleted: false,
    strictAffinity: false,
    ...allocations,
  })

/** Of an empty cluster: pools and information for all, then what this node needs for its tunnel. */
const first: readonly Write[] = [
  annotated({
    'projectcalico.org/IPv4Address': '172.20.0.11/24',
    'projectcalico.org/Interfaces': '[{"name":"eth0","addresses":["172.20.0.11"]}]',
  }),
  {
    what: 'create ippools',
    body: crd('IPPool', 'default-ipv4-ippool', {
      cidr: '10.244.0.0/30',
      vxlanMode: 'Always',
      ipipMode: 'Never',
      natOutgoing: true,
      blockSize: 30,
      nodeSelector: 'all()',
      allowedUses: ['Workload', 'Tunnel'],
      assignmentMode: 'Automatic',
    }),
  },
  {
    what: 'create clusterinformations',
    body: crd('ClusterInformation', 'default', {
      clusterGUID: '0102030405060708090a0b0c0d0e0f10',
      clusterType: 'k8s,bgp,kubeadm,kdd',
      calicoVersion: 'v3.33.0',
      datastoreReady: true,
    }),
  },
  {
    what: 'create felixconfigurations',
    body: crd('FelixConfiguration', 'default', {
      logSeverityScreen: 'Info',
      reportingInterval: '0s',
      nftablesMode: 'Auto',
      nftablesFlowTableOffload: 'Disabled',
      bpfLogLevel: '',
      bpfConnectTimeLoadBalancing: 'TCP',
      bpfHostNetworkedNATWithoutCTLB: 'Enabled',
      floatingIPs: 'Disabled',
    }),
  },
  { what: 'create blockaffinities', body: affinity('pending') },
  {
    what: 'create ipamblocks',
    body: block({
      allocations: [null, null, null, null],
      unallocated: [0, 1, 2, 3],
      attributes: [],
      sequenceNumberForAllocation: {},
    }),
  },
  { what: 'update blockaffinities/node-a-10-244-0-0-30', body: affinity('confirmed') },
  {
    what: 'create ipamhandles',
    body: crd('IPAMHandle', 'vxlan-tunnel-addr-node-a', {
      handleID: 'vxlan-tunnel-addr-node-a',
      block: { '10.244.0.0/30': 1 },
      deleted: false,
    }),
  },
  {
    what: 'update ipamblocks/10-244-0-0-30',
    body: block({
      allocations: [0, null, null, null],
      unallocated: [1, 2, 3],
      attributes: [
        {
          handle_id: 'vxlan-tunnel-addr-node-a',
          secondary: { node: 'node-a', type: 'vxlanTunnelAddress' },
        },
      ],
      sequenceNumberForAllocation: { 0: 'a number' },
    }),
  },
  annotated({ 'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.0.0' }),
]

async function life(t: Test): Promise<{
  server: KubernetesServer
  start: () => Promise<TestNode>
  /** What was written since the last time, once it is so many. */
  written: (count: number) => Promise<Write[]>
}> {
  const server = await startKubernetes(t)
  server.put('nodes', nodeObject('node-a', {}, { status: kubelet('172.20.0.11', 'boot-1') }))
  server.put('configmaps', kubeadm)
  let seen = 0
  return {
    server,
    start: () => startNode(t, server, environment, eth0('172.20.0.11')),
    async written(count) {
      await until(`${count} writes`, () => writesOf(server.calls.slice(seen)).length >= count)
      const writes = writesOf(server.calls.slice(seen))
      seen = server.calls.length
      return writes
    },
  }
}

const isCondition = ({ body }: Write) => 'status' in (body as object)

t.test('a node writes what Calico writes, from an empty cluster to its end', async (t) => {
  const { server, start, written } = await life(t)
  const node = await start()
  const begun = await written(first.length + 1)
  t.same(
    begun.filter((write) => !isCondition(write)),
    first,
  )
  t.same(begun.filter(isCondition), [up])

  // Pods come and go, the node is cordoned, and kubelet tells how it is: nothing of that is ours to write.
  const pods = () => [...node.view.all('WorkloadEndpoint')].length
  server.put('pods', podObject('shop', 'web-0', { ip: '10.244.0.1' }))
  await until('the pod is known', () => pods() === 1)
  server.remove('pods', 'web-0', 'shop')
  await until('the pod is gone', () => pods() === 0)
  change(server, (object) => ({ ...object, spec: { unschedulable: true } }))
  node.clock.advance(60_000)
  await node.stop()
  t.same(await written(1), [down])

  // The machine boots anew, and has all it needs.
  change(server, (object) => ({ ...object, status: kubelet('172.20.0.11', 'boot-2') }))
  const second = await start()
  t.same(await written(1), [up])

  // It gets another address.
  change(server, (object) => ({ ...object, status: kubelet('172.20.0.22', 'boot-2') }))
  await until('it is told', () =>
    second.view.get('Node', 'node-a')!.addresses.includes(address('172.20.0.22')),
  )
  second.interfaces(eth0('172.20.0.22'))
  second.clock.advance(5_000)
  t.same(await written(1), [
    annotated({
      'projectcalico.org/IPv4Address': '172.20.0.22/24',
      'projectcalico.org/Interfaces': '[{"name":"eth0","addresses":["172.20.0.22"]}]',
    }),
  ])

  // It is deleted. Its blocks are kube-controllers' to release, and nobody makes the Node again.
  server.remove('nodes', 'node-a')
  await until('the node knows', () => {
    second.clock.advance(60_000)
    return second.startup.view().status.state === 'failed'
  })
  t.match(second.startup.view().status.reason, /Node node-a: kubelet has not registered it yet/)
  t.same(writesOf(server.calls).slice(-1), [
    annotated({
      'projectcalico.org/IPv4Address': '172.20.0.22/24',
      'projectcalico.org/Interfaces': '[{"name":"eth0","addresses":["172.20.0.22"]}]',
    }),
  ])
  t.equal(server.store.list(server.resource('ipamblocks')).length, 1)
})

t.test('a node that kubelet has not registered waits for it, without asking again and again', async (t) => {
  const { server, start, written } = await life(t)
  const own = server.store.get(server.resource('nodes'), 'node-a')!
  server.remove('nodes', 'node-a')
  const node = await start()
  await until('it says so', () => node.startup.view().status.state === 'failed')
  const asked = server.calls.length
  server.put('nodes', own)
  await written(first.length + 1)
  t.equal(node.startup.view().status.state, 'done')
  const again = server.calls
    .slice(asked)
    .filter(({ verb, path }) => verb === 'get' && path.endsWith('/nodes/node-a'))
  t.ok(again.length < 10, `${again.length} times`)
})

/** Somebody else writes the Node. */
function change(server: KubernetesServer, edit: (object: StoredObject) => StoredObject): void {
  server.put('nodes', edit(server.store.get(server.resource('nodes'), 'node-a')!))
}
