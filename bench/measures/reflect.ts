// A reflector: one client announces 10,000 routes, until the last of the others has them all; and withdraws them.

import { type Client, everyone, upWith } from '../client.ts'
import { gobgp } from '../contestants/gobgp.ts'
import { openbgpd } from '../contestants/openbgpd.ts'
import { clientAddress } from '../ground.ts'
import { type Measure, shown, withDaemon } from '../measure.ts'
import { announce, withdraw } from '../updates.ts'

export const reflect: Measure = {
  name: 'reflect',
  title: '10,000 routes of one client of a reflector until the last client has them all; and withdrawn',
  unit: 's',
  sizes: [10, 50, 100],
  smoke: 3,
  takes: ({ reflects }) => reflects,
  once: ({ name }, size) => size > 10 && [gobgp.name, openbgpd.name].includes(name),

  run(ground, contestant, size) {
    const routes = size === this.smoke ? 200 : 10_000
    return withDaemon(
      ground,
      () => ground.start(contestant, 'reflector', size + 1),
      async () => {
        const [speaker, ...listeners] = await upWith(size + 1)
        const local = clientAddress(0)
        await speaker!.say(announce(0, 1, local))
        await everyone(listeners, ({ announced }) => announced >= 1)
        await speaker!.say(withdraw(0, 1))
        await everyone(listeners, ({ withdrawn }) => withdrawn >= 1)

        const timed = async (bytes: Buffer, arrived: (client: Client) => boolean): Promise<number> => {
          const begin = performance.now()
          void speaker!.say(bytes)
          await everyone(listeners, arrived)
          return (performance.now() - begin) / 1_000
        }
        const into = await timed(announce(0, routes, local), ({ announced }) => announced >= 1 + routes)
        const out = await timed(withdraw(0, routes), ({ withdrawn }) => withdrawn >= 1 + routes)
        for (const client of [speaker!, ...listeners]) client.close()
        return { [`${shown(size)} clients`]: into, [`${shown(size)} clients, withdrawn`]: out }
      },
    )
  },
}
