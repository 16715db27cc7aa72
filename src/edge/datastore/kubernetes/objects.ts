// Objects of the API server, read and written as documents. Its failures are thrown as they come.

import { type Document, type ResourceKind, resourceId, StoreError } from '../../../cluster/feed.ts'
import { printJson } from '../../../cluster/json.ts'
import { podOf } from '../../../cluster/kubernetes/names.ts'
import { annotationChanges } from '../../../cluster/kubernetes/node.ts'
import {
  collectionPath,
  documentFromObject,
  type Layout,
  objectFromDocument,
  objectName,
} from '../../../cluster/kubernetes/objects.ts'
import type { Fields } from '../../../cluster/shape.ts'
import { ApiError, type Client, type Request } from './client.ts'
import type { KubernetesSettings } from './config.ts'
import { discoverLayout } from './layout.ts'
import { readPages } from './pages.ts'

/** IPAM rows are deleted in two steps (datastore of Calico, libcalico-go/lib/backend/k8s/resources/ipam_block.go). */
const SOFT: ReadonlySet<ResourceKind> = new Set(['IPAMBlock', 'BlockAffinity', 'IPAMHandle'])

export class Objects {
  readonly #client: Client
  readonly #settings: KubernetesSettings
  #layout: Promise<Layout> | undefined

  constructor(client: Client, settings: KubernetesSettings) {
    this.#client = client
    this.#settings = settings
  }

  /** The layout can change under us: Calico moves clusters from one to the other. */
  forgetLayout(): void {
    this.#layout = undefined
  }

  /** The object as it is stored; undefined when there is none. The deletion of one that is half deleted is finished. */
  async find(kind: ResourceKind, name: string, namespace?: string): Promise<Document | undefined> {
    const path = await this.#path(kind, name, namespace)
    const object = await this.#client.call(path).catch((error) => {
      // Without that word it is the kind that is not there.
      if (error instanceof ApiError && error.reason === 'NotFound') return undefined
      throw error
    })
    const document = object && this.#read(kind, object)
    if (!document || !isDeleted(document)) return document
    await this.#erase(path, document)
    return undefined
  }

  /** All of a kind; of endpoints those of our node. */
  async list(kind: ResourceKind): Promise<Document[]> {
    const { nodename } = this.#settings
    const path = collectionPath(kind, await this.#currentLayout())
    const isOurs = kind === 'WorkloadEndpoint' && nodename
    const query = isOurs ? { fieldSelector: `spec.nodeName=${nodename}` } : {}
    const documents: Document[] = []
    for await (const { items } of readPages(this.#client, path, query))
      for (const item of items) {
        const document = this.#read(kind, item)
        if (document && !isDeleted(document)) documents.push(document)
      }
    return documents
  }

  async create(document: Document): Promise<Document> {
    try {
      return await this.#post(document)
    } catch (error) {
      const isThere = error instanceof ApiError && error.reason === 'AlreadyExists' && SOFT.has(document.kind)
      if (!isThere || (await this.find(document.kind, document.metadata.name))) throw error
      return await this.#post(document) // it was half deleted
    }
  }

  async put(document: Document): Promise<Document> {
    const { kind, metadata } = document
    const object = objectFromDocument(document, await this.#currentLayout())
    return this.#read(kind, await this.#send(await this.#path(kind, metadata.name), 'PUT', object))!
  }

  /** The status alone, where it is apart; CRDs of older Calicos have it in the object, and roles with them no right to it. */
  async putStatus(document: Document): Promise<Document> {
    const { kind, metadata } = document
    const object = objectFromDocument(document, await this.#currentLayout())
    const path = await this.#path(kind, metadata.name)
    const stored = await this.#send(`${path}/status`, 'PUT', object).catch((error) => {
      if (error instanceof ApiError && (error.code === 404 || error.code === 403)) return undefined
      throw error
    })
    return stored ? this.#read(kind, stored)! : this.put(document)
  }

  /**
   * Only annotations of ours that differ from what was read are written, and by nobody else's leave.
   * @throws StoreError when the Node has changed since
   */
  async patchNode(document: Document): Promise<Document> {
    const { name, resourceVersion } = document.metadata
    const path = `/api/v1/nodes/${name}`
    const before = this.#read('Node', await this.#client.call(path))!
    if (before.metadata.resourceVersion !== resourceVersion) throw changed(document)
    const annotations = annotationChanges(before, document)
    if (Object.keys(annotations).length === 0) return before
    const patch = { metadata: { resourceVersion, annotations } }
    const contentType = 'application/merge-patch+json'
    return this.#read('Node', await this.#send(`${path}/status`, 'PATCH', patch, contentType))!
  }

  /** What was found before, unless it has changed since. */
  async delete(document: Document): Promise<void> {
    const { kind, metadata } = document
    const path = await this.#path(kind, metadata.name, metadata.namespace)
    if (SOFT.has(kind)) {
      const marked = await this.put({ ...document, spec: { ...(document.spec as Fields), deleted: true } })
      await this.#erase(path, marked)
      return
    }
    const { uid, resourceVersion } = metadata
    await this.#send(path, 'DELETE', deletion(uid, resourceVersion))
  }

  /** That somebody else was faster is as good. */
  async #erase(path: string, { metadata: { uid } }: Document): Promise<void> {
    await this.#send(path, 'DELETE', deletion(uid)).catch((error) => {
      if (!(error instanceof ApiError && (error.code === 404 || error.code === 409))) throw error
    })
  }

  async #post(document: Document): Promise<Document> {
    const { kind } = document
    const { uid: _, resourceVersion: __, ...metadata } = document.metadata
    const layout = await this.#currentLayout()
    const object = objectFromDocument({ ...document, metadata }, layout)
    return this.#read(kind, await this.#send(collectionPath(kind, layout), 'POST', object))!
  }

  #send(path: string, method: Request['method'], body: unknown, contentType?: string): Promise<Fields> {
    return this.#client.call(path, {
      ...(method && { method }),
      body: printJson(body),
      ...(contentType && { contentType }),
    })
  }

  #read(kind: ResourceKind, object: Fields): Document | undefined {
    return documentFromObject(kind, object, this.#settings.interfacePrefix ?? 'cali')
  }

  async #path(kind: ResourceKind, name: string, namespace = 'default'): Promise<string> {
    if (kind === 'WorkloadEndpoint') return `/api/v1/namespaces/${namespace}/pods/${podOf(name) ?? name}`
    return `${collectionPath(kind, await this.#currentLayout())}/${objectName(kind, name)}`
  }

  #currentLayout(): Promise<Layout> {
    this.#layout ??= discoverLayout(this.#client, this.#settings.apiGroup)
    this.#layout.catch(() => this.forgetLayout())
    return this.#layout
  }
}

/** Asks for the end of an object as long as it is this one, in this revision if one is given. */
function deletion(uid: string | undefined, resourceVersion?: string): object {
  return { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } }
}

function isDeleted({ kind, spec }: Document): boolean {
  return SOFT.has(kind) && (spec as { deleted?: unknown } | undefined)?.deleted === true
}

export function changed({ kind, metadata: { name } }: Document): StoreError {
  return new StoreError('conflict', `${resourceId(kind, name)} was changed by somebody else`)
}
