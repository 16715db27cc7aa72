// The same cluster data, the same kernel: what real Felix left on a node (test/recordings/felix) is what the plan wants.

import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { documentFromEtcd } from '../../src/cluster/etcd-keys.ts'
import type { ProgramClusterRoutes } from '../../src/cluster/model.ts'
import type { Tunnel } from '../../src/plan/wanted.ts'
import { Cluster, line } from '../kit/plan.ts'

interface Recording {
  readonly kvs: readonly { readonly key: string; readonly value: string }[]
  readonly 'node-a': Readonly<Record<string, string>>
}

const folder = new URL('../recordings/felix/', import.meta.url)

/** What of ours BIRD would have written, which did not run. */
const leftToBird: Readonly<Record<string, RegExp>> = {
  'nat-off.json': /^blackhole/,
  'no-encap.json': /^blackhole/,
  'two-pools.json': /^blackhole 10\.66\./,
}

for (const file of readdirSync(folder)) {
  t.test(`${file}: routes, devices, neighbours and FDB are Felix's`, async (t) => {
    const recording: Recording = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
    const cluster = load(recording)
    cluster.settle()
    const { plan } = cluster
    const printed = recording['node-a']
    const routes = ourRoutes(cluster).filter((route) => !leftToBird[file]?.test(route))
    t.same(routes.sort(), felixRoutes(`${printed['ip route']}\n${printed['ip -6 route']}`).sort())
    t.same([...plan.tunnels.values()].map(ourDevice), felixDevices(printed['ip -d link']!))
    t.same([...plan.neighbors.values()].map(ourNeighbor).sort(), felixNeighbors(printed))
    t.same([...plan.fdb.values()].map(ourFdbEntry).sort(), lines(printed['bridge fdb']!).sort())
  })
}

function load({ kvs }: Recording): Cluster {
  const documents = kvs.flatMap(({ key, value }) => documentFromEtcd(key, value, '1') ?? [])
  const felix = documents.find(({ kind }) => kind === 'FelixConfiguration')?.spec
  const { programClusterRoutes } = felix as { programClusterRoutes: ProgramClusterRoutes | undefined }
  return new Cluster('node-a')
    .tunnels({ programClusterRoutes })
    .set(...documents)
    .link('eth0', '172.20.0.11/24', 'fd20::11/64')
    .link('cali1')
    .link('cali2')
}

/** But for what we do otherwise: one metric for all, and protocol 80 for VXLAN too. The kernel puts IPv6 blackholes on `lo`. */
function felixRoutes(printed: string): string[] {
  return lines(printed)
    .filter((text) => !/^default|proto kernel/.test(text))
    .map((text) => text.replace(/ dev lo| proto 80| metric \d+| pref medium/g, ''))
}

function ourRoutes({ plan }: Cluster): string[] {
  return [...plan.routes()].map((route) => line(route).replace(/\/(32|128)\b| proto 80/g, ''))
}

/** One line for each tunnel device: its name, MTU, and what a VXLAN device is made of. */
function felixDevices(printed: string): string[] {
  return printed.split(/^\d+: /m).flatMap((text) => {
    const device = /^(tunl0|vxlan[\w.-]*)[@:].* mtu (\d+)/.exec(text)
    const vxlan = /ether (\S+).* id (\d+) local (\S+) dev (\S+) .*dstport (\d+) nolearning/s.exec(text)
    return device ? [[...device.slice(1), ...(vxlan?.slice(1) ?? [])].join(' ')] : []
  })
}

function ourDevice({ name, mtu, vxlan: v }: Tunnel): string {
  return [name, mtu, ...(v ? [v.mac, v.vni, v.local, v.parent, v.port] : [])].join(' ')
}

function felixNeighbors(printed: Recording['node-a']): string[] {
  const both = `${printed['ip neigh show nud permanent']}\n${printed['ip -6 neigh show nud permanent']}`
  return [...new Set(lines(both))].sort()
}

function ourNeighbor({ address, device, mac }: { address: string; device: string; mac: string }): string {
  return `${address} dev ${device} lladdr ${mac} PERMANENT`
}

function ourFdbEntry(entry: { mac: string; device: string; destination: string }): string {
  return `${entry.mac} dev ${entry.device} dst ${entry.destination} self permanent`
}

function lines(printed: string): string[] {
  return printed
    .split('\n')
    .map((text) => text.trim())
    .filter((text) => text !== '')
}
