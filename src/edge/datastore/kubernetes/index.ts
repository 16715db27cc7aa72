// The `kubernetes` datastore: Calico's CRDs, and Kubernetes' own nodes and pods, with the API server's conflicts.

import {
  type Datastore,
  type Document,
  type ResourceKind,
  resourceId,
  StoreError,
} from '../../../cluster/feed.ts'
import { printJson } from '../../../cluster/json.ts'
import { podOf } from '../../../cluster/kubernetes/names.ts'
import { annotationChanges } from '../../../cluster/kubernetes/node.ts'
import {
  collectionPath,
  documentFromObject,
  isCore,
  type Layout,
  objectFromDocument,
  objectName,
} from '../../../cluster/kubernetes/objects.ts'
import type { Fields } from '../../../cluster/shape.ts'
import { ApiError, apiClient, type Client, type Request } from './client.ts'
import { calicoCollections } from './collections.ts'
import type { KubernetesSettings } from './config.ts'
import { type FeedTiming, feed, feedTiming } from './feed.ts'
import { discoverLayout } from './layout.ts'
import { readPages } from './pages.ts'
import { storeError } from './reasons.ts'

/** IPAM rows are deleted in two steps (datastore of Calico, libcalico-go/lib/backend/k8s/resources/ipam_block.go). */
const SOFT: ReadonlySet<ResourceKind> = new Set(['IPAMBlock', 'BlockAffinity', 'IPAMHandle'])

/** Opens the API server. Nothing is loaded or contacted before the first call. A `shared` client is its owner's to close. */
export function kubernetesDatastore(
  settings: KubernetesSettings,
  timing: FeedTiming = feedTiming,
  shared?: Client,
): Datastore {
  const client = shared ?? apiClient(settings)
  const closing = new AbortController()
  const prefix = settings.interfacePrefix ?? 'cali'
  let layout: Promise<Layout> | undefined

  /** The layout can change under us: Calico moves clusters from one to the other. */
  function currentLayout(): Promise<Layout> {
    layout ??= discoverLayout(client, settings.apiGroup)
    layout.catch(forgetLayout)
    return layout
  }

  function forgetLayout(): void {
    layout = undefined
  }

  /** Work with the server, its failures in the contract's words. */
  async function attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) forgetLayout()
      throw storeError(error, client.endpoint())
    }
  }

  async function pathOf(kind: ResourceKind, name: string, namespace = 'default'): Promise<string> {
    if (kind === 'WorkloadEndpoint') return `/api/v1/namespaces/${namespace}/pods/${podOf(name) ?? name}`
    return `${collectionPath(kind, await currentLayout())}/${objectName(kind, name)}`
  }

  function send(
    path: string,
    method: Request['method'],
    body: unknown,
    contentType?: string,
  ): Promise<Fields> {
    return client.call(path, {
      ...(method && { method }),
      body: printJson(body),
      ...(contentType && { contentType }),
    })
  }

  function read(kind: ResourceKind, object: Fields): Document | undefined {
    return documentFromObject(kind, object, prefix)
  }

  /** The object as it is stored; undefined when there is none. The deletion of one that is half deleted is finished. */
  async function find(kind: ResourceKind, name: string, namespace?: string): Promise<Document | undefined> {
    const path = await pathOf(kind, name, namespace)
    const object = await client.call(path).catch((error) => {
      // Without that word it is the kind that is not there.
      if (error instanceof ApiError && error.reason === 'NotFound') return undefined
      throw error
    })
    const document = object && read(kind, object)
    if (!document || !isDeleted(kind, document)) return document
    await erase(path, document)
    return undefined
  }

  /** That somebody else was faster is as good. */
  async function erase(path: string, { metadata: { uid } }: Document): Promise<void> {
    await send(path, 'DELETE', { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } }).catch(
      (error) => {
        if (!(error instanceof ApiError && (error.code === 404 || error.code === 409))) throw error
      },
    )
  }

  async function create(document: Document): Promise<Document> {
    const { kind } = document
    const { uid: _, resourceVersion: __, ...metadata } = document.metadata
    const current = await currentLayout()
    const object = objectFromDocument({ ...document, metadata }, current)
    return read(kind, await send(collectionPath(kind, current), 'POST', object))!
  }

  async function put(document: Document): Promise<Document> {
    const object = objectFromDocument(document, await currentLayout())
    return read(
      document.kind,
      await send(await pathOf(document.kind, document.metadata.name), 'PUT', object),
    )!
  }

  /** The status alone, where it is apart; CRDs of older Calicos have it in the object, and roles with them no right to it. */
  async function putStatus(document: Document): Promise<Document> {
    const object = objectFromDocument(document, await currentLayout())
    const path = await pathOf(document.kind, document.metadata.name)
    const stored = await send(`${path}/status`, 'PUT', object).catch((error) => {
      if (error instanceof ApiError && (error.code === 404 || error.code === 403)) return undefined
      throw error
    })
    return stored ? read(document.kind, stored)! : put(document)
  }

  /** Only annotations of ours that differ from what was read are written, and by nobody else's leave. */
  async function patchNode(document: Document): Promise<Document> {
    const { name, resourceVersion } = document.metadata
    const path = `/api/v1/nodes/${name}`
    const before = nodeOf(await client.call(path))
    if (before.metadata.resourceVersion !== resourceVersion) throw changed(document)
    const annotations = annotationChanges(before, document)
    if (Object.keys(annotations).length === 0) return before
    const patch = { metadata: { resourceVersion, annotations } }
    return nodeOf(await send(`${path}/status`, 'PATCH', patch, 'application/merge-patch+json'))
  }

  function nodeOf(object: Fields): Document {
    return read('Node', object)!
  }

  return {
    watch: (sink) => void feed(client, calicoCollections(client, settings), sink, timing, closing.signal),

    get: (kind, name, namespace) => attempt(() => find(kind, name, namespace)),

    list: (kind) =>
      attempt(async () => {
        const path = collectionPath(kind, await currentLayout())
        const query =
          kind === 'WorkloadEndpoint' && settings.nodename
            ? { fieldSelector: `spec.nodeName=${settings.nodename}` }
            : {}
        const documents: Document[] = []
        for await (const { items } of readPages(client, path, query))
          for (const item of items) {
            const document = read(kind, item)
            if (document && !isDeleted(kind, document)) documents.push(document)
          }
        return documents
      }),

    create: (document) =>
      attempt(async () => {
        refuseCore(document)
        try {
          return await create(document)
        } catch (error) {
          const isThere =
            error instanceof ApiError && error.reason === 'AlreadyExists' && SOFT.has(document.kind)
          if (!isThere || (await find(document.kind, document.metadata.name))) throw error
          return await create(document) // it was half deleted
        }
      }),

    update: (document) =>
      attempt(async () => {
        if (document.kind === 'Node') return patchNode(document)
        if (document.kind === 'CalicoNodeStatus') return putStatus(document)
        refuseCore(document)
        return put(document)
      }),

    delete: (kind, name, { namespace, resourceVersion } = {}) =>
      attempt(async () => {
        const document = await find(kind, name, namespace)
        if (!document) throw missing(kind, name, namespace)
        refuseCore(document)
        if (resourceVersion !== undefined && document.metadata.resourceVersion !== resourceVersion)
          throw changed(document)
        const path = await pathOf(kind, name, namespace)
        if (SOFT.has(kind))
          return erase(
            path,
            await put({ ...document, spec: { ...(document.spec as Fields), deleted: true } }),
          )
        const { uid, resourceVersion: found } = document.metadata
        const preconditions = { uid, resourceVersion: found }
        await send(path, 'DELETE', { apiVersion: 'v1', kind: 'DeleteOptions', preconditions })
      }),

    async close() {
      closing.abort()
      if (!shared) client.close()
    },
  }
}

function isDeleted(kind: ResourceKind, { spec }: Document): boolean {
  return SOFT.has(kind) && (spec as { deleted?: unknown } | undefined)?.deleted === true
}

function changed({ kind, metadata: { name } }: Document): StoreError {
  return new StoreError('conflict', `${resourceId(kind, name)} was changed by somebody else`)
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
