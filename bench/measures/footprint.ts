// Resident memory and processor time, of a daemon and all that it has started.

import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Client, everyone, upWith } from '../client.ts'
import type { Contestant } from '../contestant.ts'
import { OURS } from '../contestants/index.ts'
import { fill } from '../fill.ts'
import { clientAddress, DAEMON } from '../ground.ts'
import { type Measure, shown, withDaemon } from '../measure.ts'
import { announce } from '../updates.ts'

/** Until nothing is left of what the start has brought about, in milliseconds. */
const SETTLED_MS = 3_000
const WATCHED_MS = 10_000
/** Of /proc/PID/stat, per second. */
const TICKS = 100

export const memory: Measure = {
  name: 'memory',
  title: 'Resident memory with so many routes of one peer in the kernel',
  unit: 'MB',
  sizes: [0, 100_000],
  smoke: 100,
  takes: ({ routes, reflects }, size) => routes || (reflects && size === 0),
  once: isOther,

  run: (ground, contestant, size) =>
    withDaemon(
      ground,
      () => ground.start(contestant, 'router', 1),
      async (running) => {
        const [pid] = running.pids
        const local = clientAddress(0)
        const client = await new Client({ local, remote: DAEMON }).up()
        await fill(client, pid!, size)
        await pause(size === memory.smoke ? 0 : SETTLED_MS)
        client.close()
        return { [`${shown(size)} routes`]: total(running.pids, residentOf) }
      },
    ),
}

export const clients: Measure = {
  name: 'clients',
  title: 'Resident memory of a reflector with 10,000 routes and so many clients that have them all',
  unit: 'MB',
  sizes: [100],
  smoke: 3,
  takes: ({ reflects }) => reflects,
  once: isOther,

  run: (ground, contestant, size) =>
    withDaemon(
      ground,
      () => ground.start(contestant, 'reflector', size + 1),
      async (running) => {
        const all = await upWith(size + 1)
        const [speaker, ...listeners] = all
        const routes = size === clients.smoke ? 200 : 10_000
        await speaker!.say(announce(0, routes, clientAddress(0)))
        await everyone(listeners, ({ announced }) => announced >= routes)
        await pause(size === clients.smoke ? 0 : SETTLED_MS)
        for (const client of all) client.close()
        return { [`${shown(size)} clients`]: total(running.pids, residentOf) }
      },
    ),
}

export const sessions: Measure = {
  name: 'sessions',
  title: 'Processor time of so many sessions with nothing to say',
  unit: '% of a core',
  sizes: [100],
  smoke: 2,
  takes: ({ reflects }) => reflects,
  once: isOther,

  run(ground, contestant, size) {
    const [settled, watched] = size === this.smoke ? [0, 100] : [SETTLED_MS, WATCHED_MS]
    return withDaemon(
      ground,
      () => ground.start(contestant, 'reflector', size),
      async (running) => {
        const all = await upWith(size)
        await pause(settled)
        const before = total(running.pids, ticksOf)
        await pause(watched)
        const used = (total(running.pids, ticksOf) - before) / TICKS
        for (const client of all) client.close()
        return { [`${shown(size)} sessions`]: (100 * used) / (watched / 1_000) }
      },
    )
  },
}

function isOther({ name }: Contestant): boolean {
  return name !== OURS
}

function total(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + of(pid), 0)
}

function residentOf(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1_000
}

function ticksOf(pid: number): number {
  const [, ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return Number(fields[10]) + Number(fields[11]) // utime, stime
}
