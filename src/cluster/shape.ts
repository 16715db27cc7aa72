// The outer shape of what somebody wrote: mappings, and what is said when something else stands there.

import { shown } from './json.ts'

export type Fields = Readonly<Record<string, unknown>>

/** An object that cannot be made a document. Thrown while one is read, and turned into a Problem there. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

/** A mapping; empty when absent. @throws ShapeError */
export function mapping(field: string, given: unknown): Fields {
  if (given === undefined || given === null) return {}
  if (typeof given === 'object' && !Array.isArray(given)) return given as Fields
  throw new ShapeError(field, `${shown(given)} is not a mapping`)
}

/** A text that must be there. @throws ShapeError */
export function required(field: string, given: unknown): string {
  if (typeof given === 'string' && given !== '') return given
  if (given === undefined || given === null || given === '') throw new ShapeError(field, 'is missing')
  throw new ShapeError(field, `${shown(given)} is not text; put it in quotes`)
}

/** A mapping of texts, such as labels. @throws ShapeError */
export function texts(field: string, given: unknown): Readonly<Record<string, string>> {
  const fields = mapping(field, given)
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== 'string')
      throw new ShapeError(`${field}.${name}`, `${shown(value)} is not text; put it in quotes`)
  }
  return fields as Readonly<Record<string, string>>
}
