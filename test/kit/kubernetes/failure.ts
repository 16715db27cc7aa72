// Refusals in the words of a real API server (recordings/kube-apiserver).

import { qualified, type Resource } from './resources.ts'

/** An answer that is not the one hoped for; `body` is a Status unless the server says it in plain text. */
export class Failure extends Error {
  readonly code: number
  readonly body: Readonly<Record<string, unknown>> | string
  /** Seconds. */
  readonly retryAfter: number | undefined

  constructor(code: number, body: Failure['body'], retryAfter?: number) {
    super(typeof body === 'string' ? body : String(body.message))
    this.code = code
    this.body = body
    this.retryAfter = retryAfter
  }
}

interface Parts {
  readonly metadata?: object
  readonly details?: object
  readonly retryAfter?: number
}

/** A Status of kind Failure. */
export function failure(
  code: number,
  reason: string | undefined,
  message: string,
  parts: Parts = {},
): Failure {
  const { metadata = {}, details, retryAfter } = parts
  const status = { kind: 'Status', apiVersion: 'v1', metadata, status: 'Failure', message }
  const body = { ...status, ...(reason && { reason }), ...(details && { details }), code }
  return new Failure(code, body, retryAfter)
}

export const pageNotFound = () => new Failure(404, '404 page not found\n')

export function notFound(resource: Resource, name: string): Failure {
  return failure(404, 'NotFound', `${qualified(resource)} "${name}" not found`, {
    details: detailsOf(resource, name),
  })
}

export function alreadyExists(resource: Resource, name: string): Failure {
  return failure(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, {
    details: detailsOf(resource, name),
  })
}

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

export function modified(resource: Resource, name: string): Failure {
  return conflict(resource, name, MODIFIED, resource.plural)
}

/** A precondition of a delete that does not hold. There the kind stands where else the plural does. */
export function precondition(
  resource: Resource,
  name: string,
  what: 'UID' | 'ResourceVersion',
  asked: string,
  found: string,
) {
  const afterwards = { UID: 'deleted and then recreated', ResourceVersion: 'modified' }[what]
  const differ = `the ${what} in the precondition (${asked}) does not match the ${what} in record (${found})`
  return conflict(
    resource,
    name,
    `${differ}. The object might have been ${afterwards}`,
    resource.custom ? resource.kind : resource.plural,
  )
}

function conflict(resource: Resource, name: string, why: string, kind: string): Failure {
  const message = `Operation cannot be fulfilled on ${qualified(resource, kind)} "${name}": ${why}`
  return failure(409, 'Conflict', message, { details: detailsOf(resource, name, kind) })
}

export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

/** What a schema or a validation refuses; `kind` is how this one calls the resource. */
export function invalid(
  resource: Resource,
  name: string,
  causes: readonly Cause[],
  kind = resource.kind,
): Failure {
  const said = causes.map(({ field, message }) => `${field}: ${message}`)
  const list = said.length > 1 ? `[${said.join(', ')}]` : said[0]
  return failure(422, 'Invalid', `${qualified(resource, kind)} "${name}" is invalid: ${list}`, {
    details: { ...detailsOf(resource, name, kind), causes },
  })
}

export const badRequest = (message: string) => failure(400, 'BadRequest', message)

export const unauthorized = () => failure(401, 'Unauthorized', 'Unauthorized')

export function forbidden(user: string, verb: string, resource: Resource, name: string | undefined): Failure {
  const subject = name === undefined ? qualified(resource) : `${qualified(resource)} "${name}"`
  const what = `cannot ${verb} resource "${resource.plural}" in API group "${resource.group}" at the cluster scope`
  return failure(403, 'Forbidden', `${subject} is forbidden: User "${user}" ${what}`, {
    details: detailsOf(resource, name),
  })
}

export function expired(what: 'watch' | 'list'): Failure {
  return failure(410, 'Expired', `The resourceVersion for the provided ${what} is too old.`)
}

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.'

export function continueExpired(freshToken: string): Failure {
  return failure(410, 'Expired', TOO_OLD, { metadata: { continue: freshToken } })
}

function detailsOf({ group, plural }: Resource, name: string | undefined, kind = plural): object {
  return { ...(name !== undefined && { name }), ...(group && { group }), kind }
}
