import t from 'tap'
import { decode } from '../../../src/bgp/wire/codec.ts'
import { INTERNAL, message, messageOrBgpError, notificationOf } from '../../kit/vector.ts'

const ANNOUNCING = '40010100 400200 4003040a000001'

t.test('bits beyond the length of a prefix mean nothing', async (t) => {
  const update = decode(message(2, `0000 000e ${ANNOUNCING} 09 0aff 1a ac12007f`), INTERNAL)
  t.match(update, { nlri: [{ prefix: '10.128.0.0/9' }, { prefix: '172.18.0.64/26' }] })
})

t.test('bits beyond the length of an IPv6 prefix mean nothing', async (t) => {
  const update = decode(message(2, '0000 0008 800f05 000201 05 ff'), INTERNAL)
  t.match(update, { attributes: { mpUnreach: { withdrawn: [{ prefix: 'f800::/5' }] } } })
})

t.test('an attribute may have a long length although it is short', async (t) => {
  const update = decode(message(2, `0000 000f 5001000100 400200 4003040a000001 00`), INTERNAL)
  t.match(update, { attributes: { origin: 'igp' }, faults: [] })
})

t.test('what is read outlives the memory of the message', async (t) => {
  const bytes = Buffer.from(message(2, '0000 0006 c06303 010203'))
  const update = decode(bytes, INTERNAL)
  bytes.fill(0)
  t.match(update, { attributes: { unknown: [{ value: Uint8Array.of(1, 2, 3) }] } })
})

// RFC 4271 §6.3 and RFC 7606 §5.3: what is not in an attribute cannot be excused.
const REFUSED: readonly [why: string, body: string, subcode: number][] = [
  ['withdrawn routes longer than the message', '0005 0000', 1],
  ['no length of the attributes', '0002 08 0a', 1],
  ['attributes longer than the message', '0000 0005 40010100', 1],
  ['an announced prefix longer than 32 bits', `0000 000e ${ANNOUNCING} 21 0a00000000`, 10],
  ['an announced prefix that is cut off', `0000 000e ${ANNOUNCING} 20 0a0000`, 10],
  ['a withdrawn prefix longer than 32 bits', '0006 21 0a00000000 0000', 10],
  ['a withdrawn prefix that is cut off', '0002 10 0a 0000', 10],
]

for (const [why, body, subcode] of REFUSED) {
  t.test(`the session ends for ${why}`, async (t) => {
    const answer = messageOrBgpError(message(2, body), INTERNAL)
    t.strictSame(notificationOf(answer), [3, subcode, ''])
  })
}

t.test('an error says where it is, from the start of the header', async (t) => {
  t.throws(() => decode(message(2, `0000 000e ${ANNOUNCING} 18 0a0102 21`), INTERNAL), {
    name: 'BgpError',
    message: 'Invalid network field at octet 42: prefix length 33, 32 at most',
    offset: 42,
  })
})
