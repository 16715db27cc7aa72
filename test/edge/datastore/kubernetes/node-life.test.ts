// What a node does with its own objects, on the kubernetes datastore: what is written is compared with what real Calico
// writes there.

import t from 'tap'
import { kubernetesDatastore } from '../../../../src/edge/datastore/kubernetes/index.ts'
import { reconcileTunnelAddresses } from '../../../../src/ipam/tunnel-addresses.ts'
import { nodeObject } from '../../../kit/datastore/kubernetes.ts'
import { ipamOver, pool } from '../../../kit/ipam.ts'
import { type KubernetesServer, startKubernetes, TOKEN } from '../../../kit/kubernetes/server.ts'

const vxlan = (name: string, cidr: string) =>
  pool(name, cidr, { ipipMode: 'Never', vxlanMode: 'Always', blockSize: 30 })

const objects = ({ store, resource }: KubernetesServer, plural: string) => store.list(resource(plural))

t.test(
  'a tunnel address is taken from IPAM and given back, and each row is as Calico wants it',
  async (t) => {
    const server = await startKubernetes(t)
    server.put('nodes', nodeObject('node-a', { 'projectcalico.org/IPv4Address': '172.20.0.11/24' }))
    const store = kubernetesDatastore({ kubeconfig: await server.kubeconfig(TOKEN), nodename: 'node-a' })
    t.teardown(() => store.close())

    const pools = [vxlan('a', '10.66.0.0/28')]
    await reconcileTunnelAddresses(ipamOver(store, { pools }), 'node-a')
    const [node] = objects(server, 'nodes')
    const address = node!.metadata.annotations!['projectcalico.org/IPv4VXLANTunnelAddr']
    t.match(address, /^10\.66\.0\.\d+$/)
    const [block, ...noOther] = objects(server, 'ipamblocks')
    t.same(noOther, [])
    t.match(block!.spec, {
      affinity: 'host:node-a',
      attributes: [
        {
          handle_id: 'vxlan-tunnel-addr-node-a',
          secondary: { node: 'node-a', type: 'vxlanTunnelAddress' },
        },
      ],
      strictAffinity: false,
      deleted: false,
    })
    t.match(objects(server, 'blockaffinities'), [
      {
        metadata: { labels: { 'projectcalico.org/affinity-type': 'host' } },
        spec: { state: 'confirmed', node: 'node-a', deleted: 'false', type: 'host' },
      },
    ])
    t.match(objects(server, 'ipamhandles'), [
      { metadata: { name: 'vxlan-tunnel-addr-node-a' }, spec: { handleID: 'vxlan-tunnel-addr-node-a' } },
    ])

    const before = server.store.revision
    await reconcileTunnelAddresses(ipamOver(store, { pools }), 'node-a')
    t.equal(server.store.revision, before, 'a second run writes nothing')

    await reconcileTunnelAddresses(ipamOver(store, { pools: [] }), 'node-a')
    t.notOk('projectcalico.org/IPv4VXLANTunnelAddr' in objects(server, 'nodes')[0]!.metadata.annotations!)
    t.same(objects(server, 'ipamhandles'), [])
  },
)
