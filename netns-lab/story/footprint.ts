// What the agent of a node holds of its machine, before and after something that should cost neither memory nor descriptors.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentProcess } from '../daemons/agent.ts'
import type { Lab } from '../lab.ts'
import { CheckError, settle, type Telling } from './checks.ts'

interface Footprint {
  /** Resident, in MiB. */
  readonly memory: number
  /** Open files and sockets. */
  readonly descriptors: number
}

export function noteFootprint(lab: Lab, node: string): void {
  writeFileSync(noteFile(lab, node), JSON.stringify(footprint(lab, node)))
}

/** Waits until the agent has no more descriptors than were noted, and at most `memory` MiB more. @throws CheckError */
export async function checkFootprint(
  telling: Telling,
  node: string,
  memory: number,
  withinS: number,
): Promise<void> {
  const { lab } = telling
  const before: Footprint = JSON.parse(readFileSync(noteFile(lab, node), 'utf8'))
  await settle(telling, withinS, async () => {
    const now = footprint(lab, node)
    if (now.descriptors > before.descriptors)
      return `${node}: ${now.descriptors} descriptors, ${before.descriptors} before`
    if (now.memory - before.memory > memory)
      return `${node}: ${now.memory} MiB of memory, ${before.memory} before, and no more than ${memory} may come on top`
    return undefined
  })
}

function footprint(lab: Lab, node: string): Footprint {
  const process = agentProcess(lab, node)
  if (!process) throw new CheckError(`${node}: no agent runs`)
  const { pid } = process
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
  return {
    memory: Math.round(Number(kilobytes) / 1024),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  }
}

function noteFile({ directory }: Lab, node: string): string {
  return join(directory, node, 'footprint.json')
}
