// A document that comes to the datastore and goes again, and how long that takes to be a route in the kernel: with nothing else
// there, and beside routes of a peer.

import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from './client.ts'
import type { Running } from './contestant.ts'
import { OURS } from './contestants/index.ts'
import { fill } from './fill.ts'
import { clientAddress, DAEMON, type Ground } from './ground.ts'
import { RouteWatch } from './kernel.ts'
import { type Measure, shown, withDaemon } from './measure.ts'
import { percentile } from './stats.ts'

const TRIES = 50
const SMOKE = 10

export interface News extends Pick<Measure, 'name' | 'title'> {
  /** How many others the daemon knows; the first of them has the routes beside it. */
  readonly clients: number
  /** Where the route leads to, as four octets. */
  readonly destination: readonly number[]
  /** What is needed beside the daemon. */
  prepare(ground: Ground, running: Running): Promise<Prepared>
}

export interface Prepared {
  readonly document: string
  end(): unknown
}

export function newsMeasure({ name, title, clients, destination, prepare }: News): Measure {
  return {
    name,
    title,
    unit: 'ms',
    sizes: [0, 100_000],
    smoke: SMOKE,
    takes: (contestant) => contestant.name === OURS,

    run: (ground, contestant, size) =>
      withDaemon(
        ground,
        () => ground.start(contestant, 'router', clients),
        async (running) => {
          const pid = running.pids[0]!
          const client = await new Client({ local: clientAddress(0), remote: DAEMON }).up()
          await fill(client, pid, size)
          const { document, end } = await prepare(ground, running)
          const watch = new RouteWatch(pid, Buffer.from(destination).readUInt32BE())
          const times = await newsTimes(running, document, watch, size === SMOKE ? 2 : TRIES)
          watch.close()
          client.close()
          await end()
          const beside = `beside ${shown(size)} routes`
          return { [`${beside}, median`]: percentile(times, 50), [`${beside}, p99`]: percentile(times, 99) }
        },
      ),
  }
}

/** Whole at once, as a datastore of files wants it. An empty one is the document's end. */
export function put({ directory }: Running, text: string): void {
  const store = join(directory, 'store')
  writeFileSync(join(store, '.news.new'), text)
  renameSync(join(store, '.news.new'), join(store, 'news.yaml'))
}

/** Milliseconds from the document to what `watch` watches, each time it came. */
async function newsTimes(
  running: Running,
  document: string,
  watch: RouteWatch,
  tries: number,
): Promise<readonly number[]> {
  const times: number[] = []
  for (let i = 0; i < tries; i++) {
    for (const text of [document, '']) {
      await pause(50)
      const begin = performance.now()
      put(running, text)
      watch.wait()
      if (text) times.push(performance.now() - begin)
    }
  }
  return times
}
