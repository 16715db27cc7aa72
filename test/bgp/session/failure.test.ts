import t from 'tap'
import {
  administrativeReset,
  type Failure,
  failureText,
  HOLD_TIMER_EXPIRED,
  hardened,
  isGraceful,
  isProtocolError,
  received,
} from '../../../src/bgp/session/failure.ts'
import { shutdownMessage } from '../../../src/bgp/session/shutdown-message.ts'

interface Case {
  readonly failure: Failure
  readonly text: string
  readonly protocolError?: true
  /** Whether routes are kept: by RFC 4724 alone, and where both know RFC 8538. */
  readonly kept: readonly [boolean, boolean]
}

const ALWAYS = [true, true] as const
const DESPITE_NOTIFICATION = [false, true] as const
const NEVER = [false, false] as const

const cases: readonly Case[] = [
  {
    failure: { by: 'socket', reason: 'Connection refused' },
    text: 'Socket: Connection refused',
    kept: ALWAYS,
  },
  {
    failure: { by: 'peer', code: 4, subcode: 0 },
    text: 'Received: Hold timer expired',
    protocolError: true,
    kept: DESPITE_NOTIFICATION,
  },
  {
    failure: { by: 'peer', code: 6, subcode: 2, said: 'tea\n' },
    text: 'Received: Administrative shutdown ("tea\\n")',
    kept: DESPITE_NOTIFICATION,
  },
  {
    failure: { by: 'peer', code: 6, subcode: 2, hard: true },
    text: 'Received: Administrative shutdown',
    kept: NEVER,
  },
  {
    failure: { by: 'us', code: 2, subcode: 2 },
    text: 'BGP Error: Bad peer AS',
    protocolError: true,
    kept: DESPITE_NOTIFICATION,
  },
  {
    failure: HOLD_TIMER_EXPIRED,
    text: 'BGP Error: Hold timer expired',
    protocolError: true,
    kept: DESPITE_NOTIFICATION,
  },
  {
    failure: { by: 'us', code: 6, subcode: 6 },
    text: 'BGP Error: Other configuration change',
    kept: DESPITE_NOTIFICATION,
  },
  { failure: { by: 'us', code: 6, subcode: 10 }, text: 'BGP Error: BFD down', kept: NEVER },
  { failure: administrativeReset('tea'), text: 'BGP Error: Administrative reset', kept: NEVER },
  {
    failure: { by: 'us', code: 9, subcode: 9 },
    text: 'BGP Error: Unknown error 9.9',
    protocolError: true,
    kept: DESPITE_NOTIFICATION,
  },
  { failure: { by: 'restart' }, text: 'Error: Graceful restart', kept: ALWAYS },
]

for (const { failure, text, protocolError = false, kept } of cases) {
  t.test(`${text} is told, damped and graceful as it should be`, async (t) => {
    t.equal(failureText(failure), text)
    t.equal(isProtocolError(failure), protocolError, 'protocol error')
    t.same([isGraceful(failure, false), isGraceful(failure, true)], kept, 'graceful')
  })
}

t.test(
  'what is to be forgotten travels in a Hard Reset, and is read out of it (RFC 8538 §3.1)',
  async (t) => {
    const shutdown = { code: 6, subcode: 2, data: shutdownMessage('tea') }
    const hard = { code: 6, subcode: 9, data: Uint8Array.of(6, 2, ...shutdown.data) }
    t.same(hardened(shutdown), hard)
    t.same(received(hard), { by: 'peer', code: 6, subcode: 2, said: 'tea', hard: true })
    t.same(received(shutdown), { by: 'peer', code: 6, subcode: 2, said: 'tea' })
  },
)

t.test('a Hard Reset that holds nothing is one all the same', async (t) => {
  for (const data of [[], [6]])
    t.same(received({ code: 6, subcode: 9, data: Uint8Array.from(data) }), {
      by: 'peer',
      code: 6,
      subcode: 9,
      hard: true,
    })
})

t.test('what is not to be forgotten stays as it is', async (t) => {
  for (const [code, subcode] of [[3, 1], [4, 0], [6, 6], [6, 7]] as const) // biome-ignore format: a pair each
    t.match(hardened({ code, subcode, data: Uint8Array.of(7) }), { code, subcode, data: Uint8Array.of(7) })
})
