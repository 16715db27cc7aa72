// How long our loop keeps everybody waiting while a full table comes in, and a session with the shortest hold time there is.

import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from '../client.ts'
import type { Contestant } from '../contestant.ts'
import { OURS } from '../contestants/index.ts'
import { withOptions } from '../contestants/ours.ts'
import { fill } from '../fill.ts'
import { clientAddress, DAEMON } from '../ground.ts'
import { type Measure, withDaemon } from '../measure.ts'

const probe = join(import.meta.dirname, '../lag-probe.ts')

export const lag: Measure = {
  name: 'lag',
  title: 'Delay of the event loop while 400,000 routes come in; a session of 3 s hold time stays up',
  unit: 'ms',
  sizes: [400_000],
  smoke: 500,
  takes: ({ name }) => name === OURS,

  run: (ground, contestant, size) =>
    withDaemon(
      ground,
      () => ground.start(probed(contestant), 'router', 2),
      async (running) => {
        const [pid] = running.pids
        const local = clientAddress(0)
        const [client, quiet] = await Promise.all([
          new Client({ local, remote: DAEMON }).up(),
          new Client({ local: clientAddress(1), remote: DAEMON, holdTime: 3 }).up(),
        ])
        running.signal('SIGUSR2') // from now on
        await fill(client, pid!, size)
        running.signal('SIGUSR2')
        while (!running.log.includes('}')) await pause(10)
        if (quiet.lost) throw new Error(`the quiet session ended: ${quiet.lost}`)
        for (const one of [client, quiet]) one.close()
        const { median, p99, max } = lastLine(running.log)
        return { median: median!, p99: p99!, max: max! }
      },
    ),
}

function probed(contestant: Contestant): Contestant {
  const { environment, ...rest } = withOptions(contestant, `--import ${probe}`)
  return { ...rest, environment: (setup) => ({ ...environment!(setup), CARACAL_LOG_LEVEL: 'none' }) }
}

function lastLine(log: string): Record<string, number> {
  return JSON.parse(log.trim().split('\n').at(-1)!)
}
