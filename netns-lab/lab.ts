// A lab: what there is of it, and the processes it runs.

import { join } from 'node:path'
import type { Store } from './cluster/store.ts'
import type { LabDatastore } from './daemons/datastore.ts'
import type { Place } from './kernel/network.ts'
import { end, lives, start } from './kernel/processes.ts'
import { inside } from './kernel/run.ts'
import { repository, type State, saveState } from './state.ts'
import type { LabNode } from './topology/index.ts'

export interface Lab extends Place {
  readonly name: string
  /** Logs, sockets and data: `.lab/<name>`. */
  readonly directory: string
  readonly state: State
  readonly datastore: LabDatastore
  readonly store: Store
}

/** The lab cannot do what it is asked; the message says why, and what to do. */
export class LabError extends Error {
  override readonly name = 'LabError'
}

export interface ProcessSpec {
  /** What it is called in the state: unique in the lab. */
  readonly name: string
  /** Where it runs. */
  readonly machine: string
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** File name in the machine's directory. */
  readonly log: string
}

/** Where Node keeps compiled code, if the lab's own Node does. */
const { NODE_COMPILE_CACHE } = process.env
const compileCache = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }

export async function startProcess(lab: Lab, spec: ProcessSpec): Promise<void> {
  const { name, machine, argv, environment, log } = spec
  lab.signal.throwIfAborted()
  const running = lab.state.processes[name]
  if (running && lives(running)) throw new LabError(`${name} is running already`)
  const directory = join(lab.directory, machine)
  lab.state.processes[name] = await start(inside(lab.namespaceOf(machine), argv), {
    env: { PATH: commandPath(), HOME: directory, ...compileCache, ...environment },
    log: join(directory, log),
  })
  saveState(lab.name, lab.state)
}

/** Ends a process of the lab, if it is there. */
export async function stopProcess(lab: Lab, name: string, signal: NodeJS.Signals): Promise<void> {
  const process = lab.state.processes[name]
  if (!process) return
  await end(process, signal)
  delete lab.state.processes[name]
  saveState(lab.name, lab.state)
}

/** PATH inside the lab: `agent`, `birdc` and `vtysh` for this very node, then Node 24, then the system's. */
export function commandPath(): string {
  const node = join(process.execPath, '..')
  return [join(repository, 'netns-lab', 'bin'), node, '/usr/sbin:/usr/bin:/sbin:/bin'].join(':')
}

export function nodeNamed({ topology }: Lab, name: string): LabNode {
  const node = topology.nodes.find((each) => each.name === name)
  if (!node) throw new LabError(`there is no node ${name}`)
  return node
}

export function namespaceName(lab: string, name: string): string {
  return `caracal-${lab}-${name}`
}
