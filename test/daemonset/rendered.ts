// The manifests as kubectl renders them, and what is wrong with the shape of an object by Kubernetes' schemas: types and
// required fields by those of kubernetes-models, unknown fields by the classes of @kubernetes/client-node.

import { execFileSync } from 'node:child_process'
import * as client from '@kubernetes/client-node'
import { parseAllDocuments } from 'yaml'

const folder = new URL('../../daemonset/', import.meta.url).pathname

/** Plain manifests, and what kustomize makes of them. */
export const kustomizations = [
  'kubernetes',
  'etcd',
  'overlays/kubernetes-ipip',
  'overlays/kubernetes-vxlan',
  'overlays/etcd-ipip',
  'overlays/etcd-vxlan',
] as const

// biome-ignore lint/suspicious/noExplicitAny: any object of any kind, as far as a test looks into it.
export type KubernetesObject = any

/** What `kubectl kustomize` prints for a folder of daemonset/, or for any other. */
export function rendered(path: string, ...options: string[]): KubernetesObject[] {
  const from = path.startsWith('/') ? path : `${folder}${path}`
  const text = execFileSync('kubectl', ['kustomize', from, ...options], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return parseAllDocuments(text).map((document) => document.toJS())
}

/** The object of a kind and, where there are several, of a name. */
export function find(
  objects: readonly KubernetesObject[],
  kind: string,
  name = 'calico-node',
): KubernetesObject {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name)
  if (!found) throw new Error(`there is no ${kind} ${name}`)
  return found
}

/** In words, with the path of the field. */
export async function mistakes(object: KubernetesObject): Promise<string[]> {
  const { apiVersion, kind } = object
  const { [kind]: Model } = await import(`kubernetes-models/${apiVersion}/${kind}`)
  try {
    new Model(object).validate()
  } catch (error) {
    return [(error as Error).message]
  }
  return unknownFields(object, `V1${kind}`, kind)
}

interface Attribute {
  readonly baseName: string
  /** `string`, `V1Probe`, `Array<V1Container>`, `{ [key: string]: string; }`. */
  readonly type: string
}

function unknownFields(value: KubernetesObject, type: string, path: string): string[] {
  const [, item] = /^Array<(.*)>$/.exec(type) ?? []
  if (item !== undefined)
    return (value as unknown[]).flatMap((each, at) => unknownFields(each, item, `${path}[${at}]`))
  const attributes: readonly Attribute[] | undefined = (client as Record<string, KubernetesObject>)[
    type
  ]?.getAttributeTypeMap?.()
  if (!attributes || value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, field]) => {
    const attribute = attributes.find(({ baseName }) => baseName === name)
    return attribute
      ? unknownFields(field, attribute.type, `${path}.${name}`)
      : [`${path}.${name} is no field of ${type}`]
  })
}
