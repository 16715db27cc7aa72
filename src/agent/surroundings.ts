// What start-up looks at before it asks the datastore: the host, and what Kubernetes knows of it.

import type { Settings } from '../config/settings.ts'
import type { HostAccess } from '../edge/host/index.ts'
import type { Family } from '../inet/address.ts'
import type { Host, Interface } from '../startup/host.ts'
import type { KubernetesAccess } from './kubernetes-access.ts'

interface Views {
  readonly settings: Settings
  readonly host: HostAccess
  readonly kubernetes: Pick<KubernetesAccess, 'facts'> | undefined
}

/** As all was when start-up last succeeded; `isStale`: our Node may be another since then. */
export interface Before {
  readonly host: Host | undefined
  readonly isStale: boolean
}

/** @throws StoreError when Kubernetes has to be asked, and cannot be */
export async function lookAround(
  views: Views,
  interfaces: readonly Interface[],
  before: Before,
): Promise<Host> {
  const { settings, host } = views
  const towards = async (method: Settings['ipMethod'], family: Family) =>
    method.kind === 'can-reach' ? host.addressTowards(method.destination, family) : undefined
  const [ipv4, ipv6, kubernetes] = await Promise.all([
    towards(settings.ipMethod, 'ipv4'),
    towards(settings.ip6Method, 'ipv6'),
    kubernetesFacts(views, before),
  ])
  return { interfaces, towards: { ipv4, ipv6 }, ipv6: host.hasIpv6(), kubernetes }
}

/** After the start only a node's addresses count; and where our Node is the Kubernetes Node, we are told of its changes. */
async function kubernetesFacts(
  { settings, kubernetes }: Views,
  { host, isStale }: Before,
): Promise<Host['kubernetes']> {
  const { nodename, k8sNodeRef, datastoreType, ipMethod, ip6Method } = settings
  const counts = [ipMethod, ip6Method].some(({ kind }) => kind === 'kubernetes-internal-ip')
  const mayDiffer = isStale || datastoreType !== 'kubernetes'
  if (host && !(counts && mayDiffer)) return host.kubernetes
  return kubernetes?.facts(k8sNodeRef ?? nodename)
}
