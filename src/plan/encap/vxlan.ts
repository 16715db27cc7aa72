// VXLAN, RFC 7348, with static neighbours and FDB entries (vteps.ts). Calico felix/dataplane/linux/vxlan_mgr.go.
//
// The gateway of a route is the VTEP of the other node, which the neighbour table turns into a MAC address and
// the FDB into the address of the node. The VTEP itself is on the link.

import { hostPrefix } from '../../inet/prefix.ts'
import type { Encapsulation } from './encapsulation.ts'
import { deviceOf, vxlanDevice } from './local.ts'
import { vtepAddress } from './vteps.ts'

export const vxlan: Encapsulation = {
  name: 'VXLAN',
  mode: (pool) => pool.vxlanMode,
  fromDatastore: ['Enabled', 'Disabled', 'EnabledIPIPOnly', 'EnabledNoEncapOnly'],

  tunnel({ destination, family, name, vtep }, local) {
    const device = deviceOf(vxlanDevice[family], local)
    if ('declined' in device) return device
    if (vtep === undefined)
      return { declined: `${name} has no VTEP yet: no VXLAN tunnel address, or none in spec.bgp` }
    const onLink = { device: device.name, mtu: device.mtu }
    if (destination !== hostPrefix(vtep)) return { ...onLink, gateway: vtep, onlink: true }
    return family === 'ipv4' ? { ...onLink, scope: 'link' } : onLink // IPv6 routes have no scope
  },

  end: vtepAddress,
}
