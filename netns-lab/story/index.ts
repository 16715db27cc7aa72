// A story: a topology, steps, and the output they expect, in a folder of plain files.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { report } from '../report.ts'
import { type StoreType, storeTypes } from '../state.ts'
import { LabFileError, readYaml } from '../topology/index.ts'
import { complaints } from '../topology/schema.ts'
import { withLab } from '../up.ts'
import { type Need, needs } from '../vm/needs.ts'
import { CheckError, type Telling } from './checks.ts'
import { type Step, type StepKind, steps, take } from './steps.ts'

export interface Story {
  readonly name: string
  readonly folder: string
  /** What it shows, in a sentence or two. */
  readonly about: string
  /** Those it is told on unless one is asked for. */
  readonly datastores: readonly StoreType[]
  /** Those it makes no sense on. */
  readonly never: readonly StoreType[]
  /** What the kernel has to have; where this one lacks it, the story is told in the virtual machine. */
  readonly needs: readonly Need[]
  readonly steps: readonly Step[]
}

export interface TellOptions {
  readonly store: StoreType
  readonly update: boolean
  readonly signal: AbortSignal
  readonly progress: (line: string) => void
}

const longestLine = 100

/** Where they lie, a folder each. */
export const storiesFolder = join(import.meta.dirname, '..', 'stories')

const storySchema = z.strictObject({
  about: z.string(),
  datastores: z.array(z.enum(storeTypes)).min(1).default(['file', 'etcd']),
  never: z.array(z.enum(storeTypes)).default([]),
  needs: z.array(z.enum(needs)).default([]),
  steps: z.array(z.record(z.string(), z.unknown())).min(1),
})

/** The names of all stories. */
export function stories(): string[] {
  return readdirSync(storiesFolder)
    .filter((name) => existsSync(join(storiesFolder, name, 'story.yaml')))
    .sort()
}

/** Reads and checks a story. @throws LabFileError */
export function readStory(name: string): Story {
  const file = join(storiesFolder, name, 'story.yaml')
  if (!existsSync(file))
    throw new LabFileError(name, [`there is no such story, only ${stories().join(', ')}`])
  return { name, folder: join(storiesFolder, name), ...parseStory(file, readFileSync(file, 'utf8')) }
}

/** As `readStory`, for text. `file` is for messages. @throws LabFileError */
export function parseStory(file: string, text: string): Omit<Story, 'name' | 'folder'> {
  const { data, error } = storySchema.safeParse(readYaml(file, text))
  if (error) throw new LabFileError(file, complaints(error))
  const problems: string[] = []
  const parsed = data.steps.flatMap((step, at) => {
    const result = parseStep(step)
    if ('kind' in result) return [result]
    problems.push(...result.problems.map((problem) => `step ${at + 1}: ${problem}`))
    return []
  })
  if (problems.length > 0) throw new LabFileError(file, problems)
  return { ...data, steps: parsed }
}

/** Makes the lab, takes every step, and removes the lab. True when all was as the story says. */
export async function tell(story: Story, options: TellOptions): Promise<boolean> {
  const { store, update, signal, progress } = options
  return withLab(join(story.folder, 'topology.yaml'), { store, signal, progress }, async (lab) => {
    const telling: Telling = { lab, folder: story.folder, update }
    for (const step of story.steps) {
      const begin = Date.now()
      try {
        await take(telling, step)
      } catch (err) {
        if (signal.aborted) throw err
        const message = err instanceof CheckError ? err.message : String((err as Error).stack)
        progress(`not ok  ${step.words}\n${message}\n${await report(lab)}`)
        return false
      }
      progress(`ok  ${seconds(Date.now() - begin)}  ${step.words}`)
    }
    return true
  })
}

function parseStep(step: Readonly<Record<string, unknown>>): Step | { readonly problems: readonly string[] } {
  const [kind = '', ...more] = Object.keys(step)
  if (!(kind in steps) || more.length > 0)
    return {
      problems: [`has to be one of ${Object.keys(steps).join(', ')}; it is ${[kind, ...more].join(', ')}`],
    }
  const { data, error } = steps[kind as StepKind].form.safeParse(step[kind])
  return error
    ? { problems: complaints(error).map((line) => `${kind}: ${line.replace(/^the file: /, '')}`) }
    : { kind: kind as StepKind, args: data, words: inWords(kind, step[kind]) }
}

/** `run on node-a: ip route`; other steps as YAML without its marks. */
function inWords(kind: string, args: unknown): string {
  const { on = [], command } = args as { on?: string | string[]; command?: string }
  if (kind === 'run') return `run on ${[on].flat().join(', ')}: ${command}`
  const text = JSON.stringify(args)
    .replaceAll('":', '": ')
    .replaceAll(/,(?=["{])/g, ', ')
  return `${kind} ${text.replaceAll(/[{}[\]"]/g, '').slice(0, longestLine)}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(5)} s`
}
