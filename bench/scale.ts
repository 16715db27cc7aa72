// What a node's share of a large cluster costs: `node bench/scale.ts`, as anybody, a minute; docs/scale.md has what it prints.
//
// No sockets and no kernel: documents as a datastore hands them over, through the cluster view into the plan. Each row is a
// process of its own, so that memory is that of the row.

import { execFileSync } from 'node:child_process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Document } from '../src/cluster/feed.ts'
import { ClusterView } from '../src/cluster/view.ts'
import { parseCidr } from '../src/inet/prefix.ts'
import { Plan } from '../src/plan/plan.ts'
import { affinity, bgpConfiguration, bgpPeer, block, node, pool, workload } from '../test/kit/documents.ts'
import { settings } from '../test/kit/plan.ts'
import { median } from './stats.ts'

const SIZES = [100, 1_000, 5_000]
const BLOCKS = 4
const PODS = 32 // half of a block
const TRIES = 200
/** Not one of the reflectors. */
const OWN = 50
const SELF = `node-${OWN}`

const shapes: Readonly<Record<string, () => Document[]>> = {
  'BGP, full mesh': () => [
    pool('pods', '10.0.0.0/8'),
    bgpConfiguration('default', { nodeToNodeMeshEnabled: true }),
  ],
  'BGP, three reflectors': () => [
    pool('pods', '10.0.0.0/8'),
    bgpConfiguration('default', { nodeToNodeMeshEnabled: false }),
    bgpPeer('reflectors', { nodeSelector: 'all()', peerSelector: "reflector == 'yes'" }),
  ],
  VXLAN: () => [pool('pods', '10.0.0.0/8', { vxlanMode: 'Always' })],
}

const [, , shape, size] = process.argv
if (shape !== undefined && size !== undefined) console.log(row(shape, Number(size)))
else table()

function table(): void {
  console.log(
    '| cluster | nodes | sessions | routes from the datastore | memory, MB | all of it, s | a block, µs | a pod, µs |',
  )
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
  for (const name of Object.keys(shapes))
    for (const count of SIZES) {
      const argv = [import.meta.filename, name, `${count}`]
      process.stdout.write(execFileSync(process.execPath, argv, { encoding: 'utf8' }))
    }
}

function row(name: string, count: number): string {
  const view = new ClusterView()
  const plan = new Plan(SELF, { ...settings, bgp: { enabled: name !== 'VXLAN', routerId: undefined } })
  const take = (document: Document): void => {
    for (const change of view.apply(document)) plan.cluster(change)
  }
  const claim = (cidr: string): void => {
    for (const document of claimed(1, cidr)) take(document)
  }
  const timed = (work: () => void): number => {
    const begin = performance.now()
    work()
    plan.settle()
    return performance.now() - begin
  }
  const addresses = [parseCidr(addressOf(OWN))!]
  plan.underlay([{ name: 'eth0', index: 2, running: true, mtu: 1500, addresses }], [])
  const before = used()
  const whole = timed(() => {
    for (const document of shapes[name]!()) take(document)
    for (let n = 0; n < count; n++) for (const document of nodeAndBlocks(n)) take(document)
  })
  const memory = used() - before
  const blocks = tries((i) => timed(() => claim(`10.250.${i}.0/26`)))
  const pods = tries((i) => timed(() => take(workload(SELF, `pod-${i}`, `cali${i}`, `10.0.0.${i}/32`))))
  const remote = [...plan.routes()].filter(({ device }) => device === 'vxlan.calico').length
  const figures = [plan.peers.size, remote, memory.toFixed(1), (whole / 1_000).toFixed(2)]
  return `| ${[name, count, ...figures, Math.round(blocks * 1_000), Math.round(pods * 1_000)].join(' | ')} |`
}

function* nodeAndBlocks(n: number): Generator<Document> {
  const bytes = [n >> 8, n & 255]
  const spec = { ipv4VXLANTunnelAddr: `10.${16 + bytes[0]!}.${bytes[1]}.0`, vxlanTunnelMACAddr: mac(n) }
  const labels = { reflector: n < 3 ? 'yes' : 'no', 'kubernetes.io/hostname': `node-${n}` }
  yield node(`node-${n}`, addressOf(n), {
    labels,
    ...(n < 3 && { routeReflectorClusterID: '10.0.0.1' }),
    spec,
  })
  for (let b = 0; b < BLOCKS; b++) yield* claimed(n, `10.${16 + bytes[0]!}.${bytes[1]}.${b * 64}/26`)
}

function* claimed(n: number, cidr: string): Generator<Document> {
  const name = `node-${n}`
  yield affinity(name, cidr)
  yield block(cidr, name, Object.fromEntries(Array.from({ length: PODS }, (_, i) => [i, name])))
}

function addressOf(n: number): string {
  return `172.${16 + (n >> 8)}.${n & 255}.1/12`
}

function mac(n: number): string {
  return `66:00:00:00:${[n >> 8, n & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`
}

function tries(once: (i: number) => number): number {
  return median(Array.from({ length: TRIES }, (_, i) => once(i)))
}

/** MB on the heap, without what nobody holds. */
function used(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed / 1e6
}
