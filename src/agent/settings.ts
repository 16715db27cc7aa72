// From the settings as people give them to what each part of the agent is handed.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import type { Settings } from '../config/settings.ts'
import type { DatastoreSettings } from '../edge/datastore/index.ts'
import { isReachable } from '../edge/datastore/kubernetes/config.ts'
import type { KernelOptions } from '../edge/kernel/kernel.ts'
import { type Address, addressFromBytes } from '../inet/address.ts'
import { offloadsChecksums, type TunnelSettings } from '../plan/encap/settings.ts'
import type { PlanSettings } from '../plan/known.ts'
import type { NatSettings } from '../plan/nat-inputs.ts'

/** Looked up anew whenever one counts, since they change while we run. */
export function kernelSettings(current: () => Settings): KernelOptions['settings'] {
  return {
    get workloadPrefixes() {
      return current().interfacePrefix
    },
    get removeExternalRoutes() {
      return current().removeExternalRoutes
    },
    get workloadProtocol() {
      return current().deviceRouteProtocol
    },
    get resyncMs() {
      return current().routeRefreshIntervalMs
    },
    get iptablesBackend() {
      return current().iptablesBackend
    },
    get iptablesRefreshMs() {
      return current().iptablesRefreshIntervalMs
    },
    get iptablesPostWriteMs() {
      return current().iptablesPostWriteCheckIntervalMs
    },
    get removePolicyChains() {
      return current().removePolicyChains
    },
    get ipsetsRefreshMs() {
      return current().ipsetsRefreshIntervalMs
    },
  }
}

/** What the agent remembers from run to run, besides what calico-node does. */
export const STATE_FILES = ['caracal-routes', 'caracal-cluster', 'caracal-services'] as const

export function stateFile({ stateDir }: Settings, name: (typeof STATE_FILES)[number]): string {
  return join(stateDir, name)
}

export function planSettings(settings: Settings): PlanSettings {
  const { deviceRouteProtocol, networkingBackend, routerId } = settings
  return {
    kernel: {
      ipv6: settings.ipv6Support,
      ipForwarding: settings.ipForwarding === 'Enabled',
      importProtection: settings.importProtection,
      routeSync: !settings.routeSyncDisabled && networkingBackend !== 'none',
      rpFilter: defaultRpFilter(),
      workloadProtocol: deviceRouteProtocol === 3 ? 'boot' : `${deviceRouteProtocol}`,
      tunnels: tunnelSettings(settings),
      deviceRouteSource: {
        ipv4: settings.deviceRouteSourceAddress,
        ipv6: settings.deviceRouteSourceAddressIpv6,
      },
    },
    bgp: {
      enabled: networkingBackend === 'bird',
      routerId: routerId === 'hash' ? hashedRouterId(settings.nodename) : routerId,
    },
    nat: natSettings(settings),
    usePodCidr: settings.usePodCidr,
    services: {
      kubernetesNode: settings.k8sNodeRef ?? settings.nodename,
      clusterIps: settings.advertiseClusterIps,
    },
  }
}

function tunnelSettings(settings: Settings): TunnelSettings {
  const { featureDetectOverride: features, networkingBackend, mtuInterfaces } = settings
  const isBroken = features.get('ChecksumOffloadBroken') ?? !offloadsChecksums(release())
  return {
    enabled: networkingBackend !== 'none',
    ipipEnabled: settings.ipipEnabled,
    vxlanEnabled: settings.vxlanEnabled,
    ipipMtu: settings.ipipMtu,
    vxlanMtu: settings.vxlanMtu,
    vxlanMtuV6: settings.vxlanMtuV6,
    vxlanPort: settings.vxlanPort,
    vxlanVni: settings.vxlanVni,
    mtuInterfaces: new RegExp(mtuInterfaces),
    checksumOffload: !isBroken,
    programClusterRoutes: settings.programClusterRoutes,
  }
}

function natSettings(settings: Settings): NatSettings {
  const { featureDetectOverride: features } = settings
  return {
    outgoingAddress: settings.natOutgoingAddress,
    portRange: settings.natPortRange,
    excludeHosts: settings.natOutgoingExclusions === 'IPPoolsAndHostIPs',
    outgoingInterface: settings.natOutgoingInterfaceFilter,
    externalNodes: settings.externalNodesList,
    maxIpsetSize: settings.maxIpsetSize,
    fullyRandom: {
      masquerade: features.get('MASQFullyRandom') ?? true,
      snat: features.get('SNATFullyRandom') ?? true,
    },
  }
}

/** What workload interfaces get; 1 when it cannot be read, as in Felix. */
function defaultRpFilter(): string {
  try {
    return readFileSync('/proc/sys/net/ipv4/conf/default/rp_filter', 'utf8').trim()
  } catch {
    return '1'
  }
}

/** CALICO_ROUTER_ID=hash: the first four bytes of SHA-256 over the name, kept out of the class D and E range. */
function hashedRouterId(nodename: string): Address {
  const bytes = createHash('sha256').update(nodename).digest().subarray(0, 4)
  if (bytes[0]! > 223) bytes[0]! -= 32
  return addressFromBytes(bytes)
}

export function datastoreSettings(settings: Settings): DatastoreSettings {
  return {
    type: settings.datastoreType,
    path: settings.datastorePath,
    endpoints: settings.etcdEndpoints,
    caFile: settings.etcdCaFile,
    certFile: settings.etcdCertFile,
    keyFile: settings.etcdKeyFile,
    username: settings.etcdUsername,
    password: settings.etcdPassword,
    kubeconfig: settings.kubeconfig,
    serviceHost: settings.kubernetesHost,
    servicePort: settings.kubernetesPort,
    apiGroup: settings.apiGroup,
    nodename: settings.nodename,
    interfacePrefix: settings.interfacePrefix[0],
  }
}

/** Where cluster data comes from, in a word that is another one for another datastore. */
export function datastorePlace({
  type,
  path,
  endpoints,
  kubeconfig,
  serviceHost,
}: DatastoreSettings): string {
  const places = { file: path, etcdv3: endpoints?.join(','), kubernetes: kubeconfig ?? serviceHost }
  return `${type} ${places[type] ?? ''}`
}

/** Whether we have been told of a Kubernetes API and as whom to use it, whatever the datastore is. */
export function hasKubernetes(settings: Settings): boolean {
  return settings.datastoreType === 'kubernetes' || isReachable(datastoreSettings(settings))
}
