// Objects of the API group `crd.projectcalico.org/v1`, as the v3 resources they hold, and the other way round.
// Calico: libcalico-go/lib/backend/k8s/resources/customresource.go.

import type { Document } from './feed.ts'
import { type Fields, mapping, ShapeError } from './shape.ts'

/** The annotation that holds what Calico means by metadata, as JSON. Objects made by kubectl have none. */
const METADATA = 'projectcalico.org/metadata'

/** The kind of the v3 resource: one goes by another name here. */
export function v3Kind(kind: string): string {
  return kind === 'IPAMConfig' ? 'IPAMConfiguration' : kind
}

/** The metadata and spec of a v3 resource. @throws ShapeError */
export function fromCrd(kind: string, raw: Fields): Fields {
  const spec = mapping('spec', raw.spec)
  return {
    ...raw,
    metadata: crdMetadata(mapping('metadata', raw.metadata)),
    spec: kind === 'BlockAffinity' ? affinitySpec(spec) : spec,
  }
}

/** What the annotation says wins, name by name; the object's own creation time holds when it says none. */
function crdMetadata(native: Fields): Fields {
  const { [METADATA]: stored, ...annotations } = mapping('metadata.annotations', native.annotations)
  const ours = storedMetadata(stored)
  return {
    ...native,
    creationTimestamp: ours.creationTimestamp ?? native.creationTimestamp,
    labels: { ...mapping('metadata.labels', native.labels), ...mapping('metadata.labels', ours.labels) },
    annotations: { ...annotations, ...mapping('metadata.annotations', ours.annotations) },
  }
}

function storedMetadata(stored: unknown): Fields {
  const field = `metadata.annotations.${METADATA}`
  try {
    return mapping(field, stored === undefined ? undefined : JSON.parse(String(stored)))
  } catch (error) {
    if (error instanceof ShapeError) throw error
    throw new ShapeError(field, 'is not JSON')
  }
}

/** The schema of this group wants `deleted` as text. */
function affinitySpec(spec: Fields): Fields {
  return { ...spec, deleted: spec.deleted === true || spec.deleted === 'true' }
}

/** The name of the kind in this group. */
function crdKind(kind: string): string {
  return kind === 'IPAMConfiguration' ? 'IPAMConfig' : kind
}

/** The object of this group that holds a v3 resource, under the name it has already. */
export function toCrd({ kind, metadata, spec, status }: Document): Fields {
  const { labels = {}, annotations = {}, creationTimestamp, ...native } = metadata
  const stored = { labels, annotations, creationTimestamp }
  return {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: crdKind(kind),
    metadata: {
      ...native,
      labels: visible(labels),
      annotations: { ...visible(annotations), [METADATA]: JSON.stringify(withoutEmpty(stored)) },
    },
    spec: kind in specs ? specs[kind]!(spec as Fields) : spec,
    ...(status !== undefined && { status }),
  }
}

/** What the schemas of this group ask for beyond the v3 resource. */
const specs: Readonly<Record<string, (spec: Fields) => Fields>> = {
  BlockAffinity: (spec) => ({ ...spec, deleted: String(spec.deleted === true) }),
  IPAMBlock: (spec) => ({
    ...spec,
    allocations: spec.allocations ?? [],
    attributes: spec.attributes ?? [],
    unallocated: spec.unallocated ?? [],
    strictAffinity: spec.strictAffinity ?? false,
  }),
}

/** Calico's own labels and annotations stand where selectors of the API server find them, too. */
function visible(texts: Readonly<Record<string, string>>): Fields {
  return Object.fromEntries(
    Object.entries(texts).filter(([name]) => /projectcalico\.org\/|operator\.tigera\.io\//.test(name)),
  )
}

function withoutEmpty(fields: Fields): Fields {
  const isEmpty = (value: unknown) => typeof value === 'object' && Object.keys(value ?? {}).length === 0
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && !isEmpty(value)),
  )
}
