import t from 'tap'
import { type Failure, failureText, isGraceful, isProtocolError } from '../../../src/bgp/session/failure.ts'

const cases: readonly [failure: Failure, text: string, protocolError: boolean, graceful: boolean][] = [
  [{ by: 'socket', reason: 'Connection refused' }, 'Socket: Connection refused', false, true],
  [{ by: 'socket', reason: 'Connection closed' }, 'Socket: Connection closed', false, true],
  [{ by: 'peer', code: 4, subcode: 0 }, 'Received: Hold timer expired', true, false],
  [{ by: 'peer', code: 6, subcode: 2 }, 'Received: Administrative shutdown', false, false],
  [
    { by: 'peer', code: 6, subcode: 2, said: 'tea\n' },
    'Received: Administrative shutdown ("tea\\n")',
    false,
    false,
  ],
  [{ by: 'us', code: 2, subcode: 2 }, 'BGP Error: Bad peer AS', true, false],
  [{ by: 'us', code: 6, subcode: 6 }, 'BGP Error: Other configuration change', false, false],
  [{ by: 'us', code: 9, subcode: 9 }, 'BGP Error: Unknown error 9.9', true, false],
  [{ by: 'restart' }, 'Error: Graceful restart', false, true],
]

for (const [failure, text, protocolError, graceful] of cases) {
  t.test(`${text} is told, damped and graceful as it should be`, async (t) => {
    t.equal(failureText(failure), text)
    t.equal(isProtocolError(failure), protocolError, 'protocol error')
    t.equal(isGraceful(failure), graceful, 'graceful')
  })
}
