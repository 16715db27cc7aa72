// What is listed and watched, and how it is read: Calico's kinds as the datastore, and services beside any datastore.

import {
  type AnyKind,
  type Document,
  documentId,
  type KubernetesKind,
  kinds,
  kubernetesKinds,
  type ResourceKind,
} from '../../../cluster/feed.ts'
import {
  collectionPath,
  documentFromObject,
  isCore,
  type Layout,
  pluralOf,
} from '../../../cluster/kubernetes/objects.ts'
import { SERVICE_SELECTOR, serviceDocument, servicePaths } from '../../../cluster/kubernetes/services.ts'
import type { Fields } from '../../../cluster/shape.ts'
import type { Decode } from '../table.ts'
import type { Client } from './client.ts'
import type { KubernetesSettings } from './config.ts'
import { discoverLayout, isAbsent } from './layout.ts'

/** All objects of one kind. */
export interface Collection {
  readonly kind: AnyKind
  readonly plural: string
  /** Where it is, which can change under us. */
  path(): Promise<string>
  readonly query: Readonly<Record<string, string | undefined>>
  /** The one object that is read by its name, and not watched. */
  readonly only?: string
  /** While our role gives no right to it, what is known of it is taken for all there is. */
  readonly isOptional?: true
  /** Whether the kind is not installed, when it is not found. */
  isAbsent(): Promise<boolean>
  /** It was not found: where it is has to be found out anew. */
  forget(): void
  readonly decode: Decode<Fields>
}

/** Read by name when they are needed; no role of Calico's allows to watch them. */
const NEVER: ReadonlySet<ResourceKind> = new Set(['IPAMHandle'])

/** Calico's role allows to read its one object, not to list or watch. */
const BY_NAME: ReadonlySet<ResourceKind> = new Set(['IPAMConfiguration'])

/**
 * Calico's older roles lack these, and a cluster whose CRDs are newer than its role is routed all the same: of the first
 * nothing follows, sessions that name a BGPFilter which is not known stay down, and no tunnel address is taken in
 * ignorance of the other two (agent/tunnel-addresses.ts).
 */
const OPTIONAL: ReadonlySet<ResourceKind> = new Set([
  'CalicoNodeStatus',
  'BGPFilter',
  'IPReservation',
  'IPAMConfiguration',
])

/** Everything that a datastore holds. */
export function calicoCollections(client: Client, settings: KubernetesSettings): Collection[] {
  const { apiGroup, nodename, interfacePrefix = 'cali' } = settings
  let layout: Promise<Layout> | undefined
  const forget = (): void => {
    layout = undefined
  }
  function currentLayout(): Promise<Layout> {
    layout ??= discoverLayout(client, apiGroup)
    layout.catch(forget)
    return layout
  }
  const watched = kinds.filter((kind) => !NEVER.has(kind))
  return watched.map((kind) => ({
    kind,
    plural: pluralOf(kind, 'crd'),
    path: async () => collectionPath(kind, await currentLayout()),
    query: kind === 'WorkloadEndpoint' && nodename ? { fieldSelector: `spec.nodeName=${nodename}` } : {},
    ...(BY_NAME.has(kind) && { only: 'default' }),
    ...(OPTIONAL.has(kind) && { isOptional: true as const }),
    async isAbsent() {
      if (isCore(kind)) return false
      const current = await currentLayout()
      return isAbsent(client, current, pluralOf(kind, current))
    },
    forget,
    decode: decoder((value) => documentFromObject(kind, value, interfacePrefix)),
  }))
}

/** Services and their endpoints. */
export function serviceCollections(): Collection[] {
  const plurals: Readonly<Record<KubernetesKind, string>> = {
    Service: 'services',
    EndpointSlice: 'endpointslices',
  }
  return kubernetesKinds.map((kind) => ({
    kind,
    plural: plurals[kind],
    path: async () => servicePaths[kind],
    query: { labelSelector: SERVICE_SELECTOR },
    isAbsent: async () => false,
    forget: () => {},
    decode: decoder((value) => serviceDocument(kind, value)),
  }))
}

/** Reads objects of a kind; undefined stands for one that holds nothing of ours. */
function decoder(read: (value: Fields) => Document<AnyKind> | undefined): Decode<Fields> {
  return (key, value) => {
    try {
      const document = read(value)
      if (!document) return {}
      return { document, id: documentId(document) }
    } catch (error) {
      const { field, message } = error as { field?: string; message: string }
      return { problem: { subject: key, ...(field && { field }), message } }
    }
  }
}
