// Real BIRD 2: as a router with a configuration of its own, or as the two daemons of a node that runs calico-node.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FAMILIES, type Family } from '../../src/inet/address.ts'
import { inside, run } from '../kernel/run.ts'
import { type Lab, startProcess, stopProcess } from '../lab.ts'
import type { LabNode, Machine } from '../topology/index.ts'
import { type ClusterData, calicoBird } from './calico-bird.ts'

/** calico-node's names of the two programs; both are the same one in BIRD 2. */
const programs: Readonly<Record<Family, string>> = { ipv4: 'bird', ipv6: 'bird6' }

/** The socket on which birdc talks to a daemon. */
export function birdSocket(lab: Lab, machine: string, family: Family = 'ipv4'): string {
  return join(lab.directory, machine, `${programs[family]}.ctl`)
}

/** Starts the BIRD of a router, a host or a pod. */
export async function startRouterBird(
  lab: Lab,
  { name, bird }: Pick<Machine, 'name' | 'bird'>,
): Promise<void> {
  write(lab, name, 'ipv4', bird!)
  await launch(lab, name, 'ipv4', [])
}

/** Starts the BIRDs of a node, always with recovery (-R), as calico-node does. */
export async function startNodeBird(lab: Lab, { name }: LabNode): Promise<void> {
  const data = await clusterData(lab)
  for (const family of FAMILIES) {
    const configuration = calicoBird(name, family, data)
    if (configuration === undefined) continue
    write(lab, name, family, configuration)
    await launch(lab, name, family, ['-R'])
  }
}

export async function stopBird(
  lab: Lab,
  { name }: Pick<Machine, 'name'>,
  signal: NodeJS.Signals,
): Promise<void> {
  for (const family of FAMILIES) await stopProcess(lab, processName(name, family), signal)
}

/** What confd does after a change of the cluster: a new configuration for each node whose old one no longer holds. */
export async function refreshNodeBirds(lab: Lab): Promise<void> {
  const nodes = lab.topology.nodes.filter(({ agent }) => agent === 'bird')
  if (nodes.length === 0) return
  const data = await clusterData(lab)
  for (const { name } of nodes) for (const family of FAMILIES) await refresh(lab, name, family, data)
}

async function refresh(lab: Lab, node: string, family: Family, data: ClusterData): Promise<void> {
  const configuration = calicoBird(node, family, data)
  const file = configurationFile(lab, node, family)
  if (configuration === undefined || !existsSync(file) || configuration === readFileSync(file, 'utf8')) return
  write(lab, node, family, configuration)
  if (!lab.state.processes[processName(node, family)]) return
  const command = ['birdc', '-s', birdSocket(lab, node, family), 'configure']
  await run(inside(lab.namespaceOf(node), command), { signal: lab.signal })
}

async function launch(lab: Lab, machine: string, family: Family, options: readonly string[]): Promise<void> {
  // A daemon would say so in its log only.
  await run(['bird', '-p', '-c', configurationFile(lab, machine, family)], { signal: lab.signal })
  const files = ['-c', configurationFile(lab, machine, family), '-s', birdSocket(lab, machine, family)]
  await startProcess(lab, {
    name: processName(machine, family),
    machine,
    argv: ['bird', '-f', ...options, ...files],
    environment: {},
    log: `${programs[family]}.log`,
  })
}

async function clusterData({ store }: Lab): Promise<ClusterData> {
  return {
    nodes: await store.list('Node'),
    pools: await store.list('IPPool'),
    affinities: await store.list('BlockAffinity'),
    bgpConfigurations: await store.list('BGPConfiguration'),
    bgpPeers: await store.list('BGPPeer'),
  }
}

function write(lab: Lab, machine: string, family: Family, configuration: string): void {
  mkdirSync(join(lab.directory, machine), { recursive: true })
  writeFileSync(configurationFile(lab, machine, family), configuration)
}

function configurationFile(lab: Lab, machine: string, family: Family): string {
  return join(lab.directory, machine, `${programs[family]}.conf`)
}

function processName(machine: string, family: Family): string {
  return `${machine} ${programs[family]}`
}
