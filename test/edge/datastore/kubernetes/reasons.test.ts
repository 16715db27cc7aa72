// What went wrong with the API server, in words.

import t from 'tap'
import { ApiError } from '../../../../src/edge/datastore/kubernetes/client.ts'
import { inWords, storeError } from '../../../../src/edge/datastore/kubernetes/reasons.ts'

const coded = (code: string, message: string, cause?: Error) =>
  Object.assign(new Error(message, { cause }), { code })

t.test('the same trouble has the same words, whoever noticed it', async (t) => {
  const timeout = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
  for (const [error, words] of [
    [
      coded('ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:6443'),
      'connection refused: nothing listens there',
    ],
    [coded('ECONNRESET', 'socket hang up'), 'the connection was cut'],
    [timeout, 'no answer in time'],
    [coded('ABORT_ERR', 'The operation was aborted', timeout), 'no answer in time'],
    [coded('ABORT_ERR', 'The operation was aborted', new Error('no answer in time')), 'no answer in time'],
    [coded('CERT_HAS_EXPIRED', 'certificate has expired'), "the server's certificate has expired"],
    [new ApiError(403, 'nodes is forbidden'), 'nodes is forbidden'],
    [new Error('something else'), 'something else'],
  ] as const)
    t.equal(inWords(error), words, `${error.name}: ${error.message}`)
})

t.test('a refusal of the API server is one of the contract', async (t) => {
  for (const [code, word, reason] of [
    [401, 'Unauthorized', 'unauthorized'],
    [403, 'Forbidden', 'unauthorized'],
    [404, 'NotFound', 'not-found'],
    [409, 'AlreadyExists', 'exists'],
    [409, 'Conflict', 'conflict'],
    [500, 'InternalError', 'unavailable'],
  ] as const) {
    const error = storeError(new ApiError(code, 'no', word), 'https://10.0.0.1')
    t.same(
      [error.reason, error.message],
      [reason, 'Kubernetes API at https://10.0.0.1: no'],
      `${code} ${word}`,
    )
  }
})
