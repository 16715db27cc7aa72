// IPIP, RFC 2003, through tunl0: the kernel sends to whatever gateway the route names. Calico felix/dataplane/linux/ipip_mgr.go.
//
// The kernel must not ask whether the gateway is a neighbour, hence `onlink`. IPv4 only.

import type { Encapsulation } from './encapsulation.ts'
import { deviceOf } from './local.ts'

export const ipip: Encapsulation = {
  name: 'IPIP',
  mode: (pool) => (pool.family === 'ipv4' ? pool.ipipMode : 'Never'),
  fromDatastore: ['Enabled', 'EnabledIPIPOnly'],

  tunnel({ name, address }, local) {
    const device = deviceOf('tunl0', local)
    if ('declined' in device) return device
    if (address === undefined) return { declined: `the address of ${name} is not known` }
    return { device: 'tunl0', gateway: address, onlink: true, mtu: device.mtu }
  },

  end: (node) => node.ipipTunnelAddress,
}
