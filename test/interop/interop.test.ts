// Our speaker meets BGP daemons of other make, and the docs say what came of it.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { interopPage } from '../../scripts/interop-docs.ts'
import { needsRoot } from '../kit/needs-root.ts'
import { run } from './run.ts'

t.setTimeout(600_000)

t.test('docs/interop.md is what a run finds; else: node scripts/interop-docs.ts', needsRoot, async (t) => {
  const docs = readFileSync(new URL('../../docs/interop.md', import.meta.url), 'utf8')
  const found = interopPage(await run(t))
  const lines = docs.split('\n')
  t.same(
    found.split('\n').filter((line) => !lines.includes(line)),
    [],
    'rows that are not in the page',
  )
  t.equal(found, docs)
})
