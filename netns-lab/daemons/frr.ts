// Real FRR, as a router with a configuration of its own: zebra for routes, bgpd, and bfdd.
//
// Its daemons give up root early, and leave nothing where their user cannot go: sockets and configuration are in a folder
// of FRR's own place, named after the namespace (FRR calls it a pathspace).

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { outcome, run } from '../kernel/run.ts'
import { type Lab, LabError, startProcess } from '../lab.ts'
import type { Machine } from '../topology/index.ts'
import { until } from '../until.ts'

const home = '/run/frr'
const user = 'frr'

/** All others ask zebra, and try again only after seconds when it is not there. */
const daemons = ['zebra', 'bgpd', 'bfdd'] as const

type Daemon = (typeof daemons)[number]

/** Starts the FRR of a router or host. All of its configuration is bgpd's. @throws LabError when that is wrong */
export async function startRouterFrr(lab: Lab, machine: Machine): Promise<void> {
  await write(lab, machine)
  await check(lab, machine)
  for (const daemon of daemons) {
    await startProcess(lab, {
      name: `${machine.name} ${daemon}`,
      machine: machine.name,
      argv: [...argvOf(lab, machine, daemon), '--log', 'stdout'],
      environment: {},
      log: `${daemon}.log`,
    })
    await answers(lab, machine, daemon)
  }
}

/** What is left of the FRR of a namespace, when its processes are gone. */
export function forgetFrr(namespace: string): void {
  rmSync(join(home, namespace), { recursive: true, force: true })
}

async function write(lab: Lab, { name, frr }: Machine): Promise<void> {
  const directory = join(home, lab.namespaceOf(name))
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'frr.conf'), frr!)
  await run(['chown', '-R', `${user}:${user}`, directory], { signal: lab.signal })
}

/** A daemon says what is wrong in its log only, and goes on. */
async function check(lab: Lab, machine: Machine): Promise<void> {
  const words = await run([...argvOf(lab, machine, 'bgpd'), '--dryrun'], { signal: lab.signal })
  const [wrong] = /\S+ (\S+ )*on config line .*/.exec(words.replace(/.*\] /, '')) ?? []
  if (wrong !== undefined) throw new LabError(`${machine.name}: frr: ${wrong}`)
}

async function answers(lab: Lab, { name }: Machine, daemon: Daemon): Promise<void> {
  const question = ['vtysh', '-N', lab.namespaceOf(name), '-d', daemon, '-c', 'show version']
  const hears = async () => (await outcome(question, { signal: lab.signal })).code === 0
  if (!(await until(hears, { deadlineMs: 30_000, signal: lab.signal })))
    throw new LabError(`${name}: ${daemon} does not answer`)
}

function argvOf(lab: Lab, { name }: Machine, daemon: Daemon): string[] {
  const namespace = lab.namespaceOf(name)
  const configuration = daemon === 'bgpd' ? join(home, namespace, 'frr.conf') : '/dev/null'
  return [`/usr/lib/frr/${daemon}`, '-N', namespace, '-f', configuration, '-P', '0']
}
