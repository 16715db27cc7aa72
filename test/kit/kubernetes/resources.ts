// What the API server of the double serves: the core kinds routing reads, and Calico's CRDs in either layout.

export interface Resource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  /** Custom resources take no strategic merge patch, and print their fields in alphabetical order. */
  readonly custom: boolean
  readonly fieldSelectors: readonly string[]
}

/** `crd`: crd.projectcalico.org/v1; `native`: projectcalico.org/v3. */
export type Layout = 'crd' | 'native'

const groups: Readonly<Record<Layout, Pick<Resource, 'group' | 'version'>>> = {
  crd: { group: 'crd.projectcalico.org', version: 'v1' },
  native: { group: 'projectcalico.org', version: 'v3' },
}

const custom: Readonly<Record<string, string>> = {
  bgpconfigurations: 'BGPConfiguration',
  bgpfilters: 'BGPFilter',
  bgppeers: 'BGPPeer',
  blockaffinities: 'BlockAffinity',
  caliconodestatuses: 'CalicoNodeStatus',
  clusterinformations: 'ClusterInformation',
  felixconfigurations: 'FelixConfiguration',
  ipamblocks: 'IPAMBlock',
  ipamhandles: 'IPAMHandle',
  ippools: 'IPPool',
  ipreservations: 'IPReservation',
}

const configurations: Readonly<Record<Layout, Readonly<Record<string, string>>>> = {
  crd: { ipamconfigs: 'IPAMConfig' },
  native: { ipamconfigurations: 'IPAMConfiguration' },
}

const names = ['metadata.name', 'metadata.namespace']

export const core: readonly Resource[] = [
  { plural: 'nodes', kind: 'Node', namespaced: false, fieldSelectors: names },
  {
    plural: 'pods',
    kind: 'Pod',
    namespaced: true,
    fieldSelectors: [...names, 'spec.nodeName', 'status.phase'],
  },
  { plural: 'services', kind: 'Service', namespaced: true, fieldSelectors: names },
  { plural: 'events', kind: 'Event', namespaced: true, fieldSelectors: names },
  { plural: 'secrets', kind: 'Secret', namespaced: true, fieldSelectors: names },
  { plural: 'configmaps', kind: 'ConfigMap', namespaced: true, fieldSelectors: names },
  { plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true, fieldSelectors: names },
].map((row) => ({ group: '', version: 'v1', custom: false, ...row }))

const slices: Resource = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
  custom: false,
  fieldSelectors: names,
}

/** Everything that a cluster with these layouts installed serves. A resource is the same object in every answer. */
export function resourcesOf(layouts: readonly Layout[]): Resource[] {
  return [...core, slices, ...layouts.flatMap((layout) => calico[layout])]
}

const calico: Readonly<Record<Layout, readonly Resource[]>> = { crd: rowsOf('crd'), native: rowsOf('native') }

function rowsOf(layout: Layout): Resource[] {
  return Object.entries({ ...custom, ...configurations[layout] }).map(([plural, kind]) => ({
    ...groups[layout],
    plural,
    kind,
    namespaced: false,
    custom: true,
    fieldSelectors: names,
  }))
}

/** `ippools.crd.projectcalico.org`, `nodes`: how messages call a resource. */
export function qualified({ plural, group }: Resource, name = plural): string {
  return group ? `${name}.${group}` : name
}

export function apiVersionOf({ group, version }: Resource): string {
  return group ? `${group}/${version}` : version
}
