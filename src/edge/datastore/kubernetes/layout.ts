// Which of Calico's two layouts of CRDs the cluster has. Calico: libcalico-go/lib/backend/k8s/resources/apigroups.go.

import { groupVersions, type Layout } from '../../../cluster/kubernetes/objects.ts'
import { ApiError, type Client } from './client.ts'

/**
 * The layout told by CALICO_API_GROUP, or the native one where the classical group is not served. Both are served
 * where the classical CRDs are the storage and Calico's API server stands before them; it may itself run on the
 * network that we make, so we never go through it.
 */
export async function discoverLayout(client: Client, apiGroup: string | undefined): Promise<Layout> {
  if (apiGroup) return apiGroup === groupVersions.native ? 'native' : 'crd'
  const { groups = [] } = (await client.call('/apis')) as { groups?: { name: string }[] }
  const served = new Set(groups.map(({ name }) => name))
  return served.has('projectcalico.org') && !served.has('crd.projectcalico.org') ? 'native' : 'crd'
}

/**
 * Whether a kind is not installed, which an old cluster may lack, while its group is.
 * @throws Error when the whole group is missing: nothing may be taken for deleted then
 */
export async function isAbsent(client: Client, layout: Layout, plural: string): Promise<boolean> {
  const groupVersion = groupVersions[layout]
  const { resources = [] } = (await client.call(`/apis/${groupVersion}`).catch((error) => {
    const isMissing = error instanceof ApiError && error.code === 404
    throw isMissing ? new Error(`Calico's resources are not installed: there is no ${groupVersion}`) : error
  })) as { resources?: { name: string }[] }
  return !resources.some(({ name }) => name === plural)
}
