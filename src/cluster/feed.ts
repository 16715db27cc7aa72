// What a datastore must offer: a stream of documents, and conditional writes.
//
// All three datastores speak the same documents inside: the `projectcalico.org/v3`
// form that calicoctl prints, also for IPAM blocks, affinities and handles (native v3
// CRD shapes, camelCase). The edge translates etcd keys and Kubernetes objects to it.

/** Kinds that a datastore holds. Lists and watches cover all of them; in sync means every one was listed. */
export const kinds = [
  'IPPool',
  'Node',
  'BGPConfiguration',
  'BGPPeer',
  'BGPFilter',
  'FelixConfiguration',
  'ClusterInformation',
  'WorkloadEndpoint',
  'IPAMBlock',
  'BlockAffinity',
  'IPAMHandle',
  'IPAMConfiguration',
  'IPReservation',
  'CalicoNodeStatus',
] as const

export type ResourceKind = (typeof kinds)[number]

/**
 * Kinds of Kubernetes itself, which no datastore of Calico holds: they are read from its API beside any of them, and
 * only while something is made of them.
 */
export const kubernetesKinds = ['Service', 'EndpointSlice'] as const

export type KubernetesKind = (typeof kubernetesKinds)[number]

/** Every kind the agent knows. */
export type AnyKind = ResourceKind | KubernetesKind

/** `Kind/name` or `Kind/namespace/name`: identity of a document in every table, log line and message. */
export type ResourceId = string

/** A document as read, not validated yet. Integers beyond 2^53 are bigint. */
export interface Document<Kind extends AnyKind = ResourceKind> {
  readonly apiVersion: string
  readonly kind: Kind
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly uid?: string
    readonly creationTimestamp?: string
    /** Opaque; set by the datastore on read, compared on conditional writes. */
    readonly resourceVersion?: string
    readonly deletionTimestamp?: string
  }
  readonly spec?: unknown
  readonly status?: unknown
}

/** Something in the datastore that cannot be used, and what would be right. Cleared by `healed`. */
export interface Problem {
  /**
   * What it is about: a resource id, a kind of which not all is known (`IPReservation`), a file (`pools.yaml`,
   * `pools.yaml#2`), or the datastore itself.
   */
  readonly subject: string
  /** Field path such as `spec.cidr`, when one field is at fault. */
  readonly field?: string
  readonly message: string
}

/** Where a feed delivers. Calls come in order, never from inside `start`. */
export interface FeedSink {
  set(document: Document<AnyKind>): void
  delete(id: ResourceId): void
  /** True once every kind was listed; false when contact was lost. Nothing may be torn down because of false. */
  inSync(inSync: boolean): void
  problem(problem: Problem): void
  healed(subject: string): void
}

/** Thrown by writes. `conflict`: the stored revision is another one; `exists`, `not-found` as they say. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly reason: 'conflict' | 'exists' | 'not-found' | 'unavailable' | 'unauthorized'

  constructor(reason: StoreError['reason'], message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

/** One datastore. */
export interface Datastore {
  /** Begins list and watch; retries for ever by itself. Returns at once. */
  watch(sink: FeedSink): void
  get(kind: ResourceKind, name: string, namespace?: string): Promise<Document | undefined>
  list(kind: ResourceKind): Promise<readonly Document[]>
  /** Each returns the document as stored, with its new resourceVersion. */
  create(document: Document): Promise<Document>
  /** Fails with `conflict` unless `metadata.resourceVersion` is the stored one. */
  update(document: Document): Promise<Document>
  /** With a `resourceVersion` only that revision is deleted. */
  delete(
    kind: ResourceKind,
    name: string,
    options?: { namespace?: string; resourceVersion?: string },
  ): Promise<void>
  close(): Promise<void>
}

/** One that is not stored yet. */
export function newDocument(kind: ResourceKind, name: string, spec: object): Document {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec }
}

/** Identity of a document. */
export function documentId({ kind, metadata: { name, namespace } }: Document<AnyKind>): ResourceId {
  return resourceId(kind, name, namespace)
}

/** Identity of what is or would be a document. */
export function resourceId(kind: AnyKind, name: string, namespace?: string): ResourceId {
  return namespace ? `${kind}/${namespace}/${name}` : `${kind}/${name}`
}
