// The `kubernetes` datastore: Calico's CRDs, and Kubernetes' own nodes and pods, with the API server's conflicts.

import {
  type Datastore,
  type Document,
  type ResourceKind,
  resourceId,
  StoreError,
} from '../../../cluster/feed.ts'
import { isCore } from '../../../cluster/kubernetes/objects.ts'
import { ApiError, apiClient, type Client } from './client.ts'
import { calicoCollections } from './collections.ts'
import type { KubernetesSettings } from './config.ts'
import { type FeedTiming, feed, feedTiming } from './feed.ts'
import { changed, Objects } from './objects.ts'
import { storeError } from './reasons.ts'

/** Opens the API server. Nothing is loaded or contacted before the first call. A `shared` client is its owner's to close. */
export function kubernetesDatastore(
  settings: KubernetesSettings,
  timing: FeedTiming = feedTiming,
  shared?: Client,
): Datastore {
  const client = shared ?? apiClient(settings)
  const objects = new Objects(client, settings)
  const closing = new AbortController()

  /** Work with the server, its failures in the contract's words. */
  async function attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) objects.forgetLayout()
      throw storeError(error, client.endpoint())
    }
  }

  return {
    watch: (sink) => void feed(client, calicoCollections(client, settings), sink, timing, closing.signal),

    get: (kind, name, namespace) => attempt(() => objects.find(kind, name, namespace)),

    list: (kind) => attempt(() => objects.list(kind)),

    create: (document) =>
      attempt(async () => {
        refuseCore(document)
        return objects.create(document)
      }),

    update: (document) =>
      attempt(async () => {
        if (document.kind === 'Node') return objects.patchNode(document)
        if (document.kind === 'CalicoNodeStatus') return objects.putStatus(document)
        refuseCore(document)
        return objects.put(document)
      }),

    delete: (kind, name, { namespace, resourceVersion } = {}) =>
      attempt(async () => {
        const document = await objects.find(kind, name, namespace)
        if (!document) throw missing(kind, name, namespace)
        refuseCore(document)
        if (resourceVersion !== undefined && document.metadata.resourceVersion !== resourceVersion)
          throw changed(document)
        await objects.delete(document)
      }),

    async close() {
      closing.abort()
      if (!shared) client.close()
    },
  }
}

function missing(kind: ResourceKind, name: string, namespace: string | undefined): StoreError {
  return new StoreError('not-found', `${resourceId(kind, name, namespace)} does not exist`)
}

/** Nodes are registered by kubelet, and endpoints are the pods that the CNI plugin has set up. */
function refuseCore({ kind, metadata: { name, namespace } }: Document): void {
  if (!isCore(kind)) return
  const maker = kind === 'Node' ? 'kubelet has not registered it' : 'it is made from a pod'
  throw new StoreError('not-found', `${resourceId(kind, name, namespace)} cannot be written: ${maker}`)
}
