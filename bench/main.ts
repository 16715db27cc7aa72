// `npm run bench`, `npm run bench -- NAME…`: measures us and the daemons that people would run otherwise, in turn, in the
// same run, on the same machine. Needs root; `--help` tells the options.

import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { chart } from './chart.ts'
import { CONTESTANTS, OURS } from './contestants/index.ts'
import { profiled } from './contestants/ours.ts'
import { Ground } from './ground.ts'
import type { Figures, Measure } from './measure.ts'
import { MEASURES } from './measures/index.ts'
import { asked } from './options.ts'
import { type Series, table } from './report.ts'

const { names, ...options } = asked()
const measures = MEASURES.filter(({ name }) => names.length === 0 || names.includes(name))
const contestants = CONTESTANTS.filter(({ name }) => options.only?.includes(name) ?? true).map((one) =>
  options.profile && one.name.startsWith(OURS) ? profiled(one, options.profile) : one,
)
const runs = options.smoke ? 1 : options.runs
const all = new Map<string, Series & { values: number[] }>()
let failures = 0

function note(measure: string, contestant: string, figures: Figures): void {
  for (const [figure, value] of Object.entries(figures)) {
    const key = [measure, figure, contestant].join()
    const series = all.get(key) ?? { measure, figure, contestant, values: [] }
    series.values.push(value)
    all.set(key, series)
  }
}

function sizesOf({ sizes, smoke }: Measure): readonly number[] {
  if (options.smoke) return [smoke]
  return options.size === undefined ? sizes : [options.size]
}

async function run(ground: Ground, measure: Measure, size: number, i: number): Promise<void> {
  for (const contestant of contestants) {
    if (!measure.takes(contestant, size) || (i > 0 && measure.once?.(contestant, size))) continue
    try {
      const figures = await measure.run(ground, contestant, size)
      note(measure.name, contestant.name, figures)
      console.error(measure.name, contestant.name, JSON.stringify(figures))
    } catch (error) {
      failures++
      console.error(measure.name, contestant.name, 'failed:', (error as Error).message)
    }
  }
}

for (const contestant of contestants) contestant.prepare?.()
const ground = new Ground()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void ground.close().finally(() => process.exit(1)))
try {
  for (const measure of measures)
    for (const size of sizesOf(measure)) for (let i = 0; i < runs; i++) await run(ground, measure, size, i)
} finally {
  await ground.close()
}

const series = [...all.values()]
for (const measure of measures) console.log(table(measure, series))
mkdirSync(options.out, { recursive: true })
const conditions = {
  node: process.version,
  kernel: release(),
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  runs,
}
writeFileSync(join(options.out, 'results.json'), `${JSON.stringify({ conditions, series }, null, 2)}\n`)
writeFileSync(join(options.out, 'results.svg'), chart(measures, series))
process.exit(failures > 0 ? 1 : 0) // what has failed may have left a peer that would go on
