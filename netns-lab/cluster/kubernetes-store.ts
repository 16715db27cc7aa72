// The lab's hand on a Kubernetes API. What the agent may not make there is made by those who do in a real cluster: Nodes
// by kubelet, with annotations from calico-node; Pods by whoever applies them, with annotations from the CNI plugin.

import { type Document, type ResourceKind, resourceId, StoreError } from '../../src/cluster/feed.ts'
import { printJson } from '../../src/cluster/json.ts'
import { podOf } from '../../src/cluster/kubernetes/names.ts'
import { annotationChanges, nodeDocument } from '../../src/cluster/kubernetes/node.ts'
import { same } from '../../src/cluster/same.ts'
import type { Fields } from '../../src/cluster/shape.ts'
import { type DatastoreSettings, openDatastore } from '../../src/edge/datastore/index.ts'
import { ApiError, apiClient, type Client } from '../../src/edge/datastore/kubernetes/client.ts'
import { kubeNode, kubePod, labelChanges, podAddresses } from './kubernetes-objects.ts'
import type { Store } from './store.ts'

/** How documents of a kind come to be there which are no objects of their own. */
interface Maker {
  create(client: Client, document: Document): Promise<unknown>
  update(client: Client, document: Document): Promise<unknown>
  delete(client: Client, name: string, namespace: string): Promise<unknown>
}

const nodes: Maker = {
  async create(client, document) {
    await send(client, 'POST', '/api/v1/nodes', kubeNode(document))
    await nodes.update(client, document)
  },
  async update(client, document) {
    const path = `/api/v1/nodes/${document.metadata.name}`
    const found = await client.call(path)
    const before = hasOtherRanges(found, document) ? await replaced(client, path, document) : found
    const labels = labelChanges(before, document)
    const labelled = await merge(client, path, { metadata: { labels } })
    const annotations = annotationChanges(...asCalicoSees(labelled, document))
    await merge(client, `${path}/status`, { metadata: { annotations } })
  },
  delete: (client, name) => send(client, 'DELETE', `/api/v1/nodes/${name}`),
}

/** The ranges of a Node are given once: with others it is another node of the same name. */
function hasOtherRanges({ spec }: Fields, { status }: Document): boolean {
  const { podCIDRs } = (status ?? {}) as { podCIDRs?: readonly string[] }
  return podCIDRs !== undefined && !same((spec as Fields).podCIDRs, podCIDRs)
}

async function replaced(client: Client, path: string, document: Document): Promise<Fields> {
  await send(client, 'DELETE', path)
  return send(client, 'POST', '/api/v1/nodes', kubeNode(document))
}

/** Labels of Kubernetes are not to be stored a second time as Calico's own. */
function asCalicoSees(object: Fields, wanted: Document): [before: Document, after: Document] {
  const before = nodeDocument(object)
  const { annotations } = before.metadata
  return [before, { ...wanted, metadata: { ...wanted.metadata, annotations: annotations ?? {} } }]
}

const pods: Maker = {
  async create(client, document) {
    const { namespace = 'default' } = document.metadata
    await send(client, 'POST', `/api/v1/namespaces/${namespace}/pods`, kubePod(document))
    await pods.update(client, document)
  },
  async update(client, document) {
    const { name, namespace = 'default' } = document.metadata
    const path = podPath(name, namespace)
    const { annotations, status } = podAddresses(document)
    await merge(client, path, { metadata: { labels: kubePod(document).metadata.labels } })
    await merge(client, `${path}/status`, { metadata: { annotations } })
    await merge(client, `${path}/status`, { status })
  },
  /** Terminating first; then the CNI plugin takes the address back, and kubelet ends it. */
  async delete(client, name, namespace) {
    const path = podPath(name, namespace)
    await send(client, 'DELETE', path)
    const annotations = { 'cni.projectcalico.org/podIP': '', 'cni.projectcalico.org/podIPs': '' }
    await merge(client, `${path}/status`, { metadata: { annotations } })
    await client.call(path, { method: 'DELETE', query: { gracePeriodSeconds: '0' } })
  },
}

const makers: Partial<Record<ResourceKind, Maker>> = { Node: nodes, WorkloadEndpoint: pods }

/** Opens the API as somebody who may do everything. */
export function openKubernetes(settings: DatastoreSettings): Store {
  const store = openDatastore(settings)
  const client = apiClient(settings)

  async function reread({ kind, metadata }: Document): Promise<Document> {
    return (await store.get(kind, metadata.name, metadata.namespace))!
  }

  return {
    get: (...args) => store.get(...args),
    list: (kind) => store.list(kind),
    async create(document) {
      const maker = makers[document.kind]
      if (!maker) return store.create(document)
      await inStoreWords(document, () => maker.create(client, document))
      return reread(document)
    },
    async update(document) {
      const maker = makers[document.kind]
      if (!maker) return store.update(document)
      await inStoreWords(document, () => maker.update(client, document))
      return reread(document)
    },
    async delete(kind, name, options = {}) {
      const maker = makers[kind]
      if (!maker) return store.delete(kind, name, options)
      const { namespace = 'default' } = options
      const subject: Document = { apiVersion: '', kind, metadata: { name, namespace } }
      await inStoreWords(subject, () => maker.delete(client, name, namespace))
    },
    async close() {
      client.close()
      await store.close()
    },
  }
}

async function inStoreWords({ kind, metadata }: Document, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const code = error instanceof ApiError ? error.code : 0
    const reason = code === 404 ? 'not-found' : code === 409 ? 'exists' : 'unavailable'
    throw new StoreError(reason, `${resourceId(kind, metadata.name)}: ${(error as Error).message}`, error)
  }
}

function podPath(endpoint: string, namespace: string): string {
  return `/api/v1/namespaces/${namespace}/pods/${podOf(endpoint) ?? endpoint}`
}

function send(client: Client, method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<Fields> {
  return client.call(path, { method, ...(body !== undefined && { body: printJson(body) }) })
}

function merge(client: Client, path: string, body: object): Promise<Fields> {
  const contentType = 'application/merge-patch+json'
  return client.call(path, { method: 'PATCH', body: printJson(body), contentType })
}
