import t from 'tap'
import { kubernetesFacts } from '../../src/startup/kubernetes.ts'

const nothing = { node: undefined, kubeadm: undefined, rancher: undefined }
const none = { ipv4: undefined, ipv6: undefined }
const node = (...addresses: readonly { type: string; address: string }[]) => ({ status: { addresses } })
const kubeadm = (podSubnet: string) => ({
  data: {
    ClusterConfiguration: `kind: ClusterConfiguration\nnetworking:\n  ${podSubnet}\n  serviceSubnet: 10.96.0.0/12\n`,
  },
})

t.test('where nothing can be read, nothing is known', async (t) => {
  t.same(kubernetesFacts(nothing), { internal: none, podSubnet: none, madeWith: [] })
  t.same(kubernetesFacts({ ...nothing, node: {} }).internal, none)
})

t.test('the first InternalIP of each family is that of the node', async (t) => {
  const { internal } = kubernetesFacts({
    ...nothing,
    node: node(
      { type: 'Hostname', address: 'node-a' },
      { type: 'ExternalIP', address: '192.0.2.1' },
      { type: 'InternalIP', address: '172.20.0.11' },
      { type: 'InternalIP', address: '172.21.0.11' },
      { type: 'InternalIP', address: 'fd20::11' },
    ),
  })
  t.same(internal, { ipv4: '172.20.0.11', ipv6: 'fd20::11' })
})

t.test("kubeadm's network of pods, one or two of them, quoted or not", async (t) => {
  const of = (text: string) => kubernetesFacts({ ...nothing, kubeadm: kubeadm(text) })
  t.same(of('podSubnet: 10.244.0.0/16').podSubnet, { ipv4: '10.244.0.0/16', ipv6: undefined })
  t.same(of('podSubnet: "10.244.0.0/16,fd66::/48"').podSubnet, { ipv4: '10.244.0.0/16', ipv6: 'fd66::/48' })
  t.same(of('podSubnet: ""').podSubnet, none)
  t.same(of('podSubnet: 10.244.0.0/16').madeWith, ['kubeadm'])
  t.same(kubernetesFacts({ ...nothing, rancher: {} }).madeWith, ['rancher'])
})
