// What node start-up asks of the host, besides its interfaces, of which `edge/kernel` tells.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Address, Family } from '../../inet/address.ts'
import { recordNodename } from './files.ts'
import { addressTowards } from './reach.ts'

export interface HostAccess {
  /** Our end of a path to a name or address; undefined when there is none. Sends nothing, but asks DNS for a name. */
  addressTowards(destination: string, family: Family): Promise<Address | undefined>
  /** Whether the kernel has IPv6. */
  hasIpv6(): boolean
  recordNodename(path: string, name: string): Promise<void>
  randomBytes(count: number): Uint8Array
}

export const systemHost: HostAccess = {
  addressTowards,
  hasIpv6: () => existsSync('/proc/sys/net/ipv6'),
  recordNodename,
  randomBytes,
}
