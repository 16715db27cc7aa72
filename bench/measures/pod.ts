// A pod that the datastore tells of, until its route is in the kernel: with nothing else there, and beside routes of a peer.

import { execFileSync } from 'node:child_process'
import { stringify } from 'yaml'
import { Client } from '../client.ts'
import { OURS } from '../contestants/index.ts'
import { fill } from '../fill.ts'
import { clientAddress, DAEMON, type Ground } from '../ground.ts'
import { RouteWatch } from '../kernel.ts'
import { type Measure, withDaemon } from '../measure.ts'
import { figuresBeside, newsTimes } from '../news.ts'

/** Beyond the blocks of the peer. */
const ADDRESS = [10, 255, 0, 1] as const

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
        const times = await newsTimes(running, endpoint(), watch, size === pod.smoke)
        watch.close()
        client.close()
        link(ground, 'del calibench')
        return figuresBeside(size, times)
      },
    ),
}

function link({ namespace }: Ground, args: string): void {
  execFileSync('ip', ['-n', namespace, 'link', ...args.split(' ')], { stdio: 'pipe' })
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
