import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openSavedState } from '../../../src/edge/kernel/saved-state.ts'
import { prefix } from '../../../src/inet/prefix.ts'

const pool = prefix('10.65.0.0/16')
const outside = prefix('203.0.113.0/24')

t.test('claims survive the process, and what was released is forgotten', async (t) => {
  const path = join(t.testdir(), 'state', 'owned')
  const first = openSavedState(path)
  t.equal(first.owns(outside), false)
  first.claim('pool', [pool])
  first.claim('route', [outside, prefix('198.51.100.0/24')])
  first.release('route', [prefix('198.51.100.0/24')])

  const second = openSavedState(path)
  t.equal(second.owns(prefix('10.65.3.0/26')), true, 'inside the pool')
  t.equal(second.owns(outside), true)
  t.equal(second.owns(prefix('203.0.113.0/25')), false, 'a claimed destination is that one only')
  t.equal(second.owns(prefix('198.51.100.0/24')), false)
  t.equal(readFileSync(path, 'utf8'), '+ pool 10.65.0.0/16\n+ route 203.0.113.0/24\n', 'compacted')
})

t.test('a claim is in the file before the call returns, and only once', async (t) => {
  const path = join(t.testdir(), 'owned')
  const state = openSavedState(path)
  t.equal(state.claim('route', [outside]), true)
  t.equal(state.claim('route', [outside]), false)
  state.release('pool', [pool])
  t.equal(readFileSync(path, 'utf8'), '+ route 203.0.113.0/24\n')
})

t.test('a line cut short by a crash, or spoilt, is passed over', async (t) => {
  const path = join(t.testdir(), 'owned')
  openSavedState(path).claim('pool', [pool])
  appendFileSync(path, '? nonsense\n+ pool 300.0.0.0/8\n+ pool 10.0.0.0/1')
  const state = openSavedState(path)
  t.equal(state.owns(prefix('10.65.3.0/26')), true)
  t.equal(state.owns(prefix('11.0.0.0/24')), false)
})

t.test('a claim that cannot be written throws and is not counted; later ones are whole', async (t) => {
  const path = join(t.testdir(), 'owned')
  const state = openSavedState(path)
  state.claim('pool', [pool])
  rmSync(path)
  mkdirSync(path)
  t.throws(() => state.claim('route', [outside]), { code: 'EISDIR' })
  t.equal(state.owns(outside), false)
  rmSync(path, { recursive: true })
  writeFileSync(path, '+ route 203.0')
  state.claim('route', [outside])
  t.equal(readFileSync(path, 'utf8'), '+ pool 10.65.0.0/16\n+ route 203.0.113.0/24\n')
})

t.test('a state that cannot be read is an error, not an empty state', async (t) => {
  t.throws(() => openSavedState(t.testdir()), { code: 'EISDIR' })
})
