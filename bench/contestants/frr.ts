// FRR: https://docs.frrouting.org/en/stable-8.4/bgp.html

import { ASN, type Contestant, type Setup } from '../contestant.ts'

const DIRECTORY = '/usr/lib/frr'
const FILES = ['--vty_socket', '.', '-z', 'zserv.api', '-P', '0']

export const frr: Contestant = {
  name: 'FRR',
  routes: true,
  reflects: true,
  files: (setup) => ({ 'zebra.conf': '', 'bgpd.conf': configuration(setup) }),
  programs: ({ role }) => [
    [`${DIRECTORY}/zebra`, '-f', 'zebra.conf', '-i', 'zebra.pid', ...FILES],
    [
      `${DIRECTORY}/bgpd`,
      ...(role === 'reflector' ? ['-n'] : []),
      ...['-f', 'bgpd.conf', '-i', 'bgpd.pid', ...FILES],
    ],
  ],
}

function configuration({ address, clients, role }: Setup): string {
  const neighbor = (client: string) => [
    `neighbor ${client} remote-as ${ASN}`,
    `neighbor ${client} passive`,
    `neighbor ${client} advertisement-interval 0`,
  ]
  const lines = [
    `router bgp ${ASN}`,
    `bgp router-id ${address}`,
    ...clients.flatMap(neighbor),
    'address-family ipv4 unicast',
    ...(role === 'reflector' ? clients.map((client) => `neighbor ${client} route-reflector-client`) : []),
    'exit-address-family',
  ]
  return `${lines.join('\n')}\n`
}
