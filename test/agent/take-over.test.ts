// Taking a node over from calico-node: for each state in which real Felix was recorded, in the form of each version whose
// routes look different, the whole agent starts on a kernel as it was left. The story take-over does it beside real BIRDs.

import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { TakeOver } from '../../src/agent/take-over.ts'
import { documentFromEtcd } from '../../src/cluster/etcd-keys.ts'
import type { AnyKind, Document } from '../../src/cluster/feed.ts'
import type { AgentStatus } from '../../src/edge/control/api.ts'
import type { Kernel } from '../../src/edge/kernel/kernel.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { type RunningAgent, startAgent } from '../kit/agent.ts'
import { namespaces } from '../kit/bird.ts'
import { cable } from '../kit/namespace.ts'
import { needsRoot } from '../kit/needs-root.ts'
import { until } from '../kit/until.ts'

t.setTimeout(400_000) // twenty seconds on a quiet machine

const DEADLINE = 60_000

/** A kernel with one route of ours, and how often it was read again. */
function lone() {
  const route = {
    prefix: prefix('10.65.1.0/26'),
    type: 'unicast',
    protocol: 'bird',
    because: 'found',
  } as const
  const told: string[] = []
  const takeOver = new TakeOver({
    kernel: {
      routes: { actual: () => [route, { ...route, protocol: '80' }] } as unknown as Kernel['routes'],
      reread: async () => void told.push('read again'),
    },
    pools: { claim: (pool) => pool === prefix('10.65.0.0/16') },
    plan: { adopt: (routes) => told.push(`adopts ${[...routes].length}`) },
    log: { info: () => {}, warn: () => {} },
    onBegin: (adopted) => told.push(`begins with ${adopted}`),
  })
  return { takeOver, told }
}

t.test('what is ours already is not read again; BGP routes are adopted, all of them counted', async (t) => {
  const { takeOver, told } = lone()
  takeOver.claim(prefix('10.66.0.0/16')) // which is no news
  await Promise.all([takeOver.begin(), takeOver.begin()])
  t.same(told, ['adopts 1', 'begins with 2'])
})

t.test('pools that are news have the kernel read again, before it is taken over or at once', async (t) => {
  const { takeOver, told } = lone()
  takeOver.claim(prefix('10.65.0.0/16'))
  t.same(told, [], 'once for all of them')
  takeOver.doubt()
  await takeOver.begin()
  t.same(told, ['read again', 'adopts 1', 'begins with 2'])
  takeOver.claim(prefix('10.65.0.0/16'))
  t.equal(told.at(-1), 'read again')
})

/** A route that ends what a monitor has to tell. */
const LAST = '192.0.2.99'

interface Recording {
  readonly kvs: readonly { readonly key: string; readonly value: string }[]
  readonly 'node-a': Readonly<Record<string, string>>
}

/** A route of Felix v3.34, as `ip route` prints it, in the form of another version. */
type Form = (route: string) => string

const workloadMetric = / metric 1024$/
const withoutMetric: Form = (route) => (route.includes(' via ') ? route : route.replace(workloadMetric, ''))
const withoutMtu: Form = (route) => route.replace(/ mtu \d+/, '')
/** BIRD wrote what reaches other nodes without VXLAN, by its own way to node-c behind the router, and the blackholes. */
const byBird: Form = (route) =>
  route.replace(/ proto 80( onlink)?/, ' proto bird').replace('via 172.21.0.13', 'via 172.20.0.1')

const v333: Form = (route) => route
const v331: Form = withoutMetric
const v328: Form = (route) => withoutMtu(withoutMetric(route))
const bird328: Form = (route) => byBird(v328(route))
const bird332: Form = (route) => byBird(route).replace(/( via .*)$/, '$1 metric 1024')

const states: readonly (readonly [recording: string, version: string, form: Form])[] = [
  ['vxlan-always', 'v3.33', v333],
  ['vxlan-always', 'v3.31', v331],
  ['vxlan-always', 'v3.28', v328],
  ['vxlan-cross-subnet', 'v3.28', v328],
  ['vxlan-v6', 'v3.33', v333],
  ['nat-settings', 'v3.33', v333],
  ['no-encap-felix', 'v3.33', v333],
  ['no-encap-felix', 'v3.28, by BIRD', bird328],
  ['no-encap-felix', 'v3.32, by BIRD', bird332],
]

for (const [number, [name, version, form]] of states.entries()) {
  t.test(`${name} of ${version}: no wanted route is ever away`, needsRoot, async (t) => {
    const recording: Recording = JSON.parse(
      readFileSync(new URL(`../recordings/felix/${name}.json`, import.meta.url), 'utf8'),
    )
    const left = recording['node-a']
    const routes = routesOf(left).map(form)
    const namespace = machine(t, `n${number}`, left)
    const inside = (command: string, input?: string) => run(namespace, command, input)
    inside('ipset restore', left['ipset save'])
    inside('iptables-nft-restore', left['iptables-save -t nat'])
    inside('ip -batch -', routes.map((route) => `route add ${route}\n`).join(''))
    const devices = inside('ip -br link')
    const monitor = watchRoutes(t, namespace)

    const agent = startAgent(t, { namespace, node: 'node-a', documents: documentsOf(recording) })
    await until('it is done', () => isDone(agent), DEADLINE)
    await until('NAT is ours', () => !inside('iptables-nft-save -t nat').includes('cali-'), DEADLINE)

    await until('nothing of theirs is left', () => !inside('ip route').includes('metric'), DEADLINE)
    inside(`ip route add blackhole ${LAST}`)
    await until('the monitor has told of it', () => monitor().some((line) => line.includes(LAST)), DEADLINE)

    const wanted = new Set(routes.map(destination))
    t.same(gaps(routes, monitor(), wanted), [], 'each had a route all the time')
    const now = `${inside('ip route')}\n${inside('ip -6 route')}`.split('\n').map(destination)
    for (const one of wanted) t.ok(now.includes(one), one)
    t.equal(inside('ip -br link'), devices, 'no device was made anew')
    t.notMatch(inside('ipset list -n'), /cali[46]0(masq|all|this)/)
  })
}

/** All that is wanted is in force. */
function isDone(agent: RunningAgent): boolean {
  if (!agent.log().includes('node start-up done')) return false
  const { kernel }: AgentStatus = JSON.parse(agent.ask('status', '--output', 'json'))
  return kernel.every(({ wanted, inForce }) => wanted === inForce)
}

function documentsOf({ kvs }: Recording): Document<AnyKind>[] {
  return kvs.flatMap(({ key, value }) => documentFromEtcd(key, value, '1') ?? [])
}

function routesOf(left: Recording['node-a']): string[] {
  return `${left['ip route']}\n${left['ip -6 route']}`
    .split('\n')
    .map((line) => line.trim().replace(' pref medium', ''))
    .filter((line) => line !== '' && !/^default|proto kernel|^fe80/.test(line))
}

/** `10.65.0.0/26` of a line that begins with it, or with the kind of the route. */
function destination(line: string): string {
  return line.split(' ').find((word) => /[.:]/.test(word)) ?? ''
}

/** The recorded machine: its cables, its pods' interfaces and its tunnel device. */
function machine(t: Test, name: string, left: Recording['node-a']): string {
  const lines = [
    ...cable('eth0', 'wire'),
    'addr add 172.20.0.11/24 dev eth0',
    'addr add fd20::11/64 dev eth0 nodad',
    'route add default via 172.20.0.1',
    'route add default via fd20::1',
    ...cable('cali1', 'pod1'),
    ...cable('cali2', 'pod2'),
    ...tunnel(left),
  ]
  return namespaces(t, { [name]: lines })(name)
}

function tunnel(left: Recording['node-a']): string[] {
  const device =
    /(vxlan\S*\.calico): .*? mtu (\d+).*?link\/ether (\S+).*?vxlan id (\d+) local (\S+) dev eth0/s
  const [, name, mtu, mac, id, local] = device.exec(left['ip -d link']!) ?? []
  if (name === undefined) return []
  const [, address] = new RegExp(`${name}.*?inet6? (\\S+) scope global`, 's').exec(left['ip addr']!)!
  return [
    `link add ${name} address ${mac} type vxlan id ${id} local ${local} dev eth0 dstport 4789 nolearning`,
    `link set ${name} mtu ${mtu} up`,
    `addr add ${address} dev ${name}`,
  ]
}

/** What `ip monitor` has printed since. */
function watchRoutes(t: Test, namespace: string): () => string[] {
  const child = spawn('ip', ['-n', namespace, 'monitor', 'route'])
  let printed = ''
  child.stdout.on('data', (text) => {
    printed += text
  })
  const gone = new Promise((exit) => child.once('exit', exit))
  t.teardown(async () => {
    child.kill()
    await gone
  })
  return () => printed.split('\n').filter((line) => line !== '')
}

/** The changes after which one of `wanted` had no route. */
function gaps(before: readonly string[], changes: readonly string[], wanted: ReadonlySet<string>): string[] {
  const routes = new Set(before.map(identity))
  return changes.filter((change) => {
    const route = change.replace(/^Deleted /, '')
    if (change === route) routes.add(identity(route))
    else routes.delete(identity(route))
    const held = new Set([...routes].map(destination))
    return [...wanted].some((one) => !held.has(one))
  })
}

/** By which the kernel tells routes apart. */
function identity(route: string): string {
  return `${destination(route)} ${/metric \d+/.exec(route) ?? ''}`
}

function run(namespace: string, command: string, input?: string): string {
  return execFileSync('ip', ['netns', 'exec', namespace, ...command.split(' ')], {
    encoding: 'utf8',
    stdio: 'pipe',
    ...(input !== undefined && { input }),
  })
}
