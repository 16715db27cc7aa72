// The OpenAPI v3 documents, as far as kubectl reads them: whether a resource validates fields by itself, so that kubectl
// need not know its schema.

import { pageNotFound } from './failure.ts'
import { apiVersionOf, type Resource } from './resources.ts'

/** `/openapi/v3` and `/openapi/v3/<api or apis>/…`. @throws Failure 404 for anything else */
export function openapi(path: string, resources: readonly Resource[]): object {
  const groups = Map.groupBy(resources, rootOf)
  const [, root] = /^\/openapi\/v3(?:\/(.+))?$/.exec(path) ?? []
  if (root === undefined) {
    const pages = [...groups.keys()].map((one) => [one, { serverRelativeURL: `/openapi/v3/${one}` }])
    return { paths: Object.fromEntries(pages) }
  }
  const rows = groups.get(root)
  if (!rows) throw pageNotFound()
  const paths = rows.map((one) => [`/${root}/${one.plural}/{name}`, { patch: patchOf(one) }])
  const info = { title: 'Kubernetes', version: 'double' }
  return { openapi: '3.0.0', info, paths: Object.fromEntries(paths), components: { schemas: {} } }
}

function rootOf(resource: Resource): string {
  return `${resource.group ? 'apis' : 'api'}/${apiVersionOf(resource)}`
}

function patchOf({ group, version, kind }: Resource): object {
  return {
    parameters: ['fieldValidation', 'dryRun'].map((name) => ({ name, in: 'query' })),
    'x-kubernetes-action': 'patch',
    'x-kubernetes-group-version-kind': { group, version, kind },
  }
}
