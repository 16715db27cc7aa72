// Routes in over one session until all are in the kernel, and out again.

import { Client } from '../client.ts'
import { bird } from '../contestants/bird.ts'
import { OURS } from '../contestants/index.ts'
import { byIproute2 } from '../contestants/ours.ts'
import { clientAddress, DAEMON } from '../ground.ts'
import { routeCount, routesReach } from '../kernel.ts'
import { type Measure, shown, withDaemon } from '../measure.ts'
import { announce, blockText, withdraw } from '../updates.ts'

/** What no way through ip(8) can beat. */
export const batch: Measure = {
  name: 'batch',
  title: 'The same routes by `ip -batch` alone, one program and one file',
  unit: 's',
  sizes: [10_000, 100_000],
  smoke: 200,
  takes: ({ name }) => name === byIproute2.name,

  async run(ground, _, size) {
    const lines = (verb: string) =>
      Array.from(
        { length: size },
        (_, i) => `route ${verb} ${blockText(i)} via ${clientAddress(0)} proto bird`,
      )
    const timed = (verb: string): number => {
      const begin = performance.now()
      ground.batch(lines(verb))
      return (performance.now() - begin) / 1_000
    }
    return { [`${shown(size)} in`]: timed('replace'), [`${shown(size)} out`]: timed('del') }
  },
}

export const ingest: Measure = {
  name: 'ingest',
  title: 'Routes in over one session until all are in the kernel; and out',
  unit: 's',
  sizes: [10_000, 100_000, 400_000],
  smoke: 200,
  takes: ({ name, routes }, size) => routes && (size < 400_000 || [OURS, bird.name].includes(name)),

  run: (ground, contestant, size) =>
    withDaemon(
      ground,
      () => ground.start(contestant, 'router', 1),
      async ({ pids: [pid] }) => {
        const local = clientAddress(0)
        const client = await new Client({ local, remote: DAEMON }).up()
        const [first, all, gone] = [
          announce(0, 1, local),
          announce(1, size + 1, local),
          withdraw(1, size + 1),
        ]
        const before = routeCount(pid!)
        await client.say(first) // some daemons hold back when a session is new
        await routesReach(pid!, (count) => count > before)

        const timed = async (bytes: Buffer, count: number): Promise<number> => {
          const begin = performance.now()
          void client.say(bytes)
          const end = await routesReach(pid!, (reached) => reached === before + count)
          return (end - begin) / 1_000
        }
        const into = await timed(all, 1 + size)
        const out = await timed(gone, 1)
        client.close()
        return { [`${shown(size)} in`]: into, [`${shown(size)} out`]: out }
      },
    ),
}
