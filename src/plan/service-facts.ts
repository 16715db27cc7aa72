// What is known of the services of Kubernetes, indexed by the questions their announcement asks (services.ts).

import type { EndpointSlice, Service } from '../cluster/model.ts'
import type { Address } from '../inet/address.ts'
import { hostPrefix, type Prefix } from '../inet/prefix.ts'
import { MultiIndex } from './multi-index.ts'

/** What the agent was told of services by its environment. Does not change while we run. */
export interface ServiceSettings {
  /** What Kubernetes calls this node. */
  readonly kubernetesNode: string
  /** CALICO_ADVERTISE_CLUSTER_IPS: takes the place of `serviceClusterIPs`. */
  readonly clusterIps: readonly Prefix[]
}

/** `namespace/name` of a service. */
export type ServiceId = string

const NONE: ReadonlySet<ServiceId> = new Set()

export class ServiceFacts {
  readonly settings: ServiceSettings
  readonly #services = new Map<ServiceId, Service>()
  readonly #slices = new Map<string, EndpointSlice>()
  readonly #byAddress = new MultiIndex<Prefix, ServiceId>()
  readonly #slicesOf = new MultiIndex<ServiceId, string>()
  /** By the addresses of their endpoints on this node. */
  readonly #slicesByEndpoint = new MultiIndex<Prefix, string>()

  constructor(settings: ServiceSettings) {
    this.settings = settings
  }

  /** The services that have an address, in the order of their names. */
  at(address: Prefix): [ServiceId, Service][] {
    return [...this.#byAddress.get(address)].sort().map((id) => [id, this.#services.get(id)!])
  }

  /** Every address of any service. */
  addresses(): Iterable<Prefix> {
    return this.#byAddress.keys()
  }

  /** Those of one service. */
  addressesOf(id: ServiceId): readonly Prefix[] {
    const service = this.#services.get(id)
    return service ? addressesIn(service) : []
  }

  slicesOf(id: ServiceId): EndpointSlice[] {
    return [...this.#slicesOf.get(id)].map((key) => this.#slices.get(key)!)
  }

  /** The services for which something on this node answers that has this address. */
  behind(endpoint: Prefix): ReadonlySet<ServiceId> {
    if (!this.#slicesByEndpoint.has(endpoint)) return NONE
    const keys = [...this.#slicesByEndpoint.get(endpoint)]
    return new Set(keys.flatMap((key) => serviceOf(this.#slices.get(key)!) ?? []))
  }

  placeService(service: Service, present: boolean): void {
    const id = serviceId(service)
    if (present) this.#services.set(id, service)
    else this.#services.delete(id)
    for (const address of addressesIn(service)) this.#byAddress.place(address, id, present)
  }

  placeSlice(key: string, slice: EndpointSlice, present: boolean): void {
    const service = serviceOf(slice)
    if (service === undefined) return
    if (present) this.#slices.set(key, slice)
    else this.#slices.delete(key)
    this.#slicesOf.place(service, key, present)
    for (const { node, addresses } of slice.endpoints) {
      if (node !== this.settings.kubernetesNode) continue
      for (const address of addresses) this.#slicesByEndpoint.place(hostPrefix(address), key, present)
    }
  }
}

function serviceId({ namespace, name }: Service): ServiceId {
  return `${namespace}/${name}`
}

/** The service that a slice belongs to. */
export function serviceOf({ namespace, service }: EndpointSlice): ServiceId | undefined {
  return service === undefined ? undefined : `${namespace}/${service}`
}

/** Every address under which a service may be reached. */
export function addressesIn({ clusterIps, externalIps, loadBalancerIps }: Service): readonly Prefix[] {
  const all = new Set<Address>([...clusterIps, ...externalIps, ...loadBalancerIps])
  return [...all].map(hostPrefix)
}
