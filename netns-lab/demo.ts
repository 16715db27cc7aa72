// `npm run demo`: the main job, shown once. Three nodes, six pods, both families; ends well only if every pod reaches
// every other, and leaves nothing behind.

import { join } from 'node:path'
import { Command, Option } from 'commander'
import { shell } from './exec.ts'
import { interruptible, needRoot } from './interrupt.ts'
import type { Lab } from './lab.ts'
import { nextSteps } from './next-steps.ts'
import { allPings, matrix, unanswered } from './ping.ts'
import { report } from './report.ts'
import { type StoreType, storeTypes } from './state.ts'
import { until } from './until.ts'
import { up, withLab } from './up.ts'

const file = join(import.meta.dirname, 'topologies', 'demo.yaml')
const healthyMs = 60_000
const pingMs = 30_000

const options = new Command('npm run demo --')
  .description('Three nodes and six pods in network namespaces, from nothing to pings.')
  .addOption(
    new Option('--datastore <type>', 'where cluster data is kept').choices(storeTypes).default('file'),
  )
  .option('--keep', 'leave it running, and say what to type next')
  .parse()
  .opts<{ datastore: StoreType; keep?: boolean }>()

process.exitCode = await interruptible(async (signal) => {
  needRoot()
  const begin = Date.now()
  const progress = (line: string): void =>
    console.log(`${((Date.now() - begin) / 1000).toFixed(1).padStart(5)} s  ${line}`)
  const settings = { store: options.datastore, signal, progress }
  if (!options.keep) return withLab(file, settings, (lab) => show(lab, progress))
  const lab = await up(file, settings)
  const code = await show(lab, progress)
  console.log(nextSteps(lab))
  return code
})

/** Exit code 0 when all is right. */
async function show(lab: Lab, progress: (line: string) => void): Promise<number> {
  const [first] = lab.topology.nodes as [Lab['topology']['nodes'][0]]
  progress('waiting until each agent says that it is healthy')
  const sick = await unhealthy(lab)
  if (sick.length === 0) progress('all agents are healthy; every pod pings every pod')
  else progress(`not healthy after ${healthyMs / 1000} s: ${sick.join(', ')}`)
  const pings = allPings(lab)
  const lost = await unanswered(lab, pings, sick.length === 0 ? pingMs : 0)
  progress(`${pings.length - lost.length} of ${pings.length} pings were answered`)

  for (const command of ['agent status', 'ip route', 'ip -6 route'])
    console.log(`\n${first.name}# ${command}\n${(await shell(lab, first.name, command)).output.trimEnd()}`)
  console.log(`\nping IPv4: rows send, columns answer\n${matrix('ipv4', pings, lost)}`)
  console.log(`\nping IPv6\n${matrix('ipv6', pings, lost)}\n`)

  const good = sick.length === 0 && lost.length === 0
  console.log(good ? 'The demo is right.' : `${await report(lab)}\n\nThe demo is NOT right.`)
  return good ? 0 : 1
}

/** Nodes whose agent does not say in time that all is well. */
async function unhealthy(lab: Lab): Promise<string[]> {
  let left = lab.topology.nodes.map(({ name }) => name)
  await until(
    async () => {
      const codes = await Promise.all(left.map((name) => shell(lab, name, 'agent status')))
      left = left.filter((_, at) => codes[at]!.code !== 0)
      return left.length === 0
    },
    { deadlineMs: healthyMs, everyMs: 250, signal: lab.signal },
  )
  return left
}
