// What a person wants to see when something in a lab is not as it should be.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { shell } from './exec.ts'
import type { Lab } from './lab.ts'

const logLines = 25

/** `agent status` of all nodes, and the ends of all logs. */
export async function report(lab: Lab): Promise<string> {
  const nodes = lab.topology.nodes.filter(({ agent }) => agent === 'caracal')
  const parts: string[] = []
  for (const { name } of nodes) {
    const { code, output } = await shell(lab, name, 'agent status')
    parts.push(`---- ${name}: agent status (exit code ${code})\n${output}`)
  }
  return [...parts, ...logsOf(lab)].join('\n')
}

function logsOf({ directory }: Lab): string[] {
  const logs = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^[^/]+\/[^/]+\.log$/.test(file),
  )
  return logs.sort().map((log) => `---- ${log}\n${tail(join(directory, log))}`)
}

function tail(file: string): string {
  if (!existsSync(file)) return ''
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-logLines).join('\n')
}
