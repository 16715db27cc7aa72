// What runs on a node: our agent, what calico-node would run, or nobody. A row a kind.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { lives, type ProcessId } from '../kernel/processes.ts'
import { sysctl } from '../kernel/run.ts'
import { type Lab, startProcess, stopProcess } from '../lab.ts'
import { repository } from '../state.ts'
import type { LabNode } from '../topology/index.ts'
import { startNodeBird, stopBird } from './bird.ts'

/** The sources, or a bundle of them (CARACAL_LAB_AGENT). */
const program = process.env.CARACAL_LAB_AGENT ?? join(repository, 'src', 'main.ts')

interface Runner {
  start(lab: Lab, node: LabNode): Promise<void>
  stop(lab: Lab, node: LabNode, signal: NodeJS.Signals): Promise<void>
}

const runners: Readonly<Record<LabNode['agent'], Runner>> = {
  caracal: {
    start: (lab, node) =>
      startProcess(lab, {
        name: processName(node.name),
        machine: node.name,
        argv: [process.execPath, program, 'run'],
        environment: agentEnvironment(lab, node),
        log: 'agent.log',
      }),
    stop: (lab, node, signal) => stopProcess(lab, processName(node.name), signal),
  },
  bird: {
    async start(lab, node) {
      await forwarding(lab, node)
      await startNodeBird(lab, node)
    },
    stop: stopBird,
  },
  none: { start: async () => {}, stop: async () => {} },
}

export async function startAgent(lab: Lab, node: LabNode): Promise<void> {
  await runners[node.agent].start(lab, node)
}

/** SIGTERM for a clean stop; SIGKILL for a crash. */
export async function stopAgent(lab: Lab, node: LabNode, signal: NodeJS.Signals): Promise<void> {
  await runners[node.agent].stop(lab, node, signal)
}

/** The end that calico-node makes: its DaemonSet gives it no time. */
const partings: Readonly<Record<LabNode['agent'], NodeJS.Signals>> = {
  caracal: 'SIGTERM',
  bird: 'SIGKILL',
  none: 'SIGTERM',
}

/** From now on another program keeps the node. */
export async function changeAgent(lab: Lab, node: LabNode, to: LabNode['agent']): Promise<void> {
  await stopAgent(lab, node, partings[node.agent])
  node.agent = to
  await startAgent(lab, node)
}

/** The process of our agent on a node; undefined when it is not there. */
export function agentProcess({ state }: Lab, node: string): ProcessId | undefined {
  const process = state.processes[processName(node)]
  return process && lives(process) ? process : undefined
}

/** How the agent of a node is started, and how the commands find it. */
export function agentEnvironment(lab: Lab, node: LabNode): Record<string, string> {
  const home = join(lab.directory, node.name)
  mkdirSync(join(home, 'state'), { recursive: true })
  return {
    NODENAME: node.name,
    CARACAL_SOCKET: join(home, 'caracal.sock'),
    CARACAL_STATE_DIR: join(home, 'state'),
    // The pools of a lab are those of its topology and of the steps.
    NO_DEFAULT_POOLS: String(node.registered),
    ...lab.datastore.environment,
    ...node.environment,
  }
}

function processName(node: string): string {
  return `${node} agent`
}

/** Felix's part on a node that runs BIRD. */
async function forwarding(lab: Lab, { name }: LabNode): Promise<void> {
  const on = { 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 }
  await sysctl(lab.namespaceOf(name), on, lab.signal)
}
