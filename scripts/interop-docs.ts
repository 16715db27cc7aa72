// Writes docs/interop.md from a run with real daemons, as root: `node scripts/interop-docs.ts`.

import { writeFileSync } from 'node:fs'
import { FEATURES } from '../test/interop/features.ts'
import { RESTARTS } from '../test/interop/restarts.ts'
import { run, type Verdicts } from '../test/interop/run.ts'

const intro = `# Other BGP daemons

<!-- Written by scripts/interop-docs.ts from a run of test/interop. Do not edit. -->

What was found when our speaker met other daemons, as Debian packages them, each in a network namespace of its own.
\`npm test\` tries all of it again, and fails where this page no longer holds.

Each feature is tried over real sessions, to the end: a peering counts when routes have gone both ways with the right next
hops and AS paths, reflection when ORIGINATOR_ID and CLUSTER_LIST are right, a graceful restart when no route was missing
at any time, no reflected one either, and those that were not announced again are gone afterwards, ADD-PATH when both of two
paths arrive, in both families, and BFD when both ends give up a session whose packets get lost, long before its hold timer.

`

/** The whole page. */
export function interopPage(verdicts: readonly Verdicts[]): string {
  const reasons: string[] = []
  const header = ['Feature', 'Standard', ...verdicts.map(({ daemon, version }) => `${daemon} ${version}`)]
  const rows = [...FEATURES, ...RESTARTS].map(({ name, standard }) => [
    name,
    standard,
    ...verdicts.map(({ features }) => cell(features[name] ?? 'no: not tried', reasons)),
  ])
  const table = [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`)
  return intro + table.join('') + legend(reasons)
}

/** `yes`, or the number of the reason why not. */
function cell(verdict: string, reasons: string[]): string {
  if (verdict === 'yes') return verdict
  const reason = verdict.replace(/^no: /, '')
  if (!reasons.includes(reason)) reasons.push(reason)
  return `no (${reasons.indexOf(reason) + 1})`
}

function legend(reasons: readonly string[]): string {
  return reasons.length === 0 ? '' : `\n${reasons.map((reason, i) => `${i + 1}. ${reason}\n`).join('')}`
}

async function found(): Promise<Verdicts[]> {
  const ends: (() => unknown)[] = []
  try {
    return await run({ teardown: (end) => void ends.unshift(end) })
  } finally {
    for (const end of ends) await end()
  }
}

if (import.meta.main)
  writeFileSync(new URL('../docs/interop.md', import.meta.url), interopPage(await found()))
