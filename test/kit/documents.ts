// Cluster documents for tests, as calicoctl would print them: only what a test cares about is an argument.

import type { AnyKind, Document } from '../../src/cluster/feed.ts'

type Fields = Record<string, unknown>

function document(kind: Document['kind'], name: string, spec: Fields, metadata: Fields = {}): Document {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name, ...metadata }, spec }
}

export function pool(name: string, cidr: string, spec: Fields = {}): Document {
  return document('IPPool', name, { cidr, ...spec })
}

/** `labels` are those of the resource, `spec` and `status` more of the document, all else is part of `spec.bgp`. */
export function node(name: string, ipv4Address: string | undefined, fields: Fields = {}): Document {
  const { labels, spec, status, ...bgp } = fields as Record<string, Fields>
  const made = document('Node', name, { bgp: { ipv4Address, ...bgp }, ...spec }, labels ? { labels } : {})
  return status ? { ...made, status } : made
}

/** A block with addresses handed out: ordinal → node that holds it. */
export function block(cidr: string, owner: string | null, allocated: Record<number, string> = {}): Document {
  const [, length] = cidr.split('/')
  const size = 2 ** ((cidr.includes(':') ? 128 : 32) - Number(length))
  const holders = [...new Set(Object.values(allocated))]
  const allocations = Array.from({ length: size }, (_, ordinal) => {
    const holder = allocated[ordinal]
    return holder === undefined ? null : holders.indexOf(holder)
  })
  return document('IPAMBlock', cidr.replace(/[.:/]/g, '-'), {
    cidr,
    affinity: owner === null ? null : `host:${owner}`,
    allocations,
    unallocated: allocations.flatMap((a, ordinal) => (a === null ? [ordinal] : [])),
    attributes: holders.map((holder) => ({ handle_id: `pod.${holder}`, secondary: { node: holder } })),
    sequenceNumber: 1772600767000000012n,
  })
}

export function affinity(owner: string, cidr: string, state = 'confirmed'): Document {
  return document('BlockAffinity', `${owner}-${cidr.replace(/[.:/]/g, '-')}`, {
    node: owner,
    cidr,
    state,
    type: 'host',
    deleted: false,
  })
}

export function workload(
  onNode: string,
  pod: string,
  interfaceName: string,
  ...networks: string[]
): Document {
  return document(
    'WorkloadEndpoint',
    `${onNode.replaceAll('-', '--')}-k8s-${pod.replaceAll('-', '--')}-eth0`,
    {
      orchestrator: 'k8s',
      node: onNode,
      pod,
      endpoint: 'eth0',
      interfaceName,
      mac: 'ee:ee:ee:00:00:01',
      ipNetworks: networks,
    },
    { namespace: 'default' },
  )
}

export function bgpConfiguration(name: string, spec: Fields): Document {
  return document('BGPConfiguration', name, spec)
}

export function bgpFilter(name: string, spec: Fields): Document {
  return document('BGPFilter', name, spec)
}

export function bgpPeer(name: string, spec: Fields): Document {
  return document('BGPPeer', name, spec)
}

/** A Service, `namespace/name`, that has the cluster IP `10.96.0.10` unless told otherwise. */
export function service(id: string, spec: Fields = {}, ...balancer: string[]): Document<AnyKind> {
  const [namespace = '', name = ''] = id.split('/')
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.10',
      clusterIPs: ['10.96.0.10'],
      ipFamilies: ['IPv4'],
      externalTrafficPolicy: 'Cluster',
      ...spec,
    },
    status: { loadBalancer: { ingress: balancer.map((ip) => ({ ip })) } },
  }
}

/** `node address condition`; the condition is `ready` unless it is said. */
export type EndpointText = `${string} ${string}`

const conditionsOf: Readonly<Record<string, Fields>> = {
  ready: { ready: true, serving: true, terminating: false },
  unknown: {},
  starting: { ready: false, serving: false, terminating: false },
  terminating: { ready: false, serving: true, terminating: true },
}

/** A slice of the endpoints of a service, `namespace/name`. */
export function slice(id: string, ...endpoints: EndpointText[]): Document<AnyKind> {
  const [namespace = '', name = ''] = id.split('/')
  const isV6 = endpoints.some((text) => text.includes(':'))
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${isV6 ? 'six' : 'four'}`,
      namespace,
      labels: { 'kubernetes.io/service-name': name },
    },
    spec: {
      addressType: isV6 ? 'IPv6' : 'IPv4',
      endpoints: endpoints.map((text) => {
        const [nodeName, address, condition = 'ready'] = text.split(' ')
        return { addresses: [address], nodeName, conditions: conditionsOf[condition] }
      }),
    },
  }
}
