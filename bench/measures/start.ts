// A daemon that starts, until what its peer has is in the kernel: all of it still to be put there, or all there already.

import { Client } from '../client.ts'
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

  async run(ground, contestant, size) {
    const begin = performance.now()
    return withDaemon(
      ground,
      () => ground.start(contestant, 'router', 1),
      async ({ pids: [pid] }) => {
        const local = clientAddress(0)
        const all = announce(0, size, local)
        const client = await new Client({ local, remote: DAEMON }).up()
        const before = routeCount(pid!)
        void client.say(all)
        const end = await routesReach(pid!, (count) => count >= before + size)
        client.close()
        return { [`${shown(size)} routes`]: (end - begin) / 1_000 }
      },
    )
  },
}
