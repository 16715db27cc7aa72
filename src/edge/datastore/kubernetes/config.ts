// Which API server, and as whom: a kubeconfig, or the service account of our pod. Everything is read again whenever the
// connection is renewed, since tokens, certificates and whole kubeconfigs are replaced under a running process.

import { existsSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'

export interface KubernetesSettings {
  /** KUBECONFIG: a file; without it the service account counts. */
  readonly kubeconfig?: string | undefined
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT: where a pod finds the API server. */
  readonly serviceHost?: string | undefined
  readonly servicePort?: number | undefined
  /** Where the service account is mounted. */
  readonly serviceAccount?: string | undefined
  /** CALICO_API_GROUP: takes the place of discovery. */
  readonly apiGroup?: string | undefined
  /** NODENAME: only pods of this node are read. */
  readonly nodename?: string | undefined
  /** FELIX_INTERFACEPREFIX: the first of them, with which the CNI plugin names the interfaces of pods. */
  readonly interfacePrefix?: string | undefined
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Whether there is a Kubernetes API to be used, as a guess: nothing is contacted. */
export function isReachable({
  kubeconfig,
  serviceHost,
  serviceAccount = SERVICE_ACCOUNT,
}: KubernetesSettings): boolean {
  return Boolean(kubeconfig) || (Boolean(serviceHost) && existsSync(join(serviceAccount, 'token')))
}

/**
 * Calls back whenever kubelet puts another token in the place of ours, often several times in a row; never where there is
 * no service account. Returns how to end it.
 */
export function watchServiceAccount(
  { serviceAccount = SERVICE_ACCOUNT }: KubernetesSettings,
  onChange: () => void,
): () => void {
  if (!existsSync(serviceAccount)) return () => {}
  const watcher = watch(serviceAccount, onChange)
  watcher.on('error', () => watcher.close()) // the directory is gone: what depends on time goes on
  return () => watcher.close()
}

/** Loads the client package, which is heavy, and what it needs. @throws when there is nothing to go by */
export async function loadConfig(settings: KubernetesSettings): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  if (settings.kubeconfig) config.loadFromFile(settings.kubeconfig)
  else config.loadFromClusterAndUser(...inCluster(settings))
  if (!config.getCurrentCluster()) throw new Error('the kubeconfig has no current cluster')
  return config
}

function inCluster({
  serviceHost,
  servicePort = 443,
  serviceAccount = SERVICE_ACCOUNT,
}: KubernetesSettings): Parameters<KubeConfig['loadFromClusterAndUser']> {
  const tokenFile = join(serviceAccount, 'token')
  if (!serviceHost || !existsSync(tokenFile))
    throw new Error('KUBECONFIG is not set, and there is no service account of a pod either')
  const host = serviceHost.includes(':') ? `[${serviceHost}]` : serviceHost
  const authProvider = { name: 'tokenFile', config: { tokenFile } }
  const caFile = join(serviceAccount, 'ca.crt')
  const server = `https://${host}:${servicePort}`
  return [
    { name: 'in-cluster', server, caFile, skipTLSVerify: false },
    { name: 'service-account', authProvider },
  ]
}
