// What the run needs of a BGP daemon of another make: a configuration from a neutral description, and three questions.
// One file in adapters/ says it for one daemon; what is here is the same for all.

import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Address, Family } from '../../src/inet/address.ts'
import type { Prefix } from '../../src/inet/prefix.ts'

/** A session with us, from the daemon's side. */
export interface Neighbor {
  readonly name: string
  readonly family: Family
  /** The daemon's end, and ours. */
  readonly local: Address
  readonly remote: Address
  readonly remoteAsn: number
  /** TCP-MD5 (RFC 2385). */
  readonly password?: string
  /** We are next to it, and are to be believed only from there (RFC 5082). */
  readonly ttlSecurity?: true
  /** Several paths to one destination, both ways (RFC 7911). */
  readonly addPath?: true
  /** BFD ends the session when no packet comes any more (RFC 5882). */
  readonly bfd?: true
  /** We are its client (RFC 4456). */
  readonly client?: true
}

/** What it announces of its own. */
export interface Announcement {
  readonly prefix: Prefix
  readonly family: Family
  readonly largeCommunity?: string
}

/** What a daemon is to do. */
export interface Plan {
  readonly namespace: string
  /** For its files; there are none yet. */
  readonly directory: string
  readonly asn: number
  readonly routerId: Address
  readonly clusterId: Address
  readonly neighbors: readonly Neighbor[]
  readonly announce: readonly Announcement[]
  /** It was here before, and its routes stayed (RFC 4724 §4.1). */
  readonly restarting: boolean
}

/** What it has of us. */
export interface Seen {
  readonly nextHop: string
  readonly asPath: readonly number[]
  readonly largeCommunities: readonly string[]
  readonly originatorId: string | undefined
  readonly clusterList: readonly string[]
}

export interface Adapter {
  /** As in the docs. */
  readonly name: string
  /** What prints its version, and where it is in there. */
  readonly version: readonly [command: readonly string[], version: RegExp]
  /** Its files by name. */
  files(plan: Plan): Readonly<Record<string, string>>
  /** Programs to run, until the daemon is stopped. Files are in the directory they run in. */
  programs(plan: Plan): readonly (readonly string[])[]
  /** Announces what its files cannot. */
  prepare?(plan: Plan): Promise<unknown>
  established(plan: Plan, neighbor: Neighbor): Promise<boolean>
  /** The paths to a prefix that a neighbor told it. */
  routes(plan: Plan, neighbor: Neighbor, prefix: Prefix): Promise<readonly Seen[]>
  /** Has it ask the neighbor to announce everything again (RFC 2918). */
  refresh(plan: Plan, neighbor: Neighbor): Promise<unknown>
  /** It takes the option for a session with an internal peer, and does nothing about it. */
  readonly ttlSecurity?: 'external only'
  /** Whether BFD sees the neighbor. Absent: it has no BFD. */
  bfdUp?(plan: Plan, neighbor: Neighbor): Promise<boolean>
}

/** A daemon at work. */
export interface Running {
  /** Without a word to anybody. */
  kill(): Promise<void>
}

export async function start(adapter: Adapter, plan: Plan): Promise<Running> {
  mkdirSync(plan.directory, { recursive: true })
  chmodSync(plan.directory, 0o777) // some run as a user of their own
  for (const [name, text] of Object.entries(adapter.files(plan)))
    writeFileSync(join(plan.directory, name), text, { mode: name.endsWith('.sh') ? 0o755 : 0o644 })
  const children = adapter.programs(plan).map((argv) => launch(plan, argv))
  const ready = eventually(`${adapter.name} does not answer`, () => answers(adapter, plan))
  await Promise.race([ready, ...children.map((child) => died(child, plan))])
  await adapter.prepare?.(plan)
  return { kill: async () => void (await Promise.all(children.map(killed))) }
}

async function answers(adapter: Adapter, plan: Plan): Promise<true | undefined> {
  const answer = adapter.established(plan, plan.neighbors[0]!)
  return answer.then(
    () => true,
    () => undefined,
  )
}

/** Rejects with the end of the log. */
async function died(child: ChildProcess, { directory }: Plan): Promise<never> {
  await new Promise((exit) => child.once('exit', exit))
  throw new Error(readFileSync(join(directory, 'log'), 'utf8').slice(-2000))
}

/** What a command prints, run where the daemon is. */
export async function ask(plan: Plan, ...argv: readonly string[]): Promise<string> {
  const { stdout } = await execa('ip', ['netns', 'exec', plan.namespace, ...argv], { cwd: plan.directory })
  return stdout
}

export async function versionOf({ version: [[file, ...args], pattern] }: Adapter): Promise<string> {
  const { all } = await execa(file!, args, { all: true, reject: false })
  return pattern.exec(all)?.[1] ?? `unknown: ${all}`
}

/** What `look` finds when it finds something; rejects with `what` after `deadline` milliseconds. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  deadline = 60_000,
): Promise<T> {
  const end = performance.now() + deadline
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(what)
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
}

/** Of those that fail, the first in order counts, whichever failed first. */
export async function forAll<T>(all: readonly T[], tryWith: (one: T) => Promise<void>): Promise<void> {
  const outcomes = await Promise.allSettled(all.map(tryWith))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

/** Its own process group, so that what it starts goes with it. */
function launch({ namespace, directory }: Plan, argv: readonly string[]): ChildProcess {
  const log = openSync(join(directory, 'log'), 'a')
  const options = { cwd: directory, detached: true, stdio: ['ignore', log, log] as const }
  return spawn('ip', ['netns', 'exec', namespace, ...argv], { ...options, stdio: [...options.stdio] })
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((exit) => child.once('exit', exit))
  process.kill(-child.pid!, 'SIGKILL')
  await gone
}
