// Which of the host's addresses is the node's, by method (Calico
// node/pkg/lifecycle/startup/autodetection/autodetection_methods.go).

import type { DetectionMethod } from '../config/startup-types.ts'
import { FAMILY_NAMES, type Family } from '../inet/address.ts'
import { type Cidr, contains } from '../inet/prefix.ts'
import { type Host, held, type Interface, inOrder, isInternal, isSuitable, ofFamily } from './host.ts'

/** An address with its subnet, or why there is none: a sentence's end, after the name of the method. */
export type Detected = { readonly found: Cidr } | { readonly none: string }

type Method<K> = DetectionMethod & { readonly kind: K }

const methods: { readonly [K in DetectionMethod['kind']]: Detect<K> } = {
  'first-found': (_, family, host) => first(family, host, (one) => !isInternal(one)),
  interface: ({ names }, family, host) => first(family, host, ({ name }) => names.test(name)),
  'skip-interface': ({ names }, family, host) =>
    first(family, host, (one) => !isInternal(one) && !names.test(one.name)),
  cidr: ({ cidrs }, family, host) =>
    first(
      family,
      host,
      () => true,
      ({ address }) => cidrs.some((cidr) => contains(cidr, address)),
    ),
  'can-reach'({ destination }, family, { towards, interfaces }) {
    const ours = towards[family]
    if (ours === undefined) return { none: `there is no ${FAMILY_NAMES[family]} path to ${destination}` }
    const found = held(interfaces, ours)
    return found ? { found } : { none: `packets to it leave with ${ours}, which no interface holds` }
  },
  'kubernetes-internal-ip'(_, family, { kubernetes, interfaces }) {
    if (!kubernetes)
      return { none: 'it needs the Kubernetes API, and there is no KUBECONFIG or service account' }
    const internal = kubernetes.internal[family]
    if (internal === undefined)
      return { none: `the Kubernetes Node has no ${FAMILY_NAMES[family]} InternalIP` }
    const found = held(interfaces, internal)
    return found ? { found } : { none: `no interface holds the InternalIP ${internal}` }
  },
}

type Detect<K> = (method: Method<K>, family: Family, host: Host) => Detected

export function detect(method: DetectionMethod, family: Family, host: Host): Detected {
  return (methods[method.kind] as Detect<DetectionMethod['kind']>)(method, family, host)
}

/** Whether an interface is up does not matter, as in Calico: a node keeps its address while a cable is out. */
function first(
  family: Family,
  { interfaces }: Host,
  isCandidate: (one: Interface) => boolean,
  isWanted: (address: Cidr) => boolean = () => true,
): Detected {
  const candidates = inOrder(interfaces).filter(isCandidate)
  const found = candidates
    .flatMap(({ addresses }) => ofFamily(addresses, family))
    .find((address) => isSuitable(address) && isWanted(address))
  if (found) return { found }
  const names = candidates.map(({ name }) => name).join(', ')
  return { none: `there is no such ${FAMILY_NAMES[family]} address on ${names || 'any interface'}` }
}
