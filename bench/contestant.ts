// What is measured: a daemon that takes routes from its peers, told apart only by its configuration and its programs.

import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Address } from '../src/inet/address.ts'

/** AS of all of them, and of all their peers. */
export const ASN = 64512

/** What a daemon is to do. */
export interface Setup {
  readonly namespace: string
  /** For its files. */
  readonly directory: string
  readonly address: Address
  readonly clients: readonly Address[]
  /** `router`: what it learns goes to the kernel; `reflector`: to its clients, and not to the kernel. */
  readonly role: 'router' | 'reflector'
}

export interface Contestant {
  readonly name: string
  /** Whether it takes routes from peers to this kernel. */
  readonly routes: boolean
  /** Whether it is measured as a reflector. */
  readonly reflects: boolean
  files(setup: Setup): Readonly<Record<string, string>>
  /** Programs, in the order in which they are started; files are in the directory they run in. */
  programs(setup: Setup): readonly (readonly string[])[]
  /** Once, before anything is measured. */
  prepare?(): void
  environment?(setup: Setup): Readonly<Record<string, string>>
  /** It is asked to end, and waited for: it has something to write. Others are killed, without a word to anybody. */
  readonly endsByItself?: true
  /** The same with an etcd as the cluster's datastore, for who has one. */
  withEtcd?(url: string): Contestant
}

/** A daemon at work. */
export class Running {
  readonly #children: readonly ChildProcess[]
  readonly #contestant: Contestant
  readonly setup: Setup
  /** Of the clock of `performance`, in milliseconds. */
  readonly startedAt = performance.now()

  constructor(contestant: Contestant, setup: Setup) {
    this.#contestant = contestant
    this.setup = setup
    mkdirSync(setup.directory, { recursive: true })
    chmodSync(setup.directory, 0o777) // some run as a user of their own
    for (const [name, text] of Object.entries(contestant.files(setup))) {
      mkdirSync(join(setup.directory, name, '..'), { recursive: true })
      writeFileSync(join(setup.directory, name), text)
    }
    const environment = { ...process.env, ...contestant.environment?.(setup) }
    this.#children = contestant.programs(setup).map((argv) => launch(setup, argv, environment))
  }

  get directory(): string {
    return this.setup.directory
  }

  /** It and all that it has started. */
  get pids(): number[] {
    return this.#children.flatMap(({ pid }) => withChildren(pid!))
  }

  /** The end of what it has printed. */
  get log(): string {
    return readFileSync(join(this.setup.directory, 'log'), 'utf8').slice(-2_000)
  }

  signal(signal: NodeJS.Signals): void {
    for (const child of this.#children) child.kill(signal)
  }

  async kill(): Promise<void> {
    const { endsByItself } = this.#contestant
    await Promise.all(this.#children.map((child) => ended(child, endsByItself ? 'SIGTERM' : 'SIGKILL')))
  }
}

/** Becomes the program: `ip netns exec` leaves nothing behind. */
function launch(
  { namespace, directory }: Setup,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): ChildProcess {
  const log = openSync(join(directory, 'log'), 'a')
  return spawn('ip', ['netns', 'exec', namespace, ...argv], {
    cwd: directory,
    env,
    detached: true,
    stdio: ['ignore', log, log],
  })
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((exit) => child.once('exit', exit))
  process.kill(-child.pid!, signal) // its own group, so that what it started goes with it
  await gone
}

function withChildren(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(withChildren)]
}
