// How a step waits for what it expects, and what it says when that does not come.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Lab } from '../lab.ts'
import { patient, until } from '../until.ts'
import { difference, normalised, sameLines, withoutPodNeighbours } from './compare.ts'

/** A story that is being told. */
export interface Telling {
  readonly lab: Lab
  /** The story's folder, to which the names of expectation files are relative. */
  readonly folder: string
  /** Write expectation files instead of comparing with them. */
  readonly update: boolean
}

/** Something is not as the story says, and did not become so in time. */
export class CheckError extends Error {
  override readonly name = 'CheckError'
}

/** An output counts as final for --update when it stays the same for so long. */
const steadyMs = 3_000

/** Looks until there is no complaint. @throws CheckError with the last complaint after `withinS` seconds */
export async function settle(
  { lab }: Telling,
  withinS: number,
  look: () => Promise<string | undefined>,
): Promise<void> {
  let complaint: string | undefined
  const good = await until(
    async () => {
      complaint = await look()
      return complaint === undefined
    },
    { deadlineMs: withinS * 1000, everyMs: 200, signal: lab.signal },
  )
  if (!good) throw new CheckError(`after ${patient(withinS)} s still\n${complaint}`)
}

/** Complains unless the text has the lines of a file; of none at all when no file is named. */
export function differs(telling: Telling, file: string | undefined, text: string): string | undefined {
  const expected = file === undefined ? '' : expectation(telling, file)
  if (sameLines(expected, text)) return undefined
  return `not ${file === undefined ? 'nothing' : `as in ${file}`}:\n${difference(expected, text)}`
}

/** Writes an expectation file, once what `look` gives has stayed the same for a while. */
export async function record(
  { lab, folder }: Telling,
  file: string,
  withinS: number,
  look: () => Promise<string>,
): Promise<void> {
  let [last, since] = ['', Date.now()]
  await until(
    async () => {
      const now = normalised(await look()).join('\n')
      if (now !== last) [last, since] = [now, Date.now()]
      return Date.now() - since >= patient(steadyMs)
    },
    { deadlineMs: withinS * 1000, everyMs: 200, signal: lab.signal },
  )
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), `${last}\n`)
}

function expectation({ folder, lab }: Telling, file: string): string {
  const path = join(folder, file)
  if (!existsSync(path)) throw new CheckError(`${path} is missing; --update writes it`)
  const text = readFileSync(path, 'utf8')
  return lab.state.store === 'kubernetes' ? withoutPodNeighbours(text) : text
}
