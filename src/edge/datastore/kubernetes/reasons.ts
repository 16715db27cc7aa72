// What went wrong with the API server, in words that say what to look at, and in those of the contract.

import { StoreError } from '../../../cluster/feed.ts'
import { ApiError } from './client.ts'

/** First match wins. */
const network: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/ECONNREFUSED/, 'connection refused: nothing listens there'],
  [/ENOTFOUND|EAI_AGAIN/, 'the host name cannot be resolved'],
  [/EHOSTUNREACH|ENETUNREACH/, 'no route to the host'],
  [/TimeoutError|timeout|ETIMEDOUT|no answer in time/, 'no answer in time'],
  [/ECONNRESET|aborted|socket hang up|EPIPE/, 'the connection was cut'],
  [
    /self-signed certificate|unable to (verify|get)/i,
    "the server's certificate is not signed by our CA certificate",
  ],
  [/certificate has expired/, "the server's certificate has expired"],
  [/altnames|does not match certificate/i, "the server's certificate is for another name"],
]

/** In plain words. The same trouble has the same words every time. */
export function inWords(error: unknown): string {
  if (error instanceof ApiError) return error.message
  const { code = '', name, message, cause } = error as NodeJS.ErrnoException
  if (code === 'ABORT_ERR' && cause instanceof Error) return inWords(cause) // given up by us, and that is why
  const [, words = message] = network.find(([pattern]) => pattern.test(`${code} ${name} ${message}`)) ?? []
  return words
}

/** The error of a call as the contract wants it. */
export function storeError(error: unknown, endpoint: string): StoreError {
  if (error instanceof StoreError) return error
  const reason = error instanceof ApiError ? reasonOf(error) : 'unavailable'
  return new StoreError(reason, `Kubernetes API at ${endpoint}: ${inWords(error)}`, error)
}

/** A write without a revision is refused as invalid; one based on nothing is based on something old. */
function reasonOf({ code, reason, message }: ApiError): StoreError['reason'] {
  if (code === 401 || code === 403) return 'unauthorized'
  if (code === 404) return 'not-found'
  if (code === 409) return reason === 'AlreadyExists' ? 'exists' : 'conflict'
  if (code === 422 && message.includes('metadata.resourceVersion')) return 'conflict'
  return 'unavailable'
}
