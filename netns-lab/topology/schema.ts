// The form of a topology file: which fields there are, and what each may hold. What they say about each other is checked
// in index.ts.

import { z } from 'zod'
import { kinds } from '../../src/cluster/feed.ts'
import { parseAddress } from '../../src/inet/address.ts'
import { parseCidr, parsePrefix } from '../../src/inet/prefix.ts'

/** Interfaces of bridges bear the names of machines, and an interface name has 15 characters at most. */
const name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/, 'must be 1 to 15 lower-case letters, digits or inner dashes')

const address = z.string().transform(reader(parseAddress, 'an IP address, such as 172.20.0.1'))
const prefix = z.string().transform(reader(parsePrefix, 'a prefix, such as 172.20.0.0/24'))
const cidr = z
  .string()
  .refine((text) => text.includes('/'), 'must have the length of its subnet, such as 172.20.0.11/24')
  .transform(reader(parseCidr, 'an address with the length of its subnet, such as 172.20.0.11/24'))

const segment = z.strictObject({ subnets: z.array(prefix).min(1) })

const machine = {
  addresses: z.array(cidr).min(1),
  /** Destination (a prefix, or `default`) to gateway. Without a default route one leads to the segment's only router. */
  routes: z
    .record(
      z.string().refine((to) => to === 'default' || parsePrefix(to), 'must be a prefix or `default`'),
      address,
    )
    .default({}),
}

/** A BIRD 2 with this configuration. */
const bird = { bird: z.string().optional() }

/** That, or an FRR. */
const daemons = { ...bird, frr: z.string().optional() }

const node = z.strictObject({
  ...machine,
  /** `bird`: what calico-node would run, in BIRD 2; `none`: nobody. */
  agent: z.enum(['caracal', 'bird', 'none']).default('caracal'),
  asn: z.int().min(1).max(4294967295).optional(),
  labels: z.record(z.string(), z.string()).default({}),
  /** Makes it a route reflector. */
  routeReflectorClusterID: z.string().optional(),
  /** Whether the datastore has a Node resource of it at the start. */
  registered: z.boolean().default(true),
  /** Whether its agent runs from the start; otherwise a step starts it. */
  started: z.boolean().default(true),
  /** Blocks it owns at the start, besides those its pods need. */
  blocks: z.array(prefix).default([]),
  /** Ranges that Kubernetes gave it: its pods have their addresses from there, as host-local IPAM does it. */
  'pod-cidrs': z.array(prefix).default([]),
  /** Further environment of its agent. */
  environment: z.record(z.string(), z.string()).default({}),
})

const pool = z.looseObject({
  cidr: z
    .string()
    .refine((text) => parsePrefix(text) !== undefined, 'must be a prefix, such as 172.18.0.0/16'),
  blockSize: z.int().min(20).max(128).optional(),
})

export const podSchema = z.strictObject({
  name: name.max(15),
  node: name,
  namespace: name.default('default'),
  /** Given addresses; a block of another node lends them. Otherwise one a family comes from the node's own blocks. */
  addresses: z.array(address).default([]),
  /** Pools to take addresses from; by default the first of each family. */
  pools: z.array(z.string()).default([]),
  /** The node from whose blocks the addresses are borrowed. */
  'borrow-from': name.optional(),
  labels: z.record(z.string(), z.string()).default({}),
  ...bird,
})

export const documentSchema = z.looseObject({
  apiVersion: z.string().default('projectcalico.org/v3'),
  kind: z.enum(kinds),
  metadata: z.looseObject({ name: z.string() }),
})

export const topologySchema = z.strictObject({
  segments: z
    .record(name, segment)
    .refine((all) => Object.keys(all).length > 0, 'there must be at least one'),
  routers: z.record(name, z.strictObject({ ...machine, ...daemons })).default({}),
  hosts: z.record(name, z.strictObject({ ...machine, ...daemons })).default({}),
  nodes: z.record(name, node).default({}),
  pools: z.record(z.string(), pool).default({}),
  /** As many pods on each node, or one by one. */
  pods: z.union([z.int().min(0).max(64), z.array(podSchema)]).default(0),
  /** Further documents, as calicoctl would apply them. */
  documents: z.array(documentSchema).default([]),
})

/** One line for each thing that is wrong, with the path of its field. */
export function complaints(error: z.ZodError): string[] {
  return error.issues.map((issue) => {
    const inner = issue.code === 'invalid_key' ? issue.issues[0] : undefined
    return `${issue.path.join('.') || 'the file'}: ${inner?.message ?? issue.message}`
  })
}

function reader<T>(parse: (text: string) => T | undefined, expected: string) {
  return (text: string, context: z.RefinementCtx): T => {
    const value = parse(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not ${expected}` })
    return z.NEVER
  }
}
