// GoBGP: https://github.com/osrg/gobgp/blob/v3.10.0/docs/sources/configuration.md. FRR's zebra writes its routes.

import { ASN, type Contestant, type Setup } from '../contestant.ts'

export const gobgp: Contestant = {
  name: 'GoBGP',
  routes: false,
  reflects: true,
  files: (setup) => ({ 'gobgpd.json': JSON.stringify(configuration(setup)) }),
  programs: () => [['gobgpd', '-t', 'json', '-f', 'gobgpd.json', '--pprof-disable']],
}

function configuration({ address, clients, role }: Setup): unknown {
  const client = { 'route-reflector-client': true, 'route-reflector-cluster-id': address }
  return {
    global: { config: { as: ASN, 'router-id': address } },
    neighbors: clients.map((of) => ({
      config: { 'neighbor-address': of, 'peer-as': ASN },
      transport: { config: { 'passive-mode': true } },
      ...(role === 'reflector' && { 'route-reflector': { config: client } }),
    })),
  }
}
