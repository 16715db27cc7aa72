import t from 'tap'
import { AdjRibIn } from '../../../src/bgp/rib/adj-rib-in.ts'
import type { Path } from '../../../src/bgp/types.ts'
import { path, peer } from '../../kit/rib.ts'

const node = peer(2)
const [first, second, other] = [path(node), path(node, { med: 1 }), path(node, {}, 7)]

function table(): { adjRibIn: AdjRibIn; heard: [Path | undefined, Path | undefined][] } {
  const heard: [Path | undefined, Path | undefined][] = []
  return { adjRibIn: new AdjRibIn({ replace: (before, after) => heard.push([before, after]) }), heard }
}

t.test('the key of a path is its prefix and its identifier', async (t) => {
  const { adjRibIn, heard } = table()
  for (const path of [first, other, second]) adjRibIn.announce(path, true)
  adjRibIn.withdraw(other)
  t.same(heard, [
    [undefined, first],
    [undefined, other],
    [first, second],
    [other, undefined],
  ])
  t.equal(adjRibIn.size, 1)
})

t.test('the same announced again, or the absent withdrawn, is no change', async (t) => {
  const { adjRibIn, heard } = table()
  adjRibIn.announce(first, true)
  adjRibIn.announce({ ...first }, true)
  adjRibIn.withdraw(other)
  t.same(heard, [[undefined, first]])
})

t.test(
  'a path that may not be used is counted and shown, and takes the place of one that could',
  async (t) => {
    const { adjRibIn, heard } = table()
    adjRibIn.announce(first, true)
    adjRibIn.announce(second, false)
    t.same([adjRibIn.size, adjRibIn.ineligible(first.prefix)], [1, [second]])
    adjRibIn.announce(first, true)
    t.same([adjRibIn.size, adjRibIn.ineligible(first.prefix)], [1, []])
    t.same(heard, [
      [undefined, first],
      [first, undefined],
      [undefined, first],
    ])
  },
)

t.test('when it is cleared, all candidates go', async (t) => {
  const { adjRibIn, heard } = table()
  adjRibIn.announce(first, true)
  adjRibIn.announce(other, false)
  adjRibIn.clear()
  t.same(heard.slice(1), [[first, undefined]])
  t.equal(adjRibIn.size, 0)
})
