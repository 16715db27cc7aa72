// OpenBGPD: https://man.openbsd.org/bgpd.conf. On Linux it writes no routes.

import { ASN, type Contestant, type Setup } from '../contestant.ts'

/** FRR has another program of this name. */
const BGPD = '/usr/sbin/bgpd'
/** Its processes change their root to the home of their user, in Debian a directory that systemd makes. This one is seen by nobody else. */
const HOME = 'mount -t tmpfs run /run && mkdir -m 755 /run/openbgpd'

export const openbgpd: Contestant = {
  name: 'OpenBGPD',
  routes: false,
  reflects: true,
  files: (setup) => ({ 'bgpd.conf': configuration(setup) }),
  programs: () => [['sh', '-c', `${HOME} && chmod 600 bgpd.conf && exec ${BGPD} -d -f bgpd.conf`]],
}

function configuration({ address, clients, directory, role }: Setup): string {
  const session = (client: string) =>
    `neighbor ${client} { remote-as ${ASN}; passive; ${role === 'reflector' ? `route-reflector ${address}` : ''} }`
      .replaceAll('; ', '\n')
      .replace('{ ', '{\n')
      .replace(' }', '\n}')
  return [
    `AS ${ASN}`,
    `router-id ${address}`,
    `socket "${directory}/bgpd.sock"`,
    'fib-update no',
    ...clients.map(session),
    'allow from any',
    'allow to any',
    '',
  ].join('\n')
}
