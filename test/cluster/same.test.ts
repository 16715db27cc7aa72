// When two values say the same.

import t from 'tap'
import { same } from '../../src/cluster/same.ts'
import { parseSelector } from '../../src/cluster/selector/selector.ts'

t.test('equal data is the same, whatever the order of its fields', async (t) => {
  t.ok(same({ a: [1, { b: null }], c: undefined }, { c: undefined, a: [1, { b: null }] }))
  t.ok(same(1n, 1n))
  t.ok(same(parseSelector("a=='b'"), parseSelector('a == "b"')))
})

t.test('any difference tells', async (t) => {
  const pairs = [
    [1, '1'],
    [1, 1n],
    [null, undefined],
    [null, {}],
    [[], {}],
    [
      [1, 2],
      [2, 1],
    ],
    [[1], [1, 2]],
    [{ a: 1 }, { b: 1 }],
    [{ a: undefined }, { b: undefined }],
    [parseSelector('has(a)'), parseSelector('has(b)')],
  ]
  for (const [a, b] of pairs) t.notOk(same(a, b))
})
