// The double that is killed and started again: its objects are there, its history is not.

import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { lastingStore } from './lasting-store.ts'
import { resourcesOf } from './resources.ts'

const pools = resourcesOf(['crd']).find(({ plural }) => plural === 'ippools')!
const pool = (name: string, blockSize: number) => ({
  apiVersion: 'crd.projectcalico.org/v1',
  kind: 'IPPool',
  metadata: { name },
  spec: { blockSize, sequence: 1772600767000000001n },
})

t.test('objects, their revisions and great numbers outlive the process', async (t) => {
  const file = join(directory(t), 'data')
  const before = lastingStore(file)
  before.put(pools, pool('a', 26))
  before.put(pools, pool('a', 27))
  before.remove(pools, before.put(pools, pool('b', 26)))

  const after = lastingStore(file)
  t.same(after.list(pools), before.list(pools))
  t.equal(after.revision, before.revision)
  t.equal(after.compacted, before.revision, 'and older watches must list anew')
  t.same(after.since(pools, 0), [])
})

t.test('half a line, over which the process was killed, is no change', async (t) => {
  const file = join(directory(t), 'data')
  const before = lastingStore(file)
  const kept = before.put(pools, pool('a', 26))
  before.put(pools, pool('b', 26))
  truncateSync(file, 400)
  t.same(lastingStore(file).list(pools), [kept])
})

function directory(t: { teardown(cleanUp: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'caracal-lasting-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  return path
}
