// Whatever somebody wrote about a cluster, as v3 documents.
//
// Read are `projectcalico.org/v3` (what calicoctl prints), `crd.projectcalico.org/v1` (how Kubernetes stores it),
// the `v1` form of calicoctl before 3.0, and lists of any of them. Only the outer shape is judged here; what the
// fields may hold is the business of `resources/`.

import { fromCrd, v3Kind } from './crd.ts'
import { type Document, kinds, type Problem } from './feed.ts'
import { shown } from './json.ts'
import { type Converted, legacyKinds, newPoolSpec } from './legacy.ts'
import { type Fields, mapping, required, ShapeError, texts } from './shape.ts'

/** Kinds of Calico that routing has no use for. They are passed over in silence. */
const unused: ReadonlySet<string> = new Set([
  'GlobalNetworkPolicy',
  'GlobalNetworkSet',
  'HostEndpoint',
  'KubeControllersConfiguration',
  'LiveMigration',
  'NetworkPolicy',
  'NetworkSet',
  'Profile',
  'StagedGlobalNetworkPolicy',
  'StagedKubernetesNetworkPolicy',
  'StagedNetworkPolicy',
  'Tier',
])

const V3 = 'projectcalico.org/v3'

/** apiVersion → how its objects are read; undefined for one that is passed over. */
const readers: Readonly<Record<string, (kind: string, raw: Fields) => Converted | undefined>> = {
  [V3]: readV3,
  'crd.projectcalico.org/v1': (kind, raw) =>
    readV3(v3Kind(kind), unused.has(kind) ? raw : fromCrd(kind, raw)),
  v1: readLegacy,
}

/** Reads one object, or a list of them. `subject` is what the problems are about, such as a file. */
export function toDocuments(raw: unknown, subject: string): { documents: Document[]; problems: Problem[] } {
  const documents: Document[] = []
  const problems: Problem[] = []
  for (const { item, place } of itemsOf(raw, [])) {
    try {
      const converted = readObject(mapping('', item))
      if (converted) documents.push(documentOf(converted))
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error
      const field = [...place, error.field].filter((part) => part !== '').join('.')
      problems.push({ subject, ...(field && { field }), message: error.message })
    }
  }
  return { documents, problems }
}

interface Item {
  readonly item: unknown
  /** Where it stands: `items[2]`, for each list around it. */
  readonly place: readonly string[]
}

/** `kind: List`, and typed ones such as `IPPoolList`, stand for their items. */
function itemsOf(item: unknown, place: readonly string[]): Item[] {
  const { kind, items } = (item ?? {}) as Fields
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [{ item, place }]
  return items.flatMap((inner, index) => itemsOf(inner, [...place, `items[${index}]`]))
}

function readObject(raw: Fields): Converted | undefined {
  const kind = required('kind', raw.kind)
  const apiVersion = required('apiVersion', raw.apiVersion)
  if (!Object.hasOwn(readers, apiVersion)) throw unknown('apiVersion', apiVersion, Object.keys(readers))
  return readers[apiVersion]!(kind, raw)
}

function readV3(kind: string, raw: Fields): Converted | undefined {
  if (unused.has(kind)) return undefined
  const known = kinds.find((one) => one === kind)
  if (!known) throw unknown('kind', kind, kinds)
  const spec = mapping('spec', raw.spec)
  return {
    ...raw,
    kind: known,
    metadata: mapping('metadata', raw.metadata),
    spec: known === 'IPPool' ? newPoolSpec(spec) : spec,
  }
}

function readLegacy(kind: string, raw: Fields): Converted | undefined {
  if (!Object.hasOwn(legacyKinds, kind)) throw unknown('kind', kind, Object.keys(legacyKinds))
  return legacyKinds[kind]?.(raw)
}

/** Only endpoints live in a namespace; a null is as good as absent. */
function documentOf({ kind, metadata: given, ...rest }: Converted): Document {
  const { name, namespace, labels, annotations, ...others } = given
  const metadata = {
    ...Object.fromEntries(
      Object.entries(others).filter(([, value]) => value !== null && value !== undefined),
    ),
    name: required('metadata.name', name),
    ...(kind === 'WorkloadEndpoint' && { namespace: required('metadata.namespace', namespace ?? 'default') }),
    ...(labels != null && { labels: texts('metadata.labels', labels) }),
    ...(annotations != null && { annotations: texts('metadata.annotations', annotations) }),
  }
  return { ...rest, apiVersion: V3, kind, metadata }
}

function unknown(field: string, given: string, known: readonly string[]): ShapeError {
  return new ShapeError(field, `${shown(given)} is not known; what is read: ${known.join(', ')}`)
}
