// Stories in the virtual machine. Boot and the first start of Node cost as much as a short story, so one machine tells all;
// what it prints looks as if they were told here.

import { join } from 'node:path'
import { execa } from 'execa'
import { LabError } from '../lab.ts'
import { repository } from '../state.ts'
import { storiesFolder } from '../story/index.ts'
import { type Turn, type TurnOptions, titleOf } from '../story/turns.ts'
import { runInMachine } from './machine.ts'

/** A machine that takes longer than this for boot and for each turn is stuck, in milliseconds. */
const bootMs = 180_000
const turnMs = 300_000

/** A turn that the machine did not get to, or not to the end of, has failed. */
export async function tellInMachine(turns: readonly Turn[], options: TurnOptions): Promise<void> {
  if (turns.length === 0) return
  options.progress(`-- in the virtual machine: ${turns.map(titleOf).join(', ')}`)
  const passed = await passedInMachine(turns, options)
  for (const turn of turns) options.verdict(turn, passed.includes(titleOf(turn)))
}

async function passedInMachine(turns: readonly Turn[], options: TurnOptions): Promise<string[]> {
  const { update, signal, progress } = options
  const words = turns.map(({ story, store }) => `${story.name}:${store}`)
  const argv = [process.execPath, join(import.meta.dirname, 'inside.ts'), ...words]
  try {
    const { results, problem } = await runInMachine(update ? [...argv, '--update'] : argv, {
      signal,
      progress,
      limitMs: bootMs + turns.length * turnMs,
      kept: update ? [storiesFolder] : [],
      prepare: (directory) => bundledAgent(join(directory, 'agent'), signal),
    })
    if (problem !== undefined) progress(problem)
    return results.split('\n')
  } catch (err) {
    if (!(err instanceof LabError)) throw err
    progress(err.message)
    return []
  }
}

/** To find and read a thousand files takes minutes in there, so the agent is the bundle of them that the image has. */
async function bundledAgent(directory: string, signal: AbortSignal): Promise<Record<string, string>> {
  await execa(process.execPath, [join(repository, 'scripts', 'build.ts'), directory], {
    cancelSignal: signal,
  })
  return { CARACAL_LAB_AGENT: join(directory, 'main.js') }
}
