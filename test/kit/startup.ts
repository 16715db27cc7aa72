// A host and settings for start-up: interfaces by a line each, variables as calico-node has them.

import { resolveSettings } from '../../src/config/resolve.ts'
import { type Address, parseAddress } from '../../src/inet/address.ts'
import { parseCidr } from '../../src/inet/prefix.ts'
import type { Host, Interface } from '../../src/startup/host.ts'

/** `2 eth0 172.20.0.11/24 fd20::11/64` */
export function interfaces(...lines: readonly string[]): Interface[] {
  return lines.map((line) => {
    const [index, name = '', ...addresses] = line.split(' ')
    return { index: Number(index), name, addresses: addresses.map((text) => parseCidr(text)!) }
  })
}

/** `towards`: our end of a path to anywhere. */
export function host(list: readonly Interface[], towards?: string): Host {
  const ours = towards === undefined ? undefined : parseAddress(towards)
  const of = (family: 'ipv4' | 'ipv6'): Address | undefined =>
    ours?.includes(':') === (family === 'ipv6') ? ours : undefined
  return { interfaces: list, towards: { ipv4: of('ipv4'), ipv6: of('ipv6') }, ipv6: true }
}

export function settingsOf(environment: Readonly<Record<string, string>>) {
  return resolveSettings({
    environment: { NODENAME: 'node-a', ETCD_ENDPOINTS: 'http://etcd:2379', ...environment },
    hostname: 'host',
  })
}

/** Any number of random bytes, always the same. */
export function sameBytes(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => at + 1)
}
