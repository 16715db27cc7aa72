// CIDRs inside names and keys, where neither a slash nor (in Kubernetes) a colon or a dot may stand.
//
// Calico writes `10.66.12.64-26` in etcd keys and `10-66-12-64-26` in names. The second cannot always be
// undone when something with dashes stands before it, so that is tried here and nowhere else.

import { type Prefix, parsePrefix } from '../inet/prefix.ts'

/** `10-66-12-64-26`, `fd66--12-0-122`: the form of object names. */
export function dashed(cidr: string): string {
  return cidr.replace(/[.:/]/g, '-')
}

/** Inverse of `dashed`; undefined when that is not what `name` is. */
export function undashed(name: string): Prefix | undefined {
  const [, address = '', length] = /^(.*)-(\d+)$/.exec(name) ?? []
  const separator = /^\d+(-\d+){3}$/.test(address) ? '.' : ':'
  const cidr = parsePrefix(`${address.replaceAll('-', separator)}/${length}`)
  return cidr && dashed(cidr) === name ? cidr : undefined
}

/** `10.66.12.64-26`, `fd66::12:0-122`: the form of etcd keys. */
export function keyed(cidr: string): string {
  return cidr.replace('/', '-')
}

/** Inverse of `keyed`, for any text. */
export function unkeyed(text: string): string {
  return text.replace(/-(\d+)$/, '/$1')
}

export interface Claim {
  readonly node: string
  readonly cidr: string
}

/**
 * Name of the affinity of a node for a block, `<node>-<dashed cidr>`. For the few node names that make this
 * ambiguous (`rack-fd00` before an IPv6 block) the CIDR stays in the form of etcd keys.
 */
export function claimName({ node, cidr }: Claim): string {
  const name = `${node}-${dashed(cidr)}`
  const read = readClaimName(name)
  return read?.node === node && read.cidr === cidr ? name : `${node}-${keyed(cidr)}`
}

/** Inverse of `claimName`; undefined for what is no such name. */
export function readClaimName(name: string): Claim | undefined {
  return readPlain(name) ?? readDashedIpv4(name) ?? readDashedIpv6(name)
}

function readPlain(name: string): Claim | undefined {
  const [, node, text] = /^(.+)-([^-]*[.:][^-]*-\d+)$/.exec(name) ?? []
  const cidr = parsePrefix(unkeyed(text ?? ''))
  return node !== undefined && cidr ? { node, cidr } : undefined
}

function readDashedIpv4(name: string): Claim | undefined {
  const [, node, text] = /^(.+)-(\d+(?:-\d+){4})$/.exec(name) ?? []
  const cidr = undashed(text ?? '')
  return node !== undefined && cidr ? { node, cidr } : undefined
}

/** The first place where what looks like a global or a unique local address begins, and a CIDR it is. */
function readDashedIpv6(name: string): Claim | undefined {
  for (const { index } of name.matchAll(/-(?=[23f][0-9a-f]{3}-)/g)) {
    const cidr = undashed(name.slice(index + 1))
    if (index > 0 && cidr) return { node: name.slice(0, index), cidr }
  }
  return undefined
}
