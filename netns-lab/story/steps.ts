// The steps of a story: a row each, with the form of its YAML and what it does.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Document, kinds, type ResourceKind } from '../../src/cluster/feed.ts'
import { printJson } from '../../src/cluster/json.ts'
import { same } from '../../src/cluster/same.ts'
import type { Address } from '../../src/inet/address.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { claimBlock, releaseBlock } from '../cluster/claims.ts'
import { remove } from '../cluster/store.ts'
import { addPod, deletePod, refreshAfter, writeDocuments } from '../cni.ts'
import { changeAgent, startAgent, stopAgent } from '../daemons/agent.ts'
import { reachableFrom, shell } from '../exec.ts'
import { type Lab, LabError, nodeNamed } from '../lab.ts'
import { allPings, type Ping, unanswered } from '../ping.ts'
import { load } from '../recordings/load.ts'
import { readRecording } from '../recordings/recording.ts'
import { podOf } from '../topology/index.ts'
import { documentSchema, podSchema } from '../topology/schema.ts'
import { patient } from '../until.ts'
import { checkMonitors, startMonitors, startStream, stopMonitors, stopStream } from './background.ts'
import { CheckError, differs, record, settle, type Telling } from './checks.ts'
import { checkFootprint, noteFootprint } from './footprint.ts'
import { checkRecording } from './recorded.ts'

export interface Step {
  readonly kind: StepKind
  readonly args: unknown
  /** As its file says it, for people. */
  readonly words: string
}

/** How long a step waits for what it expects, in seconds. */
const within = z.number().positive().default(15)

const oneOrMore = <T extends z.ZodType>(item: T) =>
  z
    .union([item, z.array(item).min(1)])
    .transform((given) => (Array.isArray(given) ? given : [given]) as z.output<T>[])

interface Row<S extends z.ZodType> {
  readonly form: S
  readonly act: (telling: Telling, args: z.output<S>) => Promise<void>
}

function row<S extends z.ZodType>(form: S, act: Row<S>['act']): Row<S> {
  return { form, act }
}

/** Without conditions a command runs once and has to succeed; with some it runs again until they hold. */
const runForm = z.strictObject({
  on: oneOrMore(z.string()),
  command: z.string(),
  /** File whose lines it has to print, in any order. `*` in its name stands for that of the machine. */
  expect: z.string().optional(),
  contains: oneOrMore(z.string()).default([]),
  lacks: oneOrMore(z.string()).default([]),
  exit: z.int().optional(),
  within,
})

const pingForm = z.strictObject({
  from: oneOrMore(z.string()),
  /** Pods, machines or addresses. */
  to: oneOrMore(z.string()),
  /** Nobody may answer. */
  fails: z.boolean().default(false),
  within,
})

const monitorForm = z.strictObject({
  on: oneOrMore(z.string()),
  /** File whose lines have been printed, and no others. Without it nothing may have been printed. */
  expect: z.string().optional(),
  within,
})

/** From one to the other, or between each two of several: asked one way, answered the other. */
function streamForm<F extends z.ZodRawShape>(fields: F) {
  return z.union([
    z.strictObject({ from: z.string(), to: z.string(), ...fields }),
    z.strictObject({ between: z.array(z.string()).min(2), ...fields }),
  ])
}

type Streams = { readonly from: string; readonly to: string } | { readonly between: readonly string[] }

function streamsOf(args: Streams): [from: string, to: string][] {
  if (!('between' in args)) return [[args.from, args.to]]
  return args.between.flatMap((one, at) =>
    args.between.slice(at + 1).map((other): [string, string] => [one, other]),
  )
}

const storedForm = z.strictObject({
  id: z.string(),
  /** Fields that the document has to have, with just these values. Without it there must be no document. */
  spec: z.record(z.string(), z.unknown()).optional(),
  within,
})

const recordingForm = z.strictObject({
  name: z.string(),
  /** IPv4 routes besides: BIRD's part, which did not run beside Felix. */
  'bird-adds': z.array(z.string()).default([]),
  within,
})

export const steps = {
  run: row(runForm, runCommand),
  ping: row(z.union([z.literal('all'), pingForm]), ping),

  write: row(oneOrMore(documentSchema), ({ lab }, documents) => writeDocuments(lab, documents as Document[])),
  delete: row(oneOrMore(z.string()), ({ lab }, ids) =>
    refreshAfter(lab, async () => {
      for (const id of ids) await remove(lab.store, documentNamed(id))
    }),
  ),
  stored: row(storedForm, stored),
  'claim-block': row(z.strictObject({ node: z.string(), cidr: z.string() }), ({ lab }, { node, cidr }) =>
    refreshAfter(lab, async () => void (await claimBlock(lab.store, prefix(cidr), node))),
  ),
  'release-block': row(z.string(), ({ lab }, cidr) =>
    refreshAfter(lab, () => releaseBlock(lab.store, prefix(cidr))),
  ),

  'add-pod': row(oneOrMore(podSchema), async ({ lab }, pods) => {
    for (const pod of pods) await addPod(lab, podOf(pod))
  }),
  'delete-pod': row(oneOrMore(z.string()), async ({ lab }, names) => {
    for (const name of names) await deletePod(lab, name)
  }),

  'start-agent': row(oneOrMore(z.string()), async ({ lab }, nodes) => {
    for (const node of nodes) await startAgent(lab, nodeNamed(lab, node))
  }),
  'change-agent': row(
    z.strictObject({ node: z.string(), to: z.enum(['caracal', 'bird']) }),
    ({ lab }, { node, to }) => changeAgent(lab, nodeNamed(lab, node), to),
  ),
  'stop-agent': row(oneOrMore(z.string()), ({ lab }, nodes) => stopAgents(lab, nodes, 'SIGTERM')),
  'kill-agent': row(oneOrMore(z.string()), ({ lab }, nodes) => stopAgents(lab, nodes, 'SIGKILL')),

  'note-footprint': row(oneOrMore(z.string()), async ({ lab }, nodes) => {
    for (const node of nodes) noteFootprint(lab, node)
  }),
  'check-footprint': row(
    z.strictObject({ on: oneOrMore(z.string()), memory: z.number().min(0), within }),
    async (telling, { on, memory, within }) => {
      for (const node of on) await checkFootprint(telling, node, memory, within)
    },
  ),

  /** Out of the nodes' reach and back, or crashed and back. The lab itself writes on while it is cut off. */
  datastore: row(z.enum(['cut', 'mend', 'kill', 'start']), ({ lab }, event) => lab.datastore.on[event](lab)),
  'put-file': row(z.strictObject({ name: z.string(), text: z.string() }), async ({ lab }, { name, text }) =>
    writeFileSync(manifest(lab, name), text),
  ),
  'remove-file': row(z.string(), async ({ lab }, name) => rmSync(manifest(lab, name))),

  /** What etcd and the node had when Felix was recorded, and the kernel that it left. */
  'load-recording': row(z.string(), ({ lab }, name) => load(lab, readRecording(name))),
  'check-recording': row(recordingForm, (telling, { name, 'bird-adds': added, within }) =>
    checkRecording(telling, readRecording(name), added, within),
  ),

  'start-monitor': row(
    z.strictObject({ on: oneOrMore(z.string()), command: z.string().default('ip monitor route') }),
    ({ lab }, { on, command }) => startMonitors(lab, on, command),
  ),
  'check-monitor': row(monitorForm, (telling, { on, expect, within }) =>
    checkMonitors(telling, on, expect, within),
  ),
  'stop-monitor': row(monitorForm, (telling, { on, expect, within }) =>
    stopMonitors(telling, on, expect, within),
  ),
  'start-ping-stream': row(
    streamForm({ every: z.number().min(0.01).default(0.05) }),
    async ({ lab }, args) => {
      for (const [from, to] of streamsOf(args)) await startStream(lab, from, to, args.every)
    },
  ),
  'stop-ping-stream': row(streamForm({ 'max-lost': z.int().default(0) }), async ({ lab }, args) => {
    for (const [from, to] of streamsOf(args)) await stopStream(lab, from, to, args['max-lost'])
  }),
}

export type StepKind = keyof typeof steps

/** Does a step. @throws CheckError when things are not as it says */
export async function take(telling: Telling, { kind, args }: Step): Promise<void> {
  await (steps[kind] as Row<z.ZodType>).act(telling, args)
}

async function runCommand(telling: Telling, args: z.output<typeof runForm>): Promise<void> {
  for (const on of args.on) await runOn(telling, on, { ...args, expect: args.expect?.replace('*', on) })
}

async function runOn(telling: Telling, on: string, args: z.output<typeof runForm>): Promise<void> {
  const { command, expect, contains, lacks, exit = 0, within } = args
  const attempt = () => shell(telling.lab, on, command)
  const isCheck = expect !== undefined || contains.length + lacks.length > 0 || args.exit !== undefined
  if (telling.update && expect !== undefined)
    return record(telling, expect, within, async () => (await attempt()).output)
  await settle(telling, isCheck ? within : 0, async () => {
    const { code, output } = await attempt()
    if (code !== exit) return `${on}: ${command}: exit code ${code}, not ${exit}:\n${output}`
    const missing = contains.find((text) => !output.includes(text))
    if (missing !== undefined)
      return `${on}: ${command} does not print ${JSON.stringify(missing)}:\n${output}`
    const unwanted = lacks.find((text) => output.includes(text))
    if (unwanted !== undefined) return `${on}: ${command} prints ${JSON.stringify(unwanted)}:\n${output}`
    return expect === undefined ? undefined : differs(telling, expect, output)
  })
}

async function stored(telling: Telling, { id, spec, within }: z.output<typeof storedForm>): Promise<void> {
  const { kind, metadata } = documentNamed(id)
  await settle(telling, within, async () => {
    const found = await telling.lab.store.get(kind, metadata.name, metadata.namespace)
    if (!found || !spec) return Boolean(found) === Boolean(spec) ? undefined : `${id}: ${printJson(found)}`
    const held = found.spec as Readonly<Record<string, unknown>>
    const wrong = Object.keys(spec).filter((field) => !same(held[field], spec[field]))
    return wrong.length === 0 ? undefined : `${id}: ${wrong.join(', ')} differ in ${printJson(held)}`
  })
}

async function ping(telling: Telling, args: 'all' | z.output<typeof pingForm>): Promise<void> {
  const { lab } = telling
  if (args === 'all') return answered(lab, allPings(lab), 15)
  const pings = args.from.flatMap((from) =>
    args.to.flatMap((to) =>
      reachableFrom(lab, from, to).map((address) => ({ from, to, address: address as Address })),
    ),
  )
  if (!args.fails) return answered(lab, pings, args.within)
  await settle(telling, args.within, async () => {
    const silent = await unanswered(lab, pings, 0)
    return silent.length === pings.length
      ? undefined
      : `answered: ${list(pings.filter((p) => !silent.includes(p)))}`
  })
}

async function answered(lab: Lab, pings: readonly Ping[], withinS: number): Promise<void> {
  const lost = await unanswered(lab, pings, withinS * 1000)
  if (lost.length > 0) throw new CheckError(`after ${patient(withinS)} s no answer: ${list(lost)}`)
}

function list(pings: readonly Ping[]): string {
  return pings.map(({ from, to, address }) => `${from} to ${to} (${address})`).join(', ')
}

async function stopAgents(lab: Lab, nodes: readonly string[], signal: NodeJS.Signals): Promise<void> {
  await Promise.all(nodes.map((node) => stopAgent(lab, nodeNamed(lab, node), signal)))
}

/** `IPPool/x`, or `WorkloadEndpoint/default/x`. */
function documentNamed(id: string): Document {
  const [kind, ...names] = id.split('/')
  const [name, namespace] = names.toReversed()
  if (!kinds.includes(kind as ResourceKind) || name === undefined)
    throw new LabError(`${JSON.stringify(id)} is not Kind/name or Kind/namespace/name`)
  const metadata = namespace === undefined ? { name } : { name, namespace }
  return { apiVersion: 'projectcalico.org/v3', kind: kind as ResourceKind, metadata }
}

function manifest({ datastore }: Lab, name: string): string {
  const directory = datastore.environment.CALICO_DATASTORE_PATH
  if (directory === undefined)
    throw new LabError('only the file datastore has files: say `datastores: [file]`')
  return join(directory, name)
}
