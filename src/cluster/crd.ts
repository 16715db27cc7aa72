// Objects of the API group `crd.projectcalico.org/v1`, as the v3 resources they hold.
// Calico: libcalico-go/lib/backend/k8s/resources/customresource.go.

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
