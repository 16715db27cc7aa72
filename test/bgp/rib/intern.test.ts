import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { attributeTable } from '../../../src/bgp/rib/intern.ts'
import { attributes, sequence } from '../../kit/rib.ts'

t.test('equal attributes are one object, whatever order their fields came in', async (t) => {
  const intern = attributeTable()
  const first = intern({ origin: 'igp', med: 1 })
  t.equal(intern({ med: 1, origin: 'igp' }), first)
  t.equal(intern(first), first)
})

t.test('attributes that differ anywhere are not', async (t) => {
  const intern = attributeTable()
  const unknown = (byte: number) => [{ code: 99, flags: 0xc0, value: Uint8Array.of(byte) }]
  const sets = [
    attributes(),
    attributes({ med: 0 }),
    attributes({ asPath: sequence(1) }),
    attributes({ asPath: [{ type: 'set', asns: [1] }] }),
    attributes({ communities: [1, 2] }),
    attributes({ communities: [12] }),
    attributes({ unknown: unknown(1) }),
    attributes({ unknown: unknown(2) }),
  ]
  t.equal(new Set(sets.map(intern)).size, sets.length)
})

t.test('what no route uses any more is let go', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const intern = attributeTable()
  const refs = Array.from({ length: 100 }, (_, med) => new WeakRef(intern(attributes({ med }))))
  const alive = (): number => refs.filter((ref) => ref.deref()).length
  for (const deadline = Date.now() + 5000; alive() > 0 && Date.now() < deadline; ) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  t.equal(alive(), 0)
  const again = intern(attributes({ med: 1 }))
  t.equal(intern(attributes({ med: 1 })), again, 'and can come back')
})
