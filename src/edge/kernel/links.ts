// Interfaces and their addresses, of which the plan resolves next hops.

import { parseAddress } from '../../inet/address.ts'
import { type Cidr, prefixOf } from '../../inet/prefix.ts'
import type { Link } from '../../plan/underlay.ts'
import type { Program } from './run.ts'

/** As much of `ip -j addr show` as we use. */
interface PrintedLink {
  readonly ifindex: number
  readonly ifname: string
  readonly flags: readonly string[]
  readonly mtu: number
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[]
}

export async function readLinks(ip: Program): Promise<readonly Link[]> {
  return parseLinks(await ip.text('-j', 'addr', 'show'))
}

export function parseLinks(json: string): Link[] {
  return (JSON.parse(json) as Partial<PrintedLink>[]).filter(isLink).map((link) => ({
    name: link.ifname,
    index: link.ifindex,
    running: isRunning(link.flags),
    mtu: link.mtu,
    addresses: (link.addr_info ?? []).flatMap(({ local = '', prefixlen }) => cidr(local, prefixlen) ?? []),
  }))
}

/** IFF_RUNNING, which ip(8) prints as the absence of NO-CARRIER. */
export function isRunning(flags: readonly string[]): boolean {
  return flags.includes('UP') && !flags.includes('NO-CARRIER')
}

/** ip(8) prints empty objects for what its filters leave out. */
function isLink(link: Partial<PrintedLink>): link is PrintedLink {
  return link.ifname !== undefined && link.ifindex !== undefined
}

function cidr(local: string, length: number | undefined): Cidr | undefined {
  const address = parseAddress(local)
  return address && length !== undefined ? { address, prefix: prefixOf(address, length) } : undefined
}
