// Node: addresses with their subnets, tunnels, and what is no address of a host.

import t from 'tap'
import { document, refusals, resource } from '../../kit/resources.ts'

function node(spec: unknown, status?: unknown) {
  return { ...document('Node', spec, { name: 'node-a', labels: { rack: 'r1' } }), status }
}

t.test('everything a node says is read', async (t) => {
  const bgp = {
    asNumber: 64600,
    ipv4Address: '172.20.0.11/24',
    ipv6Address: 'FD20::11/64',
    ipv4IPIPTunnelAddr: '10.66.12.64',
    routeReflectorClusterID: '224.0.0.1',
  }
  const tunnels = {
    ipv4VXLANTunnelAddr: '10.67.12.0',
    vxlanTunnelMACAddr: '66:1B:22:8E:91:0C',
    ipv6VXLANTunnelAddr: 'fd67::12:0',
    vxlanTunnelMACAddrV6: '66:aa:22:8e:91:0d',
  }
  const addresses = [
    { address: '172.20.0.11/24', type: 'CalicoNodeIP' },
    { address: '192.0.2.1', type: 'ExternalIP' },
    { address: 'node-a.example', type: 'InternalIP' },
    { address: '172.20.0.11', type: 'InternalIP' },
  ]
  t.same(resource(node({ bgp, ...tunnels, addresses }, { podCIDRs: ['10.244.1.0/24'] })), {
    kind: 'Node',
    name: 'node-a',
    labels: { rack: 'r1' },
    ipv4: { address: '172.20.0.11', prefix: '172.20.0.0/24' },
    ipv6: { address: 'fd20::11', prefix: 'fd20::/64' },
    asn: 64600,
    routeReflectorClusterId: '224.0.0.1',
    ipipTunnelAddress: '10.66.12.64',
    vxlanTunnelAddress: '10.67.12.0',
    vxlanTunnelAddressV6: 'fd67::12:0',
    vxlanTunnelMac: '66:1b:22:8e:91:0c',
    vxlanTunnelMacV6: '66:aa:22:8e:91:0d',
    addresses: ['172.20.0.11', '192.0.2.1'],
    podCidrs: ['10.244.1.0/24'],
    maintenance: { gracefulShutdown: undefined, shutdown: undefined },
  })
})

t.test('a node that says nothing is a node', async (t) => {
  for (const spec of [undefined, null, {}, { bgp: null }, { bgp: {} }]) {
    t.match(resource(node(spec)), { ipv4: undefined, asn: undefined, addresses: [], podCidrs: [] })
  }
})

t.test('an address without a length stands alone', async (t) => {
  t.same(resource(node({ bgp: { ipv4Address: '172.20.0.11' } })).ipv4, {
    address: '172.20.0.11',
    prefix: '172.20.0.11/32',
  })
  t.same(resource(node({ bgp: { ipv4Address: '172.20.0.10/31' } })).ipv4?.address, '172.20.0.10')
})

t.test('AS numbers are read as number, text and dotted', async (t) => {
  for (const [given, asn] of [
    [64512, 64512],
    ['64512', 64512],
    ['1.10', 65546],
    [0, undefined],
    ['', undefined],
  ]) {
    t.equal(resource(node({ bgp: { asNumber: given } })).asn, asn)
  }
})

t.test('what is wrong is named by field', async (t) => {
  const cases: [object, RegExp][] = [
    [
      { bgp: { ipv4Address: 'fd20::11/64' } },
      /^spec.bgp.ipv4Address: "fd20::11\/64" is not an IPv4 address with its subnet; write/,
    ],
    [{ bgp: { ipv6Address: '172.20.0.11/24' } }, /^spec.bgp.ipv6Address: .* IPv6 address/],
    [{ bgp: { ipv4Address: '172.20.0.0/24' } }, /^spec.bgp.ipv4Address: is not the address of a host/],
    [{ bgp: { ipv4Address: '127.0.0.1/8' } }, /^spec.bgp.ipv4Address: is not the address of a host/],
    [{ bgp: { ipv6Address: '::1' } }, /^spec.bgp.ipv6Address: is not the address of a host/],
    [
      { bgp: { asNumber: 4294967296 } },
      /^spec.bgp.asNumber: 4294967296 is not an AS number; write it like 64512 or 1.10/,
    ],
    [{ bgp: { ipv4IPIPTunnelAddr: '10.0.0.1/32' } }, /^spec.bgp.ipv4IPIPTunnelAddr: .* without length/],
    [{ bgp: { routeReflectorClusterID: 'rack1' } }, /^spec.bgp.routeReflectorClusterID: /],
    [{ vxlanTunnelMACAddr: '66:1b:22' }, /^spec.vxlanTunnelMACAddr: "66:1b:22" is not a hardware address/],
    [{ bgp: [] }, /^spec.bgp: must be a mapping/],
  ]
  for (const [spec, expected] of cases) t.match(refusals(node(spec)), [expected])
})

t.test('the case of a node’s name is kept, an address is a name, a path is not', async (t) => {
  for (const name of ['Node-A', '172.20.0.11', 'n'])
    t.equal(resource(document('Node', {}, { name })).name, name)
  for (const name of ['a/b', 'a b', '-a', ''])
    t.match(refusals(document('Node', {}, { name })), [/^metadata.name: /])
})
