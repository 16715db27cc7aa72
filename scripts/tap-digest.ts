// Reads TAP on standard input as tap prints it, one subtest a file: shows a line a file, all of what failed, and appends
// `passed`, `failed` and `left-out` lines, one a test, to the file given as argument.

import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [resultsFile] = process.argv.slice(2)
if (resultsFile === undefined) throw new Error('usage: tap … | tap-digest.ts RESULTS-FILE')

interface Point {
  readonly depth: number
  readonly ok: boolean
  readonly name: string
  /** A skip with its reason; a todo counts as one. */
  readonly skipped: boolean
}

const results: string[] = []
let lines: string[] = []
let points: Point[] = []
let files = 0

for await (const line of createInterface({ input: process.stdin })) {
  lines.push(line)
  const point = readPoint(line)
  if (point?.depth === 0) endOfFile(point)
  else if (point?.depth === 1) points.push(point)
}
if (files === 0) results.push('failed tap printed nothing')
appendFileSync(resultsFile, results.map((line) => `${line}\n`).join(''))

function readPoint(line: string): Point | undefined {
  const [, indent, not, text] = /^( *)(not )?ok \d+(?: - (.*))?$/.exec(line) ?? []
  if (indent === undefined) return undefined
  const [name = '', directive = ''] = (text ?? '').replace(/ \{$/, '').split(/ # (?!time=)/)
  return {
    depth: indent.length / 4,
    ok: not === undefined,
    name: name.replace(/ # time=.*$/, ''),
    skipped: /^(skip|todo)/i.test(directive),
  }
}

function endOfFile(file: Point): void {
  files++
  const tests = points.length > 0 ? points : [file]
  results.push(...tests.map((test) => `${verdict(test)} ${file.name}: ${test.name}`))
  // A file may fail beside its tests: a process that does not end, or ends badly.
  if (!file.ok && tests.every(({ ok }) => ok)) results.push(`failed ${file.name}`)
  console.log(`${file.ok ? 'ok    ' : 'not ok'} ${file.name} (${tests.length})`)
  if (!file.ok) console.log(lines.filter((line) => !/^ *ok \d/.test(line)).join('\n'))
  lines = []
  points = []
}

function verdict({ ok, skipped }: Point): string {
  if (skipped) return 'left-out'
  return ok ? 'passed' : 'failed'
}
