// What a node asks and tells the Kubernetes API besides the documents of its datastore. Calico: node/pkg/lifecycle
// (startup, utils), node/pkg/cni.

import { readFileSync } from 'node:fs'
import type { StoreError } from '../cluster/feed.ts'
import { printJson } from '../cluster/json.ts'
import type { Settings } from '../config/settings.ts'
import { labelAffinities } from '../edge/datastore/kubernetes/affinity-labels.ts'
import type { Client, Request } from '../edge/datastore/kubernetes/client.ts'
import { storeError } from '../edge/datastore/kubernetes/reasons.ts'
import { type KubernetesFacts, type KubernetesObjects, kubernetesFacts } from '../startup/kubernetes.ts'

/** Each fails with a StoreError that says what the API server, or the way to it, has against it. */
export interface KubernetesAccess {
  /** What start-up makes use of; what is not there, or not for us to read, counts as not there. */
  facts(node: string): Promise<KubernetesFacts>
  /** Makes this node's affinities visible to those who list them by label. */
  labelAffinities(): Promise<void>
  /** Sets one condition of a Node and leaves the others. */
  setCondition(node: string, condition: NodeCondition): Promise<void>
  /** A token of a service account in our own namespace, good for so many seconds. */
  requestToken(account: string, seconds: number): Promise<Token>
  /** Where the API is, for others on this host. */
  cluster(): ReturnType<Client['cluster']>
}

export interface NodeCondition {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
  /** RFC 3339. */
  readonly lastHeartbeatTime: string
  readonly lastTransitionTime: string
}

export interface Token {
  readonly token: string
  /** Milliseconds since 1970. */
  readonly expires: number
}

const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'
const CONFIG_MAPS = '/api/v1/namespaces/kube-system/configmaps'

export function kubernetesAccess(client: Client, settings: Settings): KubernetesAccess {
  const { datastoreType, usePodCidr, apiGroup, nodename } = settings
  const hasAffinities = datastoreType === 'kubernetes' && !usePodCidr

  async function attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw storeError(error, client.endpoint())
    }
  }

  function send(path: string, body: object, request: Request): Promise<unknown> {
    return attempt(() => client.call(path, { ...request, body: printJson(body) }))
  }

  async function find(path: string): Promise<unknown> {
    return attempt(() => client.call(path)).catch((error: StoreError) => {
      if (['not-found', 'unauthorized'].includes(error.reason)) return undefined
      throw error
    })
  }

  return {
    async facts(node) {
      const [found, kubeadm, rancher] = await Promise.all([
        find(`/api/v1/nodes/${node}`),
        find(`${CONFIG_MAPS}/kubeadm-config`),
        find(`${CONFIG_MAPS}/full-cluster-state`),
      ])
      return kubernetesFacts({ node: found, kubeadm, rancher } as KubernetesObjects)
    },
    labelAffinities: async () => {
      if (hasAffinities) await attempt(() => labelAffinities(client, apiGroup, nodename))
    },
    // A JSON merge patch would put our condition in the place of all others.
    async setCondition(node, condition) {
      const contentType = 'application/strategic-merge-patch+json'
      const status = { conditions: [condition] }
      await send(`/api/v1/nodes/${node}/status`, { status }, { method: 'PATCH', contentType })
    },
    async requestToken(account, seconds) {
      const path = `/api/v1/namespaces/${namespace()}/serviceaccounts/${account}/token`
      const spec = { audiences: [], expirationSeconds: seconds }
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }
      const answer = (await send(path, body, { method: 'POST' })) as TokenAnswer
      const { token, expirationTimestamp } = answer.status
      return { token, expires: Date.parse(expirationTimestamp) }
    },
    cluster: () => attempt(() => client.cluster()),
  }
}

interface TokenAnswer {
  readonly status: { readonly token: string; readonly expirationTimestamp: string }
}

/** With a kubeconfig there may be no such file; then it is that of Calico's manifests. */
function namespace(): string {
  try {
    return readFileSync(NAMESPACE_FILE, 'utf8').trim()
  } catch {
    return 'kube-system'
  }
}
