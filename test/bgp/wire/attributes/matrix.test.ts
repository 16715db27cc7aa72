// Every attribute, every malformation that each of them can have, and what it leads to, from inside the AS and from
// outside: RFC 7606 §3, §5 and §7. What is special about one attribute is in read.test.ts.

import t from 'tap'
import { BY_CODE } from '../../../../src/bgp/wire/attributes/index.ts'
import { EXTERNAL, hex, INTERNAL, octets } from '../../../kit/vector.ts'
import { updateWith, verdict } from '../../../kit/verdict.ts'

const OPTIONAL = 0x80
const TRANSITIVE = 0x40

/** One attribute as octets. */
function attribute(code: number, flags: number, value: Uint8Array): string {
  return hex(Uint8Array.of(flags, code, value.length, ...value))
}

type Malform = (code: number, flags: number, value: Uint8Array) => string

const MALFORMATIONS: Readonly<Record<string, Malform>> = {
  none: attribute,
  empty: (code, flags) => attribute(code, flags, new Uint8Array()),
  'cut off': (code, flags, value) => attribute(code, flags, value.subarray(0, -1)),
  'too long': (code, flags, value) => attribute(code, flags, Uint8Array.of(...value, 0xff)),
  'of the wrong necessity': (code, flags, value) => attribute(code, flags ^ OPTIONAL, value),
  'of the wrong reach': (code, flags, value) => attribute(code, flags ^ TRANSITIVE, value),
  'there twice': (code, flags, value) => attribute(code, flags, value).repeat(2),
}

const VERDICTS = { '-': 'fine', d: 'discard', w: 'withdraw', r: 'reset 9', R: 'reset 1' } as const

/** A good value, and the verdicts in the order of the malformations. */
type Row = readonly [code: number, value: string, internal: string, external?: string]

const ROWS: readonly Row[] = [
  // none, empty, cut off, too long, two wrong flags, twice
  [1, '00', '-wwwwwd'],
  [2, '0201 0000fde9', '--wwwwd'],
  [3, '0a000001', '-wwwwwd'],
  [4, '00000001', '-wwwwwd'],
  [5, '00000064', '-wwwwwd', 'ddddddd'],
  [6, '', '---dwwd'],
  [7, '0000fde9 0a000001', '-dddwwd'],
  [8, 'fc000001', '-wwwwwd'],
  [9, '0a000001', '-wwwwwd', 'ddddddd'],
  [10, '0a000001', '-wwwwwd', 'ddddddd'],
  [14, '0002 01 10 fd000000000000000000000000000001 00 18fd0000', '-rrrwwR'],
  [15, '0002 01 18fd0000', '-rrrwwR'],
  [16, '0002fc0000000064', '-wwwwwd'],
  [17, '0201 0000fde9', 'ddddddd'],
  [18, '0000fde9 0a000001', 'ddddddd'],
  [25, '00'.repeat(20), '-wwwwwd'],
  [32, '0000fc00 00000001 00000002', '-wwwwwd'],
  [35, '0000fde9', '-wwwwwd'],
]

t.test('no attribute that we know is missing here', async (t) => {
  t.same(
    ROWS.map(([code]) => code),
    [...BY_CODE.keys()],
  )
})

for (const [code, value, internal, external = internal] of ROWS) {
  const { name, flags } = BY_CODE.get(code)!
  t.test(`${name}: ${internal}${internal === external ? '' : `, from outside ${external}`}`, async (t) => {
    for (const [at, [what, malform]] of Object.entries(MALFORMATIONS).entries()) {
      const bytes = updateWith(malform(code, flags, octets(value)))
      const expected = (verdicts: string) => VERDICTS[verdicts[at] as keyof typeof VERDICTS]
      t.equal(verdict(bytes, INTERNAL), expected(internal), what)
      t.equal(verdict(bytes, EXTERNAL), expected(external), `${what}, from outside`)
    }
  })
}
