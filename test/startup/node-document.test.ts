import t from 'tap'
import type { Document } from '../../src/cluster/feed.ts'
import { detectionMethod, nodeAddress } from '../../src/config/startup-types.ts'
import { type NodeWish, nodeDocument } from '../../src/startup/node-document.ts'
import { host, interfaces } from '../kit/startup.ts'

const machine = host(
  interfaces(
    '1 lo 127.0.0.1/8',
    '3 eth1 10.9.0.11/16',
    '2 eth0 172.20.0.11/24 fd20::11/64',
    '4 docker0 172.17.0.1/16',
    '5 eth2',
  ),
)

function wish(ip?: string, ip6?: string, more: Partial<NodeWish> = {}): NodeWish {
  const method = detectionMethod.parse('interface=eth0')!
  const given = (family: 'ipv4' | 'ipv6', text?: string) =>
    text === undefined ? undefined : nodeAddress(family).parse(text)
  return {
    name: 'node-a',
    addresses: { ipv4: { given: given('ipv4', ip), method }, ipv6: { given: given('ipv6', ip6), method } },
    asn: undefined,
    k8sNodeRef: undefined,
    ...more,
  }
}

/** As somebody else has written it, with fields that are not ours and some that nobody here knows. */
const stored: Document = {
  apiVersion: 'projectcalico.org/v3',
  kind: 'Node',
  metadata: {
    name: 'node-a',
    uid: 'u',
    resourceVersion: '7',
    labels: { rack: 'r1' },
    annotations: { 'projectcalico.org/kube-labels': '{}' },
  },
  spec: {
    bgp: {
      ipv4Address: '172.20.0.11/24',
      ipv4IPIPTunnelAddr: '10.244.1.1',
      routeReflectorClusterID: '224.0.0.1',
      later: 1,
    },
    ipv4VXLANTunnelAddr: '10.244.1.2',
    wireguard: { interfaceIPv4Address: '10.244.1.3' },
    orchRefs: [{ nodeName: 'vm-7', orchestrator: 'openstack' }],
    invented: { by: 'a newer Calico', at: 12345678901234567890n },
  },
  status: { wireguardPublicKey: 'k' },
}

t.test('with nothing set, a resource that has an address stays as it is', async (t) => {
  const { document, isChanged, isMoved, warnings } = nodeDocument(wish(), stored, machine)
  t.same(document, stored)
  t.same({ isChanged, isMoved, warnings }, { isChanged: false, isMoved: false, warnings: [] })
})

t.test('our fields are set, everything else survives', async (t) => {
  const { document, isChanged, isMoved } = nodeDocument(
    wish('172.20.0.12/24', 'autodetect', { asn: 64600, k8sNodeRef: 'machine-a' }),
    stored,
    machine,
  )
  t.same({ isChanged, isMoved }, { isChanged: true, isMoved: true })
  const { bgp, orchRefs, ...spec } = stored.spec as Record<string, object>
  t.same(document, {
    ...stored,
    spec: {
      ...spec,
      bgp: { ...bgp, ipv4Address: '172.20.0.12/24', ipv6Address: 'fd20::11/64', asNumber: 64600 },
      orchRefs: [
        { nodeName: 'vm-7', orchestrator: 'openstack' },
        { nodeName: 'machine-a', orchestrator: 'k8s' },
      ],
      interfaces: [
        { name: 'eth0', addresses: ['172.20.0.11', 'fd20::11'] },
        { name: 'eth1', addresses: ['10.9.0.11'] },
        { name: 'eth2' },
      ],
    },
  })
  const again = nodeDocument(
    wish('172.20.0.12/24', 'autodetect', { asn: 64600, k8sNodeRef: 'machine-a' }),
    document,
    machine,
  )
  t.same([again.isChanged, again.isMoved], [false, false], 'and a second time nothing changes')
})

t.test('a new resource has what is ours and no more', async (t) => {
  const { document } = nodeDocument(wish(), undefined, machine)
  t.same(document, {
    apiVersion: 'projectcalico.org/v3',
    kind: 'Node',
    metadata: { name: 'node-a' },
    spec: { bgp: { ipv4Address: '172.20.0.11/24' } },
  })
})

t.test(
  'interfaces are recorded in the families whose variable is set, and cleared when none is',
  async (t) => {
    const recorded = (ip?: string, ip6?: string) => {
      const spec = { bgp: { ipv4Address: '172.20.0.11/24' }, interfaces: [{ name: 'old' }] }
      const { document } = nodeDocument(wish(ip, ip6), { ...stored, spec }, machine)
      return (document.spec as { interfaces?: { addresses?: string[] }[] }).interfaces?.[0]?.addresses
    }
    t.same(recorded('autodetect'), ['172.20.0.11'])
    t.same(recorded(undefined, 'autodetect'), ['fd20::11'])
    t.same(recorded('none', 'autodetect'), ['fd20::11'])
    t.same(recorded('autodetect', 'autodetect'), ['172.20.0.11', 'fd20::11'])
    t.equal(recorded(), undefined)
    t.equal(recorded('none'), undefined)
  },
)

t.test('an AS number is not an address: no other node is asked about it', async (t) => {
  const { isChanged, isMoved } = nodeDocument(wish(undefined, undefined, { asn: 64600 }), stored, machine)
  t.same({ isChanged, isMoved }, { isChanged: true, isMoved: false })
})

t.test('with backend none addresses are left alone, and no resource is made', async (t) => {
  t.equal(
    nodeDocument(wish('autodetect', undefined, { addresses: undefined }), undefined, machine).isChanged,
    false,
  )
  t.equal(
    nodeDocument(wish('autodetect', undefined, { addresses: undefined }), stored, machine).isChanged,
    false,
  )
})

t.test('what no node can have is refused with its variable, or the resource it stands in', async (t) => {
  const refused = (wanted: NodeWish, message: RegExp, there?: Document) =>
    t.throws(() => nodeDocument(wanted, there, machine), { name: 'StartupError', message })
  refused(wish('none'), /^IP: neither IP nor IP6/)
  refused(wish('172.20.0.0/24'), /^IP: is not the address of a host; write/)
  refused(wish('127.0.0.1'), /^IP: is not the address of a host/)
  refused(wish('none', 'ff02::1'), /^IP6: is not the address of a host/)
  refused(wish(), /^Node\/node-a spec.bgp.ipv4Address: "nonsense" is not an IPv4 address/, {
    ...stored,
    spec: { bgp: { ipv4Address: 'nonsense' } },
  })
})
