// How objects are called in the Kubernetes API, where that differs from the name of the document.

import { createHash } from 'node:crypto'
import { type Claim, dashed } from '../cidr-names.ts'

/** Object names have 253 characters at most. */
const LONGEST = 253

/**
 * Object name of an affinity. Calico: libcalico-go/lib/backend/k8s/resources/affinityblock.go; a name too long is cut
 * and told apart by a hash.
 */
export function affinityName({ node, cidr }: Claim): string {
  const block = dashed(cidr)
  const name = `${node}-${block}`
  if (name.length < LONGEST) return name
  const hash = createHash('sha256')
    .update(`${node}+${name.slice(node.length + 1)}`)
    .digest('hex')
    .slice(0, 11)
  return `${node.slice(0, LONGEST - 1 - block.length - 13)}-${block}-${hash}`
}

/** Value of label `projectcalico.org/hostname-hash`, by which Calico lists a node's affinities. */
export function hostnameHash(node: string): string {
  return base32(createHash('sha3-256').update(node).digest())
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648 §6, without padding. */
function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
  const groups = bits.match(/.{1,5}/g) ?? []
  return groups.map((group) => ALPHABET[Number.parseInt(group.padEnd(5, '0'), 2)]).join('')
}

/** Name of a pod's endpoint. A dash inside a part is doubled, so that a single one separates. */
export function endpointName(node: string, pod: string): string {
  return [node, 'k8s', pod, 'eth0'].map((part) => part.replaceAll('-', '--')).join('-')
}

/** The pod of such a name; undefined for what is none. */
export function podOf(endpoint: string): string | undefined {
  const parts = endpoint.split(/(?<!-)-(?!-)/).map((part) => part.replaceAll('--', '-'))
  return parts.length === 4 && parts[1] === 'k8s' ? parts[2] : undefined
}
