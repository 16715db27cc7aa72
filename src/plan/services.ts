// Which addresses of services this node announces. Calico: confd/pkg/backends/calico/routes.go.
//
// Ranges of BGPConfiguration `default` are announced whole, and what no range speaks for by the addresses of single
// services. No route for any of them is ever written: kube-proxy takes packets for a service before they are routed, and
// a route would only get in its way (Calico issue #2457).

import type { EndpointSlice, Service } from '../cluster/model.ts'
import { contains, hostPrefix, isHost, type Prefix } from '../inet/prefix.ts'
import type { Facts } from './facts.ts'
import type { ServiceId } from './service-facts.ts'

/** Nodes with this label, said to be `true`, take no traffic from outside for services. */
const EXCLUDE = 'node.kubernetes.io/exclude-from-external-load-balancers'

/** Where services have their addresses. */
interface ServiceRanges {
  readonly cluster: readonly Prefix[]
  readonly external: readonly Prefix[]
  readonly loadBalancer: readonly Prefix[]
}

/** What is said of services as a whole. */
export interface ServiceScope extends ServiceRanges {
  /** False: each service is announced by its own addresses, from nodes that have something to do with it. */
  readonly isAggregated: boolean
  readonly isExcluded: boolean
  /** A route reflector passes on what is said of services whether it announces them or not (Calico #13413). */
  readonly isReflector: boolean
}

const NO_PREFIXES: readonly Prefix[] = []

export const noServices: ServiceScope = {
  cluster: [],
  external: [],
  loadBalancer: [],
  isAggregated: true,
  isExcluded: false,
  isReflector: false,
}

export function serviceScope(facts: Facts): ServiceScope {
  const said = facts.bgpConfigurations.get('default')
  return {
    ...serviceRanges(facts),
    isAggregated: said?.serviceLoadBalancerAggregation ?? true,
    isExcluded: facts.node?.labels[EXCLUDE] === 'true',
    isReflector: facts.node?.routeReflectorClusterId !== undefined,
  }
}

function serviceRanges({ bgpConfigurations, services }: Facts): ServiceRanges {
  const said = bgpConfigurations.get('default')
  const { clusterIps } = services.settings
  return {
    cluster: clusterIps.length > 0 ? clusterIps : (said?.serviceClusterIps ?? NO_PREFIXES),
    external: said?.serviceExternalIps ?? NO_PREFIXES,
    loadBalancer: said?.serviceLoadBalancerIps ?? NO_PREFIXES,
  }
}

/** True when services have to be known at all. */
export function announcesServices(scope: ServiceScope): boolean {
  return !scope.isExcluded && rangesOf(scope).length > 0
}

/** Every range that services have addresses in. */
export function rangesOf({ cluster, external, loadBalancer }: ServiceScope): readonly Prefix[] {
  return [...cluster, ...external, ...loadBalancer]
}

/** The range that makes a destination a service's, with its name: such routes are never written, whoever teaches them. */
export function serviceRangeOf(destination: Prefix, facts: Facts): string | undefined {
  const { cluster, external, loadBalancer } = serviceRanges(facts)
  return (
    rangeIn('serviceClusterIPs', cluster, destination) ??
    rangeIn('serviceExternalIPs', external, destination) ??
    rangeIn('serviceLoadBalancerIPs', loadBalancer, destination)
  )
}

function rangeIn(name: string, ranges: readonly Prefix[], destination: Prefix): string | undefined {
  if (ranges.length === 0) return undefined // of which very many destinations are asked
  const range = ranges.find((one) => contains(one, destination))
  return range && `${name} ${range}`
}

/** Why a prefix is announced, as a range or as the address of a service; undefined: it is not. */
export function serviceReason(prefix: Prefix, facts: Facts): string | undefined {
  const scope = serviceScope(facts)
  if (scope.isExcluded) return undefined
  if (wholeRanges(scope).includes(prefix)) return `service range, ${serviceRangeOf(prefix, facts)}`
  const [first] = announcing(prefix, facts)
  return first && `service ${first.id}: ${first.because}`
}

/** Whether what others say of a prefix may be passed on because we announce it, too, or something around it. */
export function isServicePrefix(prefix: Prefix, facts: Facts): boolean {
  const scope = serviceScope(facts)
  const ours = scope.isExcluded ? [] : wholeRanges(scope)
  const passedOn = scope.isReflector ? [...scope.external, ...scope.loadBalancer] : []
  const isInRange = [...ours, ...passedOn].some((range) => contains(range, prefix))
  return isInRange || announcing(prefix, facts).length > 0
}

/** The ranges that are announced as such; others are only where services may have addresses. */
function wholeRanges({ cluster, external, loadBalancer, isAggregated }: ServiceScope): readonly Prefix[] {
  const isWide = (range: Prefix) => !isHost(range)
  return [...cluster, ...external.filter(isWide), ...(isAggregated ? loadBalancer.filter(isWide) : [])]
}

/** What becomes of one service whose address somebody asks about. */
export interface ServiceVerdict {
  readonly id: ServiceId
  readonly isAnnounced: boolean
  readonly because: string
  /** The endpoints of this node that it is announced for; absent when any node will do. */
  readonly endpoints?: readonly Prefix[]
}

/** What becomes of each service that has an address, for people who ask. */
export function serviceVerdicts(address: Prefix, facts: Facts): ServiceVerdict[] {
  const scope = serviceScope(facts)
  return facts.services.at(address).map(([id, service]) => verdictOf(id, service, address, scope, facts))
}

function announcing(address: Prefix, facts: Facts): ServiceVerdict[] {
  return serviceVerdicts(address, facts).filter(({ isAnnounced }) => isAnnounced)
}

function verdictOf(
  id: ServiceId,
  service: Service,
  address: Prefix,
  scope: ServiceScope,
  facts: Facts,
): ServiceVerdict {
  const no = obstacleTo(address, service, scope)
  if (no !== undefined) return { id, isAnnounced: false, because: no }
  const { decide } = policies.find(({ applies }) => applies(service, scope))!
  return { id, ...decide(facts.services.slicesOf(id).filter(isOf(service)), facts) }
}

/** Why an address of a service is out of the question. */
function obstacleTo(address: Prefix, service: Service, scope: ServiceScope): string | undefined {
  if (scope.isExcluded) return `this node has the label ${EXCLUDE}`
  if (service.type === 'ExternalName' || service.clusterIps.length === 0) return 'it has no cluster IP'
  return isIncluded(address, service, scope) ? undefined : 'the address is in no range of its kind'
}

/** Cluster IPs are not compared with the ranges they are in; that there are some is enough. */
function isIncluded(address: Prefix, service: Service, scope: ServiceScope): boolean {
  const { clusterIps, externalIps, loadBalancerIps } = service
  const { cluster, external, loadBalancer } = scope
  const isOne = (list: Service['clusterIps']) => list.some((one) => hostPrefix(one) === address)
  const isIn = (ranges: readonly Prefix[]) => ranges.some((range) => contains(range, address))
  return (
    (isOne(clusterIps) && cluster.length > 0) ||
    (isOne(externalIps) && isIn(external)) ||
    (isOne(loadBalancerIps) && isIn(loadBalancer))
  )
}

type Decision = Omit<ServiceVerdict, 'id'>

interface Policy {
  readonly applies: (service: Service, scope: ServiceScope) => boolean
  readonly decide: (slices: readonly EndpointSlice[], facts: Facts) => Decision
}

/** From which nodes the addresses of a service are announced; the first row that applies decides. */
const policies: readonly Policy[] = [
  {
    applies: ({ externalTrafficPolicy }) => externalTrafficPolicy === 'Local',
    decide(slices, facts) {
      const endpoints = slices.flatMap((slice) => readyHere(slice, facts))
      return endpoints.length > 0
        ? {
            isAnnounced: true,
            because: 'externalTrafficPolicy Local, ready endpoint on this node',
            endpoints,
          }
        : { isAnnounced: false, because: 'externalTrafficPolicy Local, no ready endpoint on this node' }
    },
  },
  {
    applies: isNamedAlone,
    decide: () => ({
      isAnnounced: true,
      because: 'externalTrafficPolicy Cluster, its address is configured',
    }),
  },
  {
    applies: (_, { isAggregated }) => isAggregated,
    decide: () => ({ isAnnounced: false, because: 'externalTrafficPolicy Cluster, the range speaks for it' }),
  },
  {
    applies: () => true,
    decide: (slices) =>
      slices.some(({ endpoints }) => endpoints.some(({ ready }) => ready))
        ? { isAnnounced: true, because: 'externalTrafficPolicy Cluster, ready endpoint' }
        : { isAnnounced: false, because: 'externalTrafficPolicy Cluster, no ready endpoint' },
  },
]

/** An address of it stands in the configuration by itself: there is no range that could speak for it. */
function isNamedAlone(service: Service, { external, loadBalancer }: ServiceScope): boolean {
  const { type, externalIps, loadBalancerIps, requestedLoadBalancerIp: requested } = service
  const ofBalancer = type === 'LoadBalancer' ? [...loadBalancerIps, ...(requested ? [requested] : [])] : []
  return (
    ofBalancer.some((one) => loadBalancer.includes(hostPrefix(one))) ||
    externalIps.some((one) => external.includes(hostPrefix(one)))
  )
}

/** Slices of names, and those of a family that the service has no more, say nothing. */
function isOf({ families }: Service): (slice: EndpointSlice) => boolean {
  return ({ family }) => family !== undefined && (families.length === 0 || families.includes(family))
}

function readyHere({ endpoints }: EndpointSlice, { services }: Facts): Prefix[] {
  const ready = endpoints.filter((one) => one.ready && one.node === services.settings.kubernetesNode)
  return ready.flatMap(({ addresses }) => addresses.map(hostPrefix))
}

/**
 * The routes of which the kernel must hold one before the address of a service may be announced; none: it may be at once.
 *
 * A service with policy Local is answered by pods of this node alone, so one of them must be reachable. More cannot be
 * seen: kube-proxy hears of an endpoint when we do, from the same API, and writes its rules within its `minSyncPeriod`
 * (a second by default); it tells nobody when it has. Its health check says so for services of type LoadBalancer only,
 * and would have to be polled. What comes in between finds no rule, is routed like any other packet, and is sent again.
 * On the way out we are ahead: a pod that terminates is not ready, so its address is withdrawn while kube-proxy, which
 * falls back on endpoints that still serve, takes what is under way.
 */
export function serviceLeansOn(address: Prefix, facts: Facts): readonly Prefix[] {
  const reasons = announcing(address, facts).map(({ endpoints = [] }) => endpoints)
  // What is in no pool shares the network of the host.
  const isPod = (endpoint: Prefix) => facts.poolOf(endpoint) !== undefined
  return reasons.every((endpoints) => endpoints.length > 0 && endpoints.every(isPod)) ? reasons.flat() : []
}

/** Addresses of services whose announcement may lean on a route. */
export function servicesBehind(route: Prefix, { services }: Facts): readonly Prefix[] {
  const behind = services.behind(route)
  return behind.size === 0 ? NO_PREFIXES : [...behind].flatMap((id) => services.addressesOf(id))
}
