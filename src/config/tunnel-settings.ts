// The settings of tunnel devices and of the routes to other nodes: names and defaults of Felix (Calico
// felix/config/config_params.go). USE_POD_CIDR is calico-node's.

import { row } from './setting.ts'
import { bool, choice, integer, optional, regex, words } from './types.ts'

const DEFAULT_MTU_INTERFACES = '^((en|wl|ww|sl|ib)[Pcopsvx].*|(eth|wlan|wwan).*)'

export const tunnelSettings = {
  programClusterRoutes: row({
    environment: ['FELIX_PROGRAMCLUSTERROUTES'],
    felix: 'programClusterRoutes',
    type: optional(choice(words('Enabled', 'Disabled', 'EnabledIPIPOnly', 'EnabledNoEncapOnly'))),
    default: undefined,
    defaultText: 'the opposite of what BGPConfiguration says, else `EnabledIPIPOnly`',
    live: true,
    meaning:
      'Which routes to other nodes the datastore gives, besides those of VXLAN pools; BGP brings the others.',
  }),
  ipipEnabled: row({
    environment: ['FELIX_IPINIPENABLED'],
    felix: 'ipipEnabled',
    type: optional(bool),
    default: undefined,
    defaultText: 'whether a pool uses IPIP',
    live: true,
    meaning: 'Whether there is tunl0.',
  }),
  ipipMtu: mtu('FELIX_IPINIPMTU', 'ipipMTU', 'tunl0', 20),
  vxlanEnabled: row({
    environment: ['FELIX_VXLANENABLED'],
    felix: 'vxlanEnabled',
    type: optional(bool),
    default: undefined,
    defaultText: 'whether an IPv4 pool uses VXLAN',
    live: true,
    meaning: 'Whether there is vxlan.calico. vxlan-v6.calico is there when an IPv6 pool uses VXLAN.',
  }),
  vxlanMtu: mtu('FELIX_VXLANMTU', 'vxlanMTU', 'vxlan.calico', 50),
  vxlanMtuV6: mtu('FELIX_VXLANMTUV6', 'vxlanMTUV6', 'vxlan-v6.calico', 70),
  vxlanPort: row({
    environment: ['FELIX_VXLANPORT'],
    felix: 'vxlanPort',
    type: integer(1, 65_535),
    default: 4789,
    live: true,
    meaning: 'UDP port of VXLAN; the same on all nodes.',
  }),
  vxlanVni: row({
    environment: ['FELIX_VXLANVNI'],
    felix: 'vxlanVNI',
    type: integer(1, 2 ** 24 - 1),
    default: 4096,
    live: true,
    meaning: 'VXLAN network identifier; the same on all nodes.',
  }),
  mtuInterfaces: row({
    environment: ['FELIX_MTUIFACEPATTERN'],
    felix: 'mtuIfacePattern',
    type: regex,
    default: DEFAULT_MTU_INTERFACES,
    live: true,
    meaning: 'The smallest MTU of the interfaces with such names that are up is that of the host.',
  }),
  usePodCidr: row({
    environment: ['USE_POD_CIDR'],
    type: bool,
    default: false,
    live: false,
    meaning: "Whether the blocks of a node are its pod CIDRs (host-local IPAM), not those of Calico's IPAM.",
  }),
}

function mtu(variable: string, felix: string, device: string, overhead: number) {
  return row({
    environment: [variable],
    felix,
    type: integer(0, 65_535),
    default: 0,
    defaultText: `that of the host less ${overhead}`,
    live: true,
    meaning: `MTU of ${device}; 0 is the default.`,
  })
}
