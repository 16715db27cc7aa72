// A daemon that starts, until what its peer has is in the kernel: all of it still to be put there, or all there already.

import { Client } from '../client.ts'
import type { Running } from '../contestant.ts'
import { clientAddress, DAEMON } from '../ground.ts'
import { routeCount, routesReach } from '../kernel.ts'
import { type Measure, shown, withDaemon } from '../measure.ts'
import { announce } from '../updates.ts'

export const start: Measure = {
  name: 'start',
  title: 'From the start of the process until the routes of one peer are in the kernel',
  unit: 's',
  sizes: [100_000],
  smoke: 200,
  takes: ({ routes }) => routes,

  run: (ground, contestant, size) =>
    withDaemon(
      ground,
      () => ground.start(contestant, 'router', 1),
      async (running) => {
        const cold = await untilThere(running, size, (before) => before + size)
        await running.kill()
        // One more than was left in the kernel, and it comes last: when it is there, so are the others.
        const again = ground.startAgain(contestant, running)
        const warm = await untilThere(again, size + 1, () => cold.count + 1)
        await again.kill()
        return {
          [`${shown(size)} routes`]: cold.seconds,
          [`${shown(size)} routes, left by the one before`]: warm.seconds,
        }
      },
    ),
}

/** From the start of a daemon until the kernel holds as many routes as it should when a peer has said so many. */
async function untilThere(
  { startedAt, pids }: Running,
  size: number,
  due: (before: number) => number,
): Promise<{ readonly seconds: number; readonly count: number }> {
  const local = clientAddress(0)
  const all = announce(0, size, local)
  const client = await new Client({ local, remote: DAEMON }).up()
  const count = due(routeCount(pids[0]!))
  void client.say(all)
  const end = await routesReach(pids[0]!, (reached) => reached === count)
  client.close()
  return { seconds: (end - startedAt) / 1_000, count }
}
