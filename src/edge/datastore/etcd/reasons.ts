// What went wrong with etcd, in words that say what to look at. gRPC gives us text and little else, so the text is
// read here and nowhere else; test/edge/datastore/etcd/reasons.test.ts pins the wordings against a real server.

import { StoreError } from '../../../cluster/feed.ts'

/** First match wins. */
const reasons: readonly (readonly [pattern: RegExp, words: string, refused?: 'unauthorized'])[] = [
  [/ECONNREFUSED/, 'connection refused: nothing listens there'],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, 'the host name cannot be resolved'],
  [/EHOSTUNREACH|ENETUNREACH/, 'no route to the host'],
  [
    /before secure TLS connection|wrong version number/,
    'the server does not speak TLS: http:// instead of https://?',
  ],
  // The same trouble, when the server had not read all of our greeting as it closed.
  [/ECONNRESET/, 'connection reset, as https:// is by a server that does not speak TLS'],
  [
    /alert bad certificate|alert certificate required|alert unknown ca/i,
    'the server refuses our client certificate',
  ],
  [/altnames|does not match certificate/i, "the server's certificate is for another name"],
  [/certificate has expired/, "the server's certificate has expired"],
  [
    /self-signed certificate|unable to (verify|get)/i,
    "the server's certificate is not signed by our CA certificate",
  ],
  [/authentication failed, invalid user/, 'user name or password not accepted', 'unauthorized'],
  [/authentication is not enabled/, 'a user name is set, but the server has authentication switched off'],
  [/user name is empty/, 'the server asks for a user name and password', 'unauthorized'],
  [/permission denied/i, 'permission denied for this user', 'unauthorized'],
  [/invalid auth token/, 'the authentication token has expired', 'unauthorized'],
  [/DEADLINE_EXCEEDED|request timed out/, 'no answer in time'],
  [/no leader/, 'the etcd cluster has no leader'],
  [/ENOENT|EACCES/, 'a file with our certificate, our key or the CA certificate cannot be read'],
]

/** In plain words; what is not in the table is given in gRPC's. The same trouble has the same words every time. */
export function inWords(error: unknown): string {
  return look(error).words
}

/** The error of a call as the contract wants it. */
export function storeError(error: unknown, endpoint: string): StoreError {
  const { words, reason } = look(error)
  return new StoreError(reason, `etcd at ${endpoint}: ${words}`, error)
}

function look(error: unknown): { words: string; reason: StoreError['reason'] } {
  const text = error instanceof Error ? error.message : String(error)
  const [, words = essence(text), reason = 'unavailable'] =
    reasons.find(([pattern]) => pattern.test(text)) ?? []
  return { words, reason }
}

/** Without what gRPC wraps around it: a code, constant phrases, the time of day. */
function essence(message: string): string {
  const wrapping =
    /^\d+ [A-Z_]+: |No connection established\. Last error: |Error: | \([-\d]+T[\d:.]+Z\)|\. Resolution note: */g
  return message.replaceAll(wrapping, '').trim()
}
