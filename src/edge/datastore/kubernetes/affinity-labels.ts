// Labels on affinities that an older Calico has written without: its components list by them and do not see the others.
// Calico node/pkg/lifecycle/startup/startup.go, before all else; libcalico-go/lib/upgrade/ipamv1.

import { printJson } from '../../../cluster/json.ts'
import {
  collectionPath,
  documentFromObject,
  objectFromDocument,
} from '../../../cluster/kubernetes/objects.ts'
import { ApiError, type Client } from './client.ts'
import { discoverLayout } from './layout.ts'
import { readPages } from './pages.ts'

/** Puts the labels on those of `node`. Whoever else writes one meanwhile puts them on himself. @throws ApiError */
export async function labelAffinities(
  client: Client,
  apiGroup: string | undefined,
  node: string,
): Promise<void> {
  const layout = await discoverLayout(client, apiGroup)
  const path = collectionPath('BlockAffinity', layout)
  const query = { labelSelector: '!projectcalico.org/affinity-type', resourceVersion: '0' }
  for await (const { items } of readPages(client, path, query)) {
    for (const item of items) {
      const document = documentFromObject('BlockAffinity', item, '')
      if ((document?.spec as { node?: string } | undefined)?.node !== node) continue
      const object = objectFromDocument(document!, layout)
      const { name } = item.metadata as { name: string }
      await client.call(`${path}/${name}`, { method: 'PUT', body: printJson(object) }).catch(passOver)
    }
  }
}

function passOver(error: unknown): void {
  if (!(error instanceof ApiError && (error.code === 404 || error.code === 409))) throw error
}
