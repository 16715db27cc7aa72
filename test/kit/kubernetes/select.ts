// Label and field selectors of lists and watches, as far as equality goes.

import { badRequest } from './failure.ts'
import type { Resource } from './resources.ts'
import type { Fields, StoredObject } from './store.ts'

export type Selection = (object: StoredObject | undefined) => boolean

/** What `labelSelector`, `fieldSelector` and a namespace leave over. @throws Failure for a field that cannot be selected by */
export function selection(
  resource: Resource,
  query: URLSearchParams,
  namespace: string | undefined,
): Selection {
  const labels = terms(query.get('labelSelector')).map(labelTerm)
  const fields = terms(query.get('fieldSelector')).map((term) => fieldTerm(resource, term))
  const within = (object: StoredObject) => namespace === undefined || object.metadata.namespace === namespace
  return (object) => object !== undefined && [within, ...labels, ...fields].every((holds) => holds(object))
}

function terms(text: string | null): string[] {
  return (text ?? '').split(',').filter((term) => term !== '')
}

/** `key=value`, `key!=value`, `key` and `!key`. */
function labelTerm(term: string): (object: StoredObject) => boolean {
  const { name, isEqual, value } = comparison(term)
  const of = ({ metadata }: StoredObject) => metadata.labels?.[name]
  if (value !== undefined) return (object) => (of(object) === value) === isEqual
  return (object) => (of(object) !== undefined) === isEqual
}

function fieldTerm(resource: Resource, term: string): (object: StoredObject) => boolean {
  const { name, isEqual, value } = comparison(term)
  if (!resource.fieldSelectors.includes(name)) throw badRequest(`field label not supported: ${name}`)
  return (object) => (at(object, name) === value) === isEqual
}

function comparison(term: string): { name: string; isEqual: boolean; value: string | undefined } {
  const [, not, name = '', operator, value] = /^(!?)([^=!]+)(!=|==?)?(.*)$/.exec(term) ?? []
  return { name, isEqual: not === '' && operator !== '!=', value: operator ? value : undefined }
}

/** The text at a path; what is not there counts as empty. */
function at(object: StoredObject, path: string): string {
  const found = path.split('.').reduce<unknown>((part, name) => (part as Fields | undefined)?.[name], object)
  return found === undefined ? '' : String(found)
}
