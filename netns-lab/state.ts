// What a lab has made, written down before it is made: so that a crash leaves nothing that the next start does not find.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lives, type ProcessId, self } from './kernel/processes.ts'

export const repository = join(import.meta.dirname, '..')
const home = join(repository, '.lab')
/** Who has which lab: its namespaces have names that another copy of this repository gives to its own. */
const claims = '/run/caracal-lab'

export const storeTypes = ['file', 'etcd', 'kubernetes'] as const

export type StoreType = (typeof storeTypes)[number]

/** A pod that is there. */
export interface RunningPod {
  readonly name: string
  readonly node: string
  readonly namespace: string
  readonly addresses: readonly string[]
}

/** `.lab/<lab>/state.json`. */
export interface State {
  readonly topologyFile: string
  readonly store: StoreType
  /** The boot in which all this was made: after another one no process and no namespace is left. */
  readonly boot: string
  /** The command that is working on the lab, if it still lives. */
  owner: ProcessId
  /** Names as ip(8) knows them. */
  namespaces: string[]
  /** By name: `node-a agent`, `etcd`, … */
  processes: Record<string, ProcessId>
  pods: RunningPod[]
}

/** Everything of a lab that is no namespace lies here. */
export function directoryOf(lab: string): string {
  return join(home, lab)
}

/** The labs that are there, whole or in part. */
export function labs(): string[] {
  return existsSync(home) ? readdirSync(home).filter((lab) => existsSync(fileOf(lab))) : []
}

/** Undefined when there is no such lab. Namespaces and processes of another boot are left out. */
export function loadState(lab: string): State | undefined {
  if (!existsSync(fileOf(lab))) return undefined
  const state: State = JSON.parse(readFileSync(fileOf(lab), 'utf8'))
  return state.boot === currentBoot() ? state : { ...state, namespaces: [], processes: {}, pods: [] }
}

/** In one step, so that a crash leaves the old state or the new one. */
export function saveState(lab: string, state: State): void {
  mkdirSync(directoryOf(lab), { recursive: true })
  writeFileSync(`${fileOf(lab)}.new`, `${JSON.stringify(state, null, 2)}\n`)
  renameSync(`${fileOf(lab)}.new`, fileOf(lab))
}

export function currentBoot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** True while another process works on the lab. */
export function isBusy({ boot, owner }: State): boolean {
  return boot === currentBoot() && owner.pid !== process.pid && lives(owner)
}

interface Claim {
  readonly directory: string
  readonly owner: ProcessId
}

/** From now on the lab is that of this copy of the repository. */
export function claim(lab: string): void {
  const held: Claim = { directory: directoryOf(lab), owner: self() }
  mkdirSync(claims, { recursive: true })
  writeFileSync(join(claims, lab), JSON.stringify(held))
}

/** The lab is nobody's, if it was ours. */
export function release(lab: string): void {
  if (claimOf(lab)?.directory === directoryOf(lab)) rmSync(join(claims, lab))
}

/** Where another copy of the repository has the lab; undefined when none has. */
export function elsewhere(lab: string): string | undefined {
  const { directory = directoryOf(lab), owner } = claimOf(lab) ?? {}
  if (directory === directoryOf(lab)) return undefined
  return existsSync(stateIn(directory)) || (owner && lives(owner)) ? directory : undefined
}

function claimOf(lab: string): Claim | undefined {
  const file = join(claims, lab)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

function fileOf(lab: string): string {
  return stateIn(directoryOf(lab))
}

function stateIn(directory: string): string {
  return join(directory, 'state.json')
}
