// The pools of a cluster that has none (Calico node/pkg/lifecycle/startup/startup.go: configureIPPools, createIPPool;
// .../autodetection/ipv4/poolselector.go).

import { type Document, newDocument } from '../cluster/feed.ts'
import { parseDocument } from '../cluster/resources/index.ts'
import type { Settings } from '../config/settings.ts'
import { type Address, addressFromBytes, type Family, familyOf } from '../inet/address.ts'
import { contains, type Prefix, parsePrefix, prefix, prefixOf } from '../inet/prefix.ts'
import { StartupError } from './error.ts'
import type { Host } from './host.ts'

/** So many random bytes. */
export type RandomBytes = (count: number) => Uint8Array

/** A pool for each family that has none. @throws StartupError when the variables do not make one */
export function defaultPools(
  settings: Settings,
  present: readonly Document[],
  host: Host,
  random: RandomBytes,
): readonly Document[] {
  if (settings.noDefaultPools) return []
  const served = new Set(present.flatMap((pool) => familyOfPool(pool) ?? []))
  const { ipv4PoolCidr, ipv6PoolCidr } = settings
  const missing: Document[] = []
  if (ipv4PoolCidr !== 'none' && !served.has('ipv4')) missing.push(ipv4Pool(settings, host))
  if (ipv6PoolCidr !== 'none' && !served.has('ipv6') && settings.ipv6Support && host.ipv6)
    missing.push(ipv6Pool(settings, host, random))
  for (const pool of missing) refuseUnusable(pool)
  return missing
}

function ipv4Pool(settings: Settings, { interfaces, kubernetes }: Host): Document {
  const addresses = interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address))
  const { ipv4PoolCidr = kubernetes?.podSubnet.ipv4 ?? freeRange(addresses) } = settings
  return pool('default-ipv4-ippool', {
    cidr: ipv4PoolCidr,
    vxlanMode: settings.ipv4PoolVxlan,
    ipipMode: settings.ipv4PoolIpip,
    ...(settings.ipv4PoolNatOutgoing && { natOutgoing: true }),
    ...(settings.ipv4PoolDisableBgpExport && { disableBGPExport: true }),
    blockSize: settings.ipv4PoolBlockSize,
    nodeSelector: settings.ipv4PoolNodeSelector,
  })
}

function ipv6Pool(settings: Settings, { kubernetes }: Host, random: RandomBytes): Document {
  const { ipv6PoolCidr = kubernetes?.podSubnet.ipv6 ?? uniqueLocal(random) } = settings
  return pool('default-ipv6-ippool', {
    cidr: ipv6PoolCidr,
    vxlanMode: settings.ipv6PoolVxlan,
    ipipMode: 'Never',
    ...(settings.ipv6PoolNatOutgoing && { natOutgoing: true }),
    ...(settings.ipv6PoolDisableBgpExport && { disableBGPExport: true }),
    blockSize: settings.ipv6PoolBlockSize,
    nodeSelector: settings.ipv6PoolNodeSelector,
  })
}

function pool(name: string, spec: object): Document {
  const allowed = { allowedUses: ['Workload', 'Tunnel'], assignmentMode: 'Automatic' }
  return newDocument('IPPool', name, { ...spec, ...allowed })
}

const preferred = prefix('192.168.0.0/16')
const fallbacks = Array.from({ length: 16 }, (_, i) => prefix(`172.${16 + i}.0.0/16`))

/** The first that holds no address of the host; the preferred one when all of them do. */
function freeRange(addresses: readonly Address[]): Prefix {
  const isFree = (range: Prefix) => !addresses.some((address) => contains(range, address))
  return [preferred, ...fallbacks].find(isFree) ?? preferred
}

/** RFC 4193 §3.2: fd00::/8 with 40 random bits. */
function uniqueLocal(random: RandomBytes): Prefix {
  return prefixOf(addressFromBytes(Uint8Array.of(0xfd, ...random(5), ...new Uint8Array(10))), 48)
}

function familyOfPool({ spec }: Document): Family | undefined {
  const { cidr } = (spec ?? {}) as { readonly cidr?: unknown }
  const parsed = typeof cidr === 'string' ? parsePrefix(cidr) : undefined
  return parsed && familyOf(parsed)
}

/** Field of a pool to the rest of its variable's name. */
const variables: Readonly<Record<string, string>> = {
  'spec.cidr': '_CIDR',
  'spec.blockSize': '_BLOCK_SIZE',
  'spec.ipipMode': '_IPIP',
  'spec.vxlanMode': '_VXLAN',
  'spec.nodeSelector': '_NODE_SELECTOR',
}

/** The rules for pools hold for these, too; who broke one knows variables, not fields. */
function refuseUnusable(pool: Document): void {
  const parsed = parseDocument(pool)
  const [problem] = 'problems' in parsed ? parsed.problems : []
  if (!problem) return
  const variable = (field: string) =>
    `CALICO_${pool.metadata.name === 'default-ipv4-ippool' ? 'IPV4' : 'IPV6'}POOL${variables[field]}`
  const message = problem.message.replaceAll(/spec\.\w+/g, variable)
  throw new StartupError(variable(problem.field ?? 'spec.cidr'), message)
}
