// Each measure of the bench, tried out with next to nothing: the numbers are not looked at.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { MEASURES } from '../../bench/measures/index.ts'
import type { Series } from '../../bench/report.ts'
import { needsRoot } from '../kit/needs-root.ts'
import { until } from '../kit/until.ts'

t.setTimeout(180_000) // seconds on a quiet machine; the daemons that are started have a lot to load

const main = join(import.meta.dirname, '../../bench/main.ts')

async function tryOut(out: string, ...args: string[]): Promise<readonly Series[]> {
  await execa(process.execPath, [main, '--smoke', '--out', out, ...args])
  return JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')).series
}

t.test('every measure gives figures, of us and of BIRD', needsRoot, async (t) => {
  const out = t.testdir()
  const alone = await tryOut(out, 'batch') // of nobody in particular
  const series = [...alone, ...(await tryOut(out, '--only', 'Caracal,BIRD'))]
  for (const { name } of MEASURES)
    t.ok(
      series.some(({ measure }) => measure === name),
      name,
    )
  t.ok(series.every(({ values }) => values.every((value) => value >= 0)))
})

t.test('every other daemon takes part', needsRoot, async (t) => {
  const series = await tryOut(t.testdir(), 'reflect', '--only', 'FRR,GoBGP,OpenBGPD')
  t.same(new Set(series.map(({ contestant }) => contestant)), new Set(['FRR', 'GoBGP', 'OpenBGPD']))
})

t.test('what a killed bench has left is gone after the next', needsRoot, async (t) => {
  const killed = execa(process.execPath, [main, 'memory', '--only', 'Caracal', '--size', '100'], {
    reject: false,
  })
  const namespaces = () => readdirSync('/run/netns').filter((name) => name.includes(`bench-${killed.pid}`))
  await until('it is under way', () => namespaces().length === 2)
  killed.kill('SIGKILL')
  await killed
  t.equal(namespaces().length, 2)
  await tryOut(t.testdir(), 'memory', '--only', 'BIRD')
  t.same(namespaces(), [])
})
