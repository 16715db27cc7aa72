import t from 'tap'
import { prefix } from '../../src/inet/prefix.ts'
import { Announcements } from '../../src/plan/announcements.ts'

t.test('a prefix is announced when its route is in force, and withdrawn when either goes', async (t) => {
  const block = prefix('10.65.0.0/26')
  const origination = { prefix: block, localPref: 1, because: 'block of this node' }
  const state = { wanted: true, inForce: false, leansOn: [block] }
  const announcements = new Announcements({
    wanted: () => (state.wanted ? origination : undefined),
    leansOn: () => state.leansOn,
    inForce: () => state.inForce,
  })
  const after = (change: Partial<typeof state>) => {
    Object.assign(state, change)
    announcements.touch(block)
    return announcements.settle()
  }
  t.same(after({}), { set: [], withdraw: [] }, 'the kernel has not acknowledged it')
  t.same(after({ inForce: true }), { set: [origination], withdraw: [] })
  t.same(after({}), { set: [], withdraw: [] }, 'said once')
  t.same(after({ wanted: false }), { set: [], withdraw: [block] }, 'while the route still stands')
  t.same(after({ wanted: true, inForce: false }), { set: [], withdraw: [] })
  t.same(after({ leansOn: [] }), { set: [origination], withdraw: [] })
})
