import fc from 'fast-check'
import t from 'tap'
import { decode } from '../../../src/bgp/wire/codec.ts'
import { BgpError } from '../../../src/bgp/wire/errors.ts'
import { Framer } from '../../../src/bgp/wire/frame.ts'
import { fuzz } from '../../kit/fuzz.ts'
import { hex, INTERNAL, message, octets } from '../../kit/vector.ts'

const KEEPALIVE = message(4, '')
const REFRESH = message(5, '0001 00 01')
const LONGEST = message(2, `0000 0000 ${'00'.repeat(4073)}`)
const MARKER = 'ff'.repeat(16)

t.test('messages come out whole and in order, however the stream is cut', async (t) => {
  const anyMessages = fc.array(fc.constantFrom(KEEPALIVE, REFRESH, LONGEST), { maxLength: 6 })
  fuzz(
    t,
    fc.property(anyMessages, fc.array(fc.integer({ min: 1, max: 5000 })), (messages, cuts) => {
      const stream = Buffer.concat(messages)
      const framer = new Framer()
      const out = pieces(stream, cuts).flatMap((chunk) => framer.push(chunk))
      return hex(Buffer.concat(out)) === hex(stream) && out.length === messages.length
    }),
  )
})

t.test('a message that lies in one chunk is not copied', async (t) => {
  const chunk = Buffer.concat([KEEPALIVE, REFRESH])
  const [, refresh] = new Framer().push(chunk)
  t.equal(refresh!.buffer, chunk.buffer)
})

t.test('a message in pieces of memory that is used again is whole nevertheless', async (t) => {
  const framer = new Framer()
  const chunk = Uint8Array.from(REFRESH.subarray(0, 20))
  framer.push(chunk)
  chunk.fill(0)
  t.strictSame(framer.push(REFRESH.subarray(20)).map(hex), [hex(REFRESH)])
})

t.test('nothing comes of nothing', async (t) => {
  t.strictSame(new Framer().push(new Uint8Array()), [])
})

// RFC 4271 §6.1.
const BAD_HEADERS: readonly [why: string, header: string, subcode: number, data: string][] = [
  ['a marker that is not all ones', `${'ff'.repeat(15)}fe 0013 04`, 1, ''],
  ['no header at all', Buffer.from('GET / HTTP/1.1\r\nHost').toString('hex').slice(0, 38), 1, ''],
  ['a length below that of a header', `${MARKER} 0012 04`, 2, '0012'],
  ['a length above the limit', `${MARKER} 1001 02`, 2, '1001'],
  ['a short OPEN', `${MARKER} 001c 01`, 2, '001c'],
  ['a short UPDATE', `${MARKER} 0016 02`, 2, '0016'],
  ['a short NOTIFICATION', `${MARKER} 0014 03`, 2, '0014'],
  ['a long KEEPALIVE', `${MARKER} 0014 04`, 2, '0014'],
  ['type 0', `${MARKER} 0013 00`, 3, '00'],
  ['type 6', `${MARKER} 0013 06`, 3, '06'],
]

for (const [why, header, subcode, data] of BAD_HEADERS) {
  t.test(`the stream is refused for ${why}, as soon as 19 octets are there`, async (t) => {
    const bytes = octets(header)
    const expected = { code: 1, subcode, data: octets(data) }
    t.throws(() => new Framer().push(bytes), expected, 'at once')
    const framer = new Framer()
    t.strictSame(framer.push(bytes.subarray(0, 18)), [])
    t.throws(() => framer.push(bytes.subarray(18)), expected, 'in two pieces')
    t.throws(() => decode(bytes, INTERNAL), { code: 1 }, 'and it is no message')
  })
}

t.test('a length that is not that of the message is no message', async (t) => {
  const twoMessages = Buffer.concat([KEEPALIVE, KEEPALIVE])
  for (const bytes of [new Uint8Array(), KEEPALIVE.subarray(0, 18), REFRESH.subarray(0, 20), twoMessages])
    t.throws(() => decode(bytes, INTERNAL), { name: 'BgpError', code: 1, subcode: 2 })
})

t.test('long messages pass once the limit is raised, but not as OPEN', async (t) => {
  const framer = new Framer()
  framer.maxLength = 65535
  const long = message(2, `0000 0000 ${'00'.repeat(65512)}`)
  t.equal(framer.push(long)[0]!.length, 65535)
  t.throws(() => framer.push(octets(`${MARKER} 1001 01`)), BgpError)
})

/** `stream` cut after as many octets as `cuts` say, in turn. */
function pieces(stream: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const out: Uint8Array[] = []
  let at = 0
  for (const cut of cuts) {
    out.push(stream.subarray(at, at + cut))
    at += cut
  }
  return [...out, stream.subarray(at)]
}
