// Calico's keys and values in etcd v3, and the documents they stand for.
//
// Most kinds are stored as the v3 resource itself (libcalico-go/lib/backend/model/resource.go). IPAM still has the
// older "v1 model" keys, where the key says part of what the document says (block.go, block_affinity.go,
// ipam_handle.go). Fields that we do not know pass through in both directions.

import { familyOf } from '../inet/address.ts'
import { parsePrefix } from '../inet/prefix.ts'
import { claimName, dashed, keyed, readClaimName, undashed, unkeyed } from './cidr-names.ts'
import type { Document, ResourceKind } from './feed.ts'
import { parseJson, printJson } from './json.ts'

type Fields = Readonly<Record<string, unknown>>

/** Where one kind is kept, and how. */
interface Storage {
  /** Each with its final slash, so that node `n1` does not read what is `n10`'s; a single key stands for itself. */
  readonly prefixes: readonly string[]
  /** The key of a name; of an affinity's or a block's name only when it can be read. */
  key(name: string, namespace: string | undefined): string | undefined
  /** The key of a document that says more than its name. */
  keyOf?(document: Document, spec: Fields): string | undefined
  /** Undefined when the key only looks like one of this kind. */
  read(key: string, value: Fields): Pick<Document, 'metadata' | 'spec'> | undefined
  value(document: Document, spec: Fields): Fields
}

const RESOURCES = '/calico/resources/v3/projectcalico.org'
const IPAM = '/calico/ipam/v2'
/** What IPAM reads; the IPAMConfiguration among the v3 resources is one that it never looks at. */
const CONFIG = `${IPAM}/config`

const storages: Readonly<Record<ResourceKind, Storage>> = {
  IPPool: resource('ippools'),
  Node: resource('nodes'),
  BGPConfiguration: resource('bgpconfigurations'),
  BGPPeer: resource('bgppeers'),
  BGPFilter: resource('bgpfilters'),
  FelixConfiguration: resource('felixconfigurations'),
  ClusterInformation: resource('clusterinformations'),
  WorkloadEndpoint: resource('workloadendpoints', true),
  IPAMBlock: {
    prefixes: [`${IPAM}/assignment/`],
    key: (name) => blockKey(undashed(name)),
    keyOf: (_, { cidr }) => blockKey(cidr),
    read: readBlock,
    value: (_, spec) => blockValue(spec),
  },
  BlockAffinity: {
    prefixes: [`${IPAM}/host/`, `${IPAM}/virtual/`],
    key: (name) => affinityKey({ ...readClaimName(name) }),
    keyOf: (_, spec) => affinityKey(spec),
    read: readAffinity,
    value: (_, spec) => without(spec, ['node', 'cidr', 'type']),
  },
  IPAMHandle: {
    prefixes: [`${IPAM}/handle/`],
    key: (name) => `${IPAM}/handle/${name}`,
    keyOf: ({ metadata }, { handleID }) => `${IPAM}/handle/${handleID ?? metadata.name}`,
    read: readHandle,
    value: (_, spec) => without(spec, ['handleID']),
  },
  IPAMConfiguration: {
    prefixes: [CONFIG],
    key: () => CONFIG,
    read: readConfiguration,
    value: (_, spec) => configurationValue(spec),
  },
  IPReservation: resource('ipreservations'),
  CalicoNodeStatus: resource('caliconodestatuses'),
}

const entries = Object.entries(storages) as [ResourceKind, Storage][]

/** The key ranges that hold a kind. Other keys may stand in them too; `documentFromEtcd` tells. */
export function prefixesOf(kind: ResourceKind): readonly string[] {
  return storages[kind].prefixes
}

/** The key of an object. @throws RangeError for a name that no block or affinity can have */
export function etcdKey(kind: ResourceKind, name: string, namespace?: string): string {
  const key = storages[kind].key(name, namespace)
  if (key === undefined) throw new RangeError(`no ${kind} can be called ${JSON.stringify(name)}`)
  return key
}

/**
 * The document of a stored value, its `mod_revision` as resourceVersion; undefined for a key that is none of ours.
 * @throws SyntaxError when the value is not a JSON object
 */
export function documentFromEtcd(key: string, value: string, modRevision: string): Document | undefined {
  const found = entries.find(([, { prefixes }]) => prefixes.some((prefix) => key.startsWith(prefix)))
  if (!found) return undefined
  const [kind, storage] = found
  const read = storage.read(key, parseFields(value))
  if (!read) return undefined
  const metadata = { ...read.metadata, resourceVersion: modRevision }
  return { ...read, apiVersion: 'projectcalico.org/v3', kind, metadata }
}

/** Key and value to store for a document. @throws RangeError when neither spec nor name say which block it is about */
export function etcdFromDocument(document: Document): { key: string; value: string } {
  const { kind, metadata } = document
  const spec = (document.spec ?? {}) as Fields
  const { keyOf, value } = storages[kind]
  const key = keyOf?.(document, spec) ?? etcdKey(kind, metadata.name, metadata.namespace)
  return { key, value: printJson(value(document, spec)) }
}

// ---- v3 resources

function resource(plural: string, namespaced = false): Storage {
  const prefix = `${RESOURCES}/${plural}/`
  return {
    prefixes: [prefix],
    key: (name, namespace) => (namespaced ? `${prefix}${namespace ?? 'default'}/${name}` : prefix + name),
    read(key, value) {
      const parts = key.slice(prefix.length).split('/')
      if (parts.length !== (namespaced ? 2 : 1) || parts.includes('')) return undefined
      const name = { name: parts.at(-1)!, ...(namespaced && { namespace: parts[0]! }) }
      return { ...value, metadata: { ...(value.metadata as Fields | null), ...name } }
    },
    value({ kind, apiVersion, metadata, ...rest }) {
      return { kind, apiVersion, metadata: without(metadata, ['resourceVersion']), ...rest }
    },
  }
}

// ---- IPAM

const blockPattern = /^\/ipv[46]\/block\/([^/]+)$/
const affinityPattern = /^\/(host|virtual)\/([^/]+)\/ipv[46]\/block\/([^/]+)$/

function readBlock(key: string, value: Fields): ReturnType<Storage['read']> {
  const [, text] = blockPattern.exec(key.slice(`${IPAM}/assignment`.length)) ?? []
  if (text === undefined) return undefined
  return { metadata: { name: dashed(unkeyed(text)) }, spec: blockSpec(value) }
}

/** To the names of the v3 resource. Blocks of the first releases have a bare `hostAffinity` only. */
function blockSpec(value: Fields): Fields {
  const { hostAffinity, ...spec } = renamed(value, 'affinity_claim_time', 'affinityClaimTime')
  return hostAffinity === undefined || spec.affinity ? spec : { ...spec, affinity: `host:${hostAffinity}` }
}

/** In etcd the affinity of a block without owner is null, not left out. */
function blockValue(spec: Fields): Fields {
  return renamed({ ...spec, affinity: spec.affinity ?? null }, 'affinityClaimTime', 'affinity_claim_time')
}

function blockKey(cidr: unknown): string | undefined {
  const at = keyedPart(cidr)
  return at && `${IPAM}/assignment/${at}`
}

/** Keys hold the canonical CIDR, whatever the spelling in a spec. */
function keyedPart(cidr: unknown): string | undefined {
  const canonical = typeof cidr === 'string' ? parsePrefix(cidr) : undefined
  return canonical && `${familyOf(canonical)}/block/${keyed(canonical)}`
}

function readAffinity(key: string, value: Fields): ReturnType<Storage['read']> {
  const [, type, node, text] = affinityPattern.exec(key.slice(IPAM.length)) ?? []
  if (node === undefined || text === undefined) return undefined // a host's bare marker, for one
  const cidr = unkeyed(text)
  return { metadata: { name: claimName({ node, cidr }) }, spec: { ...value, node, cidr, type } }
}

/** Where only a name tells whose it is, the one virtual owner there is goes by its name. */
function affinityKey({
  node,
  cidr,
  type = node === 'load-balancer' ? 'virtual' : 'host',
}: Fields): string | undefined {
  const at = keyedPart(cidr)
  return at && typeof node === 'string' ? `${IPAM}/${type || 'host'}/${node}/${at}` : undefined
}

function readHandle(key: string, value: Fields): ReturnType<Storage['read']> {
  const handleID = key.slice(`${IPAM}/handle/`.length)
  return handleID === '' ? undefined : { metadata: { name: handleID }, spec: { ...value, handleID } }
}

/** Go leaves out what is false or zero, so here absent means false; without the key block allocation is on. */
function readConfiguration(key: string, value: Fields): ReturnType<Storage['read']> {
  if (key !== CONFIG) return undefined
  const { strict_affinity: strictAffinity = false, auto_allocate_blocks: autoAllocateBlocks = false } = value
  const others = without(value, ['strict_affinity', 'auto_allocate_blocks'])
  return { metadata: { name: 'default' }, spec: { strictAffinity, autoAllocateBlocks, ...others } }
}

function configurationValue(spec: Fields): Fields {
  const renamedOnce = renamed(spec, 'strictAffinity', 'strict_affinity')
  return renamed(renamedOnce, 'autoAllocateBlocks', 'auto_allocate_blocks')
}

// ---- values

/** An empty value stands for `{}`: affinities of Calico 2.x have none. */
function parseFields(text: string): Fields {
  const value = text.trim() === '' ? {} : parseValue(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new SyntaxError('the stored value is not a JSON object')
}

function parseValue(text: string): unknown {
  try {
    return parseJson(text)
  } catch (cause) {
    throw new SyntaxError(`the stored value is not JSON: ${(cause as Error).message}`, { cause })
  }
}

function without(fields: object, names: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))
}

/** In place, so that the order of fields stays. */
function renamed(fields: Fields, from: string, to: string): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name === from ? to : name, value]))
}
