// Integers survive JSON, whatever their size.

import t from 'tap'
import { parseJson, printJson } from '../../src/cluster/json.ts'

t.test('a sequence number comes out digit for digit', async (t) => {
  const text =
    '{"sequenceNumber":1772600767000000012,"sequenceNumberForAllocation":{"0":18446744073709551615},"n":[1,-2,0.5,null,true]}'
  t.equal(printJson(parseJson(text)), text)
  t.same(parseJson('1772600767000000012'), 1772600767000000012n)
  t.same(parseJson('-9007199254740993'), -9007199254740993n)
  t.equal(printJson(parseJson('1000000000000000000000')), '1000000000000000000000')
})

t.test('an integer that a number holds exactly is a number', async (t) => {
  t.same(parseJson('[9007199254740991, 1e3, 1.5]'), [9007199254740991, 1000, 1.5])
})

t.test(
  'text escapes survive, a repeated key counts once, fields that are undefined are left out',
  async (t) => {
    t.equal(printJson(parseJson('{"a":"é\\n\\"\\u0001"}')), '{"a":"é\\n\\"\\u0001"}')
    t.same(parseJson('{"a":1,"a":2}'), { a: 2 })
    t.equal(printJson({ a: undefined, b: 1 }), '{"b":1}')
  },
)

t.test('what is not JSON is refused', async (t) => {
  for (const text of ['', '{', '{"a":}', '[1,]', 'nul', '{}{}'])
    t.throws(() => parseJson(text), SyntaxError, text)
})
