// What `npm test` counts: every test of every file, those left out, and files that fail beside their tests.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'

const digest = join(import.meta.dirname, '..', '..', 'scripts', 'tap-digest.ts')
const directory = mkdtempSync(join(tmpdir(), 'caracal-digest-'))
t.teardown(() => rmSync(directory, { recursive: true }))

async function count(tap: string): Promise<{ shown: string; lines: string[] }> {
  const results = join(directory, 'results')
  rmSync(results, { force: true })
  const { stdout } = await execa('node', [digest, results], { input: tap })
  return { shown: stdout, lines: readFileSync(results, 'utf8').trimEnd().split('\n') }
}

t.test('each test of a file counts once, whatever it asserts', async (t) => {
  const { shown, lines } = await count(`TAP version 14
# Subtest: a.test.ts
    # Subtest: good
        ok 1 - one
        ok 2 - two
        1..2
    ok 1 - good # time=3.6ms
    ok 2 - needs more # SKIP needs root on Linux
    not ok 3 - bad # time=1ms
      ---
      diff: what went wrong
      ...
    1..3
not ok 1 - a.test.ts # time=24.7ms
`)
  t.same(lines, ['passed a.test.ts: good', 'left-out a.test.ts: needs more', 'failed a.test.ts: bad'])
  t.match(shown, /^not ok a\.test\.ts \(3\)$/m)
  t.match(shown, 'diff: what went wrong')
})

t.test('a file that fails without a failed test is a failure of its own', async (t) => {
  const { lines } = await count('    ok 1 - good\nnot ok 1 - a.test.ts # time=60000ms\n')
  t.same(lines, ['passed a.test.ts: good', 'failed a.test.ts'])
})

t.test('no file at all is a failure', async (t) => {
  t.same((await count('TAP version 14\n1..0\n')).lines, ['failed tap printed nothing'])
})
