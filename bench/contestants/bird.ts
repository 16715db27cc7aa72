// BIRD 2: https://bird.network.cz/?get_doc&v=20

import { ASN, type Contestant, type Setup } from '../contestant.ts'

export const bird: Contestant = {
  name: 'BIRD',
  routes: true,
  reflects: true,
  files: (setup) => ({ 'bird.conf': configuration(setup) }),
  programs: () => [['bird', '-f', '-c', 'bird.conf', '-s', 'bird.ctl']],
}

function configuration({ address, clients, role }: Setup): string {
  const isReflector = role === 'reflector'
  const session = (client: string, i: number) => `
    protocol bgp peer${i} {
      local ${address} as ${ASN}; neighbor ${client} as ${ASN};
      passive yes; ${isReflector ? 'rr client;' : ''}
      ipv4 { import all; export ${isReflector ? 'all' : 'none'}; };
    }`
  return `
    log stderr { error, fatal, bug };
    router id ${address};
    protocol device {}
    protocol direct { ipv4; }
    ${isReflector ? '' : 'protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }'}
    ${clients.map(session).join('')}`
}
