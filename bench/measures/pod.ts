// A pod that the datastore tells of, until its route is in the kernel: with nothing else there, and beside routes of a peer.

import { execFileSync } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { stringify } from 'yaml'
import { Client } from '../client.ts'
import { OURS } from '../contestants/index.ts'
import { fill } from '../fill.ts'
import { clientAddress, DAEMON, type Ground } from '../ground.ts'
import { RouteWatch } from '../kernel.ts'
import { type Measure, shown, withDaemon } from '../measure.ts'
import { percentile } from '../stats.ts'

/** Beyond the blocks of the peer. */
const ADDRESS = [10, 255, 0, 1] as const
const TRIES = 50

export const pod: Measure = {
  name: 'pod',
  title: 'A pod in the datastore → its route in the kernel, beside so many routes of a peer',
  unit: 'ms',
  sizes: [0, 100_000],
  smoke: 10,
  takes: ({ name }) => name === OURS,

  run: (ground, contestant, size) =>
    withDaemon(
      ground,
      () => ground.start(contestant, 'router', 1),
      async (running) => {
        const [pid] = running.pids
        const local = clientAddress(0)
        const client = await new Client({ local, remote: DAEMON }).up()
        await fill(client, pid!, size)
        link(ground, 'add calibench type veth peer name bench')
        for (const end of ['calibench', 'bench']) link(ground, `set ${end} up`)
        const watch = new RouteWatch(pid!, Buffer.from(ADDRESS).readUInt32BE())
        const times: number[] = []
        for (let i = 0; i < (size === pod.smoke ? 2 : TRIES); i++) {
          for (const text of [endpoint(), '']) {
            await pause(50)
            const begin = performance.now()
            put(join(running.directory, 'store'), text)
            watch.wait()
            if (text) times.push(performance.now() - begin)
          }
        }
        watch.close()
        client.close()
        link(ground, 'del calibench')
        const beside = `beside ${shown(size)} routes`
        return { [`${beside}, median`]: percentile(times, 50), [`${beside}, p99`]: percentile(times, 99) }
      },
    ),
}

function link({ namespace }: Ground, args: string): void {
  execFileSync('ip', ['-n', namespace, 'link', ...args.split(' ')], { stdio: 'pipe' })
}

/** As the datastore wants it: whole at once. An empty file is the pod's end. */
function put(store: string, text: string): void {
  writeFileSync(join(store, '.pod.new'), text)
  renameSync(join(store, '.pod.new'), join(store, 'pod.yaml'))
}

function endpoint(): string {
  return stringify({
    apiVersion: 'projectcalico.org/v3',
    kind: 'WorkloadEndpoint',
    metadata: { name: 'node-k8s-pod-eth0', namespace: 'default', labels: {} },
    spec: {
      orchestrator: 'k8s',
      node: 'node',
      pod: 'pod',
      endpoint: 'eth0',
      containerID: 'c0ffee',
      ipNetworks: [`${ADDRESS.join('.')}/32`],
      profiles: [],
      interfaceName: 'calibench',
      mac: '66:3e:ca:a4:db:65',
    },
  })
}
