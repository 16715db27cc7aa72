// From the path of a request to what it is about.

import { apiVersionOf, type Resource } from './resources.ts'

export interface Route {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string | undefined
  /** `status` or `binding`. */
  readonly subresource: string | undefined
}

/** `/api/v1/…` or `/apis/<group>/<version>/…`; undefined for what is not served. */
export function routeOf(path: string, resources: readonly Resource[]): Route | undefined {
  const [, groupVersion, rest = ''] = /^\/(?:api|apis)\/((?:[^/]+\.[^/]+\/)?v\d+)\/(.+)$/.exec(path) ?? []
  const parts = rest.split('/').map(decodeURIComponent)
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? parts[1] : undefined
  const [plural, name, subresource] = namespace === undefined ? parts : parts.slice(2)
  const resource = resources.find((one) => one.plural === plural && apiVersionOf(one) === groupVersion)
  return resource && { resource, namespace, name, subresource }
}
