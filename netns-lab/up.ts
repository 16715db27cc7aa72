// A lab from nothing to running, and back to nothing.
//
// Whatever is about to be made is noted in the lab's state first, and `tearDown` needs that note alone: it does not matter
// whether a lab ended well, was interrupted half way, or was killed.

import { rmdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { claimBlock } from './cluster/claims.ts'
import { startDocuments } from './cluster/documents.ts'
import type { Store } from './cluster/store.ts'
import { addPod } from './cni.ts'
import { startAgent } from './daemons/agent.ts'
import { startRouterBird } from './daemons/bird.ts'
import { labDatastore } from './daemons/datastore.ts'
import { forgetFrr, startRouterFrr } from './daemons/frr.ts'
import { makeNetwork, type Place } from './kernel/network.ts'
import { end, endAllIn, self } from './kernel/processes.ts'
import { namespaces, run } from './kernel/run.ts'
import { type Lab, LabError, namespaceName } from './lab.ts'
import {
  claim,
  currentBoot,
  directoryOf,
  elsewhere,
  isBusy,
  loadState,
  release,
  type State,
  type StoreType,
  saveState,
} from './state.ts'
import { machines, readTopology, type Topology } from './topology/index.ts'

export interface UpOptions {
  readonly store: StoreType
  /** Interrupts the work; what is there by then is removed. */
  readonly signal: AbortSignal
  /** Told what is being done, a line each. */
  readonly progress: (line: string) => void
}

/** Paths of unix sockets have 107 bytes at most, and the longest of ours ends so. */
const longestSocket = '/aaaaaaaaaaaaaaa/caracal.sock'
const longestDirectory = 107 - longestSocket.length

/**
 * Makes everything of a topology file and starts it. What an earlier run has left is removed first.
 *
 * @throws LabFileError, LabError, CommandError, AbortError; then nothing is left
 */
export async function up(file: string, options: UpOptions): Promise<Lab> {
  const topology = readTopology(file)
  const { name } = topology
  refuse(name)
  if (loadState(name)) options.progress(`removing what the last run of ${name} has left`)
  await tearDown(name)
  claim(name)
  // Those of a lab whose state was lost.
  await removeNamespaces(namesOf(topology).map((each) => namespaceName(name, each)))
  try {
    return await build(file, topology, options)
  } catch (err) {
    await tearDown(name)
    throw err
  }
}

/** Makes a lab, works with it, and removes it in any case. */
export async function withLab<T>(
  file: string,
  options: UpOptions,
  work: (lab: Lab) => Promise<T>,
): Promise<T> {
  const lab = await up(file, options)
  try {
    return await work(lab)
  } finally {
    await tearDown(lab.name)
  }
}

/** Ends all processes of a lab, removes its namespaces and, last, its files. Does nothing for a lab that is not there. */
export async function tearDown(name: string): Promise<void> {
  const state = loadState(name)
  if (!state) return
  await Promise.all(Object.values(state.processes).map((process) => end(process, 'SIGKILL')))
  await removeNamespaces(state.namespaces)
  rmSync(directoryOf(name), { recursive: true, force: true })
  release(name)
  removeIfEmpty(dirname(directoryOf(name)))
}

/** @throws LabError when somebody else works with the lab, or it cannot be made here */
export function refuse(name: string): void {
  const state = loadState(name)
  if (state && isBusy(state)) throw new LabError(`process ${state.owner.pid} is at work on the lab ${name}`)
  const other = elsewhere(name)
  if (other) throw new LabError(`the lab ${name} is up in ${other}, and a machine can have one of that name`)
  const directory = directoryOf(name)
  if (Buffer.byteLength(directory) > longestDirectory)
    throw new LabError(`${directory} is too long for unix sockets: move the repository to a shorter path`)
}

/** A lab that is up, for a command that did not make it. @throws LabError when it is not there */
export function attach(name: string, signal: AbortSignal): Lab {
  const state = loadState(name)
  if (!state) throw new LabError(`there is no lab ${name}`)
  return labOf(readTopology(state.topologyFile), state, signal)
}

async function build(file: string, topology: Topology, options: UpOptions): Promise<Lab> {
  const { store, signal, progress } = options
  const { name, nodes } = topology
  const state: State = {
    topologyFile: file,
    store,
    boot: currentBoot(),
    owner: self(),
    namespaces: [],
    processes: {},
    pods: [],
  }
  saveState(name, state)
  const lab = labOf(topology, state, signal)
  progress(
    `${name}: network of ${machines(topology)
      .map((machine) => machine.name)
      .join(', ')}`,
  )
  await makeNetwork(lab)
  progress(`${name}: datastore ${store}, ${topology.pods.length} pods`)
  await lab.datastore.start(lab)
  await fill(lab)
  for (const machine of machines(topology)) {
    if (machine.bird) await startRouterBird(lab, machine)
    if (machine.frr) await startRouterFrr(lab, machine)
  }
  const started = nodes.filter((node) => node.started)
  if (started.length > 0)
    progress(`${name}: starting what runs on ${started.map((node) => node.name).join(', ')}`)
  for (const node of started) await startAgent(lab, node)
  return lab
}

function labOf(topology: Topology, state: State, signal: AbortSignal): Lab {
  const { name } = topology
  const directory = directoryOf(name)
  const datastore = labDatastore(state.store, topology, directory)
  const place: Place = {
    topology,
    signal,
    namespaceOf: (of) => namespaceName(name, of),
    note(change) {
      if ('made' in change) state.namespaces.push(change.made)
      else state.namespaces = state.namespaces.filter((each) => each !== change.gone)
      saveState(name, state)
    },
  }
  let opened: Store | undefined
  return {
    ...place,
    name,
    directory,
    state,
    datastore,
    // The process beside etcd can start only once there is a namespace for it.
    get store() {
      opened ??= datastore.open(place)
      return opened
    },
  }
}

async function fill(lab: Lab): Promise<void> {
  const { topology, state, store } = lab
  for (const document of startDocuments(topology, state.store)) await store.create(document)
  for (const { name, blocks } of topology.nodes)
    for (const block of blocks) await claimBlock(store, block, name)
  for (const pod of topology.pods) await addPod(lab, pod)
}

/** Everything of a topology that has a namespace. */
function namesOf(topology: Topology): string[] {
  return [...topology.segments, ...machines(topology), ...topology.pods].map(({ name }) => name)
}

async function removeNamespaces(names: readonly string[]): Promise<void> {
  const there = await namespaces()
  for (const name of names.filter((name) => there.has(name))) {
    await endAllIn(name)
    await run(['ip', 'netns', 'del', name])
    forgetFrr(name)
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch (err) {
    // EBUSY: in the virtual machine it is a mount of its own.
    if (!['ENOTEMPTY', 'ENOENT', 'EBUSY'].includes((err as NodeJS.ErrnoException).code ?? '')) throw err
  }
}
