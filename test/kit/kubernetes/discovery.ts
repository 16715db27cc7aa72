// Which groups and resources there are.

import { pageNotFound } from './failure.ts'
import { openapi } from './openapi.ts'
import { apiVersionOf, type Resource } from './resources.ts'

/** `/version`, `/api`, `/apis`, `/api/v1`, `/apis/<group>/<version>`, `/openapi/v3/…`. @throws Failure 404 for anything else */
export function discovery(path: string, resources: readonly Resource[]): object {
  if (path === '/version') return { major: '1', minor: '36', gitVersion: 'v1.36.2' }
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] }
  if (path.startsWith('/openapi/')) return openapi(path, resources)
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(resources) }
  const [, groupVersion] = /^\/apis?\/(.+)$/.exec(path) ?? []
  const rows = resources.filter((one) => apiVersionOf(one) === groupVersion)
  if (rows.length === 0) throw pageNotFound()
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: rows.map(describe) }
}

function groupsOf(resources: readonly Resource[]): object[] {
  const groups = new Map(resources.filter(({ group }) => group).map((one) => [one.group, one]))
  return [...groups].map(([name, one]) => {
    const version = { groupVersion: apiVersionOf(one), version: one.version }
    return { name, versions: [version], preferredVersion: version }
  })
}

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']

function describe({ plural, kind, namespaced }: Resource): object {
  return { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs }
}
