// A pod that the datastore tells of, until its route is in the kernel.

import { execFileSync } from 'node:child_process'
import type { Document } from '../../src/cluster/feed.ts'
import { bareWatcher } from '../contestants/bare-watcher.ts'
import { OURS } from '../contestants/index.ts'
import { DAEMON, type Ground } from '../ground.ts'
import { newsMeasure } from '../news.ts'

/** Beyond the blocks of the peer. */
const NETWORK = [10, 255, 0, 0] as const
/** They take turns: an address is not given again at once, and the connections of its former tenant have to be forgotten first. */
const PODS = 8

export const pod = newsMeasure({
  name: 'pod',
  title: 'A pod in the datastore → its route in the kernel, beside so many routes of a peer',
  takes: ({ name }, size) => name === OURS || (name === bareWatcher.name && size === 0),
  clients: 1,
  hears: DAEMON,
  turns: Array.from({ length: PODS }, (_, i) => [endpoint(i)]),
  network: [NETWORK, 32 - Math.log2(PODS)],

  prepare(ground) {
    link(ground, 'add calibench type veth peer name bench')
    for (const end of ['calibench', 'bench']) link(ground, `set ${end} up`)
    return () => link(ground, 'del calibench')
  },
})

function link({ namespace }: Ground, args: string): void {
  execFileSync('ip', ['-n', namespace, 'link', ...args.split(' ')], { stdio: 'pipe' })
}

function endpoint(i: number): Document {
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'WorkloadEndpoint',
    metadata: { name: `node-k8s-pod--${i}-eth0`, namespace: 'default', labels: {} },
    spec: {
      orchestrator: 'k8s',
      node: 'node',
      pod: `pod-${i}`,
      endpoint: 'eth0',
      containerID: 'c0ffee',
      ipNetworks: [`${[...NETWORK.slice(0, 3), i].join('.')}/32`],
      profiles: [],
      interfaceName: 'calibench',
      mac: '66:3e:ca:a4:db:65',
    },
  }
}
