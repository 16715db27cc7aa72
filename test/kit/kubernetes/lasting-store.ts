// A store of objects that outlives the process, as those of an API server do in its etcd: every change is a line in a
// file. What happened before the start is known by its outcome only, so that older watches have to list anew.

import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseJson, printJson } from '../../../src/cluster/json.ts'
import { apiVersionOf, type Layout, resourcesOf } from './resources.ts'
import { type Change, type ObjectStore, objectStore, type StoredObject } from './store.ts'

/** One change: an object as it is from then on, or as it was last. */
interface Line {
  readonly plural: string
  readonly isGone: boolean
  readonly object: StoredObject
}

const everyLayout: readonly Layout[] = ['crd', 'native']

export function lastingStore(file: string): ObjectStore {
  const store = objectStore()
  mkdirSync(dirname(file), { recursive: true })
  if (existsSync(file)) for (const line of linesOf(readFileSync(file, 'utf8'))) replay(store, line)
  store.compact()
  store.subscribe((change) => appendFileSync(file, `${printJson(lineOf(change))}\n`))
  return store
}

/** The last line is half there when the process was killed over it; nobody was told of it then. */
function linesOf(text: string): Line[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseJson(line) as Line)
}

function replay(store: ObjectStore, { plural, isGone, object }: Line): void {
  const resource = resourcesOf(everyLayout).find(
    (one) => one.plural === plural && apiVersionOf(one) === object.apiVersion,
  )!
  store.revision = Number(object.metadata.resourceVersion) - 1
  if (isGone) store.remove(resource, object)
  else store.put(resource, object)
}

function lineOf({ resource: { plural }, revision, before, after }: Change): Line {
  const object = (after ?? before)!
  const metadata = { ...object.metadata, resourceVersion: String(revision) }
  return { plural, isGone: after === undefined, object: { ...object, metadata } }
}
