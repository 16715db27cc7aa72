// One route that comes and goes: from its UPDATE to the kernel's word, with nothing else to do and beside a load.

import { Worker } from 'node:worker_threads'
import { Client } from '../client.ts'
import { clientAddress, DAEMON } from '../ground.ts'
import { RouteWatch } from '../kernel.ts'
import { type Measure, withDaemon } from '../measure.ts'
import { percentile } from '../stats.ts'
import { announce, block, withdraw } from '../updates.ts'

/** The block that flaps, beyond those of the load. */
const FLAPPING = 200_000
/** Routes that the other peer announces and withdraws all the time. */
const LOAD = 100_000
/** Who takes long for each has so many milliseconds for all; it shows in the figures all the same. */
const ROUNDS_MS = 8_000

export const flap: Measure = {
  name: 'flap',
  title: 'One route: UPDATE in → in the kernel',
  unit: 'µs',
  sizes: [200],
  smoke: 5,
  takes: ({ routes }) => routes,

  run(ground, contestant, size) {
    const isSmoke = size === this.smoke
    return withDaemon(
      ground,
      () => ground.start(contestant, 'router', 2),
      async ({ pids: [pid] }) => {
        const local = clientAddress(0)
        const client = await new Client({ local, remote: DAEMON }).up()
        const watch = new RouteWatch(pid!, block(FLAPPING))
        const [come, go] = [announce(FLAPPING, FLAPPING + 1, local), withdraw(FLAPPING, FLAPPING + 1)]

        const rounds = async (): Promise<number[]> => {
          const times: number[] = []
          const end = performance.now() + ROUNDS_MS
          for (let i = 0; i < size && performance.now() < end; i++) {
            for (const bytes of [come, go]) {
              const begin = performance.now()
              void client.say(bytes) // written before this returns
              watch.wait()
              times.push((performance.now() - begin) * 1_000)
              await new Promise((resolve) => setTimeout(resolve, 2))
            }
          }
          return times.filter((_, i) => i % 2 === 0)
        }
        await rounds()
        const idle = await rounds()
        const load = await startLoad(isSmoke ? 500 : LOAD)
        const busy = await rounds()
        await load.terminate()
        watch.close()
        client.close()
        return {
          'idle, median': percentile(idle, 50),
          'idle, p99': percentile(idle, 99),
          'beside a load, median': percentile(busy, 50),
          'beside a load, p99': percentile(busy, 99),
        }
      },
    )
  },
}

/** Resolves when the load is under way. */
async function startLoad(routes: number): Promise<Worker> {
  const workerData = { local: clientAddress(1), remote: DAEMON, routes }
  const worker = new Worker(new URL('../load.ts', import.meta.url), { workerData })
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  return worker
}
