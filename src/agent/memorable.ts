// Which documents an agent remembers: those that sessions and announcements follow from. Of what comes with pods only what
// is this node's own, since the rest is too much.

import type { AnyKind, Document } from '../cluster/feed.ts'

type Rule = (document: Document<AnyKind>, node: string) => boolean

const always: Rule = () => true
const never: Rule = () => false
const ofNode: Rule = ({ spec }, node) => fieldOf(spec, 'node') === node

const memorable: Readonly<Record<AnyKind, Rule>> = {
  IPPool: always,
  Node: always,
  BGPConfiguration: always,
  BGPPeer: always,
  BGPFilter: always,
  FelixConfiguration: always,
  ClusterInformation: always,
  WorkloadEndpoint: ofNode,
  BlockAffinity: ofNode,
  IPAMBlock: ({ spec }, node) => fieldOf(spec, 'affinity') === `host:${node}`,
  IPAMHandle: never,
  IPAMConfiguration: never,
  IPReservation: never,
  CalicoNodeStatus: never,
  // Those that have addresses only inside the cluster are announced by their ranges.
  Service: ({ spec }) => fieldOf(spec, 'type') !== 'ClusterIP' || fieldOf(spec, 'externalIPs') !== undefined,
  EndpointSlice: ({ spec }, node) => {
    const endpoints = fieldOf(spec, 'endpoints')
    return Array.isArray(endpoints) && endpoints.some((one) => fieldOf(one, 'nodeName') === node)
  },
}

/** Whether a document is to be remembered on `node`, which is given by its name. */
export function isMemorable(document: Document<AnyKind>, node: string): boolean {
  return memorable[document.kind](document, node)
}

function fieldOf(spec: unknown, name: string): unknown {
  return typeof spec === 'object' && spec !== null ? (spec as Record<string, unknown>)[name] : undefined
}
