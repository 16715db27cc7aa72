// What a table of routes costs our own process, stage by stage: `node bench/pipeline.ts [ROUTES]`, as anybody, in seconds.
//
// No sockets, and a kernel that takes everything: UPDATEs of one peer as bytes, through speaker, plan and reconciler, to what
// the writer is handed, in portions as a socket brings them. To be run with --cpu-prof by those who want to know more.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { SpeakerEvent } from '../src/bgp/events.ts'
import { Speaker } from '../src/bgp/speaker.ts'
import { ClusterView } from '../src/cluster/view.ts'
import type { RouteTable } from '../src/edge/kernel/route-table.ts'
import { Routes } from '../src/edge/kernel/routes.ts'
import { systemClock } from '../src/edge/system-clock.ts'
import { address } from '../src/inet/address.ts'
import { type Prefix, parseCidr } from '../src/inet/prefix.ts'
import { Announcements } from '../src/plan/announcements.ts'
import { Plan } from '../src/plan/plan.ts'
import { Reconciler } from '../src/reconcile/reconciler.ts'
import { bgpConfiguration, node, pool } from '../test/kit/documents.ts'
import { settings } from '../test/kit/plan.ts'
import { announce, keepalive, openMessage, POOL, withdraw } from './updates.ts'

const ROUTES = Number(process.argv[2] ?? 100_000)
/** What Node reads from a socket at once. */
const PORTION = 65_536
const PORTIONS_A_TURN = 4
const [SELF, PEER] = [address('172.30.0.1'), address('172.30.1.1')]
const STAGES = ['speaker', 'plan', 'reconciler', 'announcements'] as const

type Stage = (typeof STAGES)[number]

let spent: Record<Stage, number>

/** Adds the processor time of this thread. */
function timed<T>(stage: Stage, work: () => T): T {
  const begin = threadMs()
  const result = work()
  spent[stage] += threadMs() - begin
  return result
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

const plan = new Plan('node', { ...settings, bgp: { enabled: true, routerId: undefined } })
const view = new ClusterView()
const documents = [
  bgpConfiguration('default', { asNumber: 64512, nodeToNodeMeshEnabled: true }),
  pool('default', POOL),
  node('node', `${SELF}/16`),
  node('peer', `${PEER}/16`),
]
for (const document of documents) for (const change of view.apply(document)) plan.cluster(change)
plan.underlay(
  [{ name: 'eth0', index: 2, running: true, mtu: 1500, addresses: [parseCidr(`${SELF}/16`)!] }],
  [],
)

const speaker = new Speaker({
  random: () => 0,
  restarting: false,
  advertise: ({ prefix }) => plan.advertise(prefix),
  reach: (nextHop) => plan.reach(nextHop),
})
const table: RouteTable = {
  read: async function* () {},
  replace: async (routes) => routes.map(() => undefined),
  remove: async (routes) => routes.map(() => undefined),
  close: async () => {},
  watch: () => ({ ready: Promise.resolve(), catchUp: () => {}, close: async () => {} }), // as rtnetlink
}
const kind = new Routes({
  table,
  ownership: {
    settings: { workloadPrefixes: ['cali'], removeExternalRoutes: true, workloadProtocol: 3 },
    owns: () => true,
  },
  saved: { claim: () => false, release: () => {} },
  graceOf: () => 0,
  onForeign: () => {},
})
const routes = new Reconciler(kind, systemClock)
const announcements = new Announcements({
  wanted: (prefix) => plan.originations.get(prefix),
  leansOn: (prefix) => plan.leansOn(prefix),
  inForce: (route) => routes.inForce(route),
})

function step(event: SpeakerEvent): void {
  const actions = timed('speaker', () => speaker.step(event, 0))
  for (const action of actions) {
    if (action.kind === 'flush-soon') setImmediate(() => step({ kind: 'flush' }))
    if (action.kind !== 'best') continue
    timed('plan', () => {
      for (const change of action.changes) plan.best(change)
    })
  }
}

/** As the agent does it: see its `#turn` and `#onRound`. */
async function turn(): Promise<void> {
  const changes = timed('plan', () => plan.settle())
  timed('reconciler', () => {
    for (const { prefix, route } of changes.routes) routes.want(prefix, route)
  })
  const begin = threadMs()
  await routes.apply({ prune: true })
  spent.reconciler += threadMs() - begin
  timed('announcements', () => {
    for (const { key } of routes.takeInForce())
      for (const prefix of plan.leaningOn(key as Prefix)) announcements.touch(prefix)
    announcements.settle()
  })
}

async function say(bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    for (let i = 0; i < PORTIONS_A_TURN; i++, at += PORTION)
      step({ kind: 'bytes', connection: 'in#1', chunk: bytes.subarray(at, at + PORTION) })
    await turn()
  }
}

/** Without what nobody holds. */
function memory(): string {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, rss } = process.memoryUsage()
  return `heap ${(heapUsed / 1e6).toFixed(1)} MB, resident ${Math.round(rss / 1e6)} MB`
}

async function measured(what: string, bytes: Buffer): Promise<void> {
  spent = { speaker: 0, plan: 0, reconciler: 0, announcements: 0 }
  const before = process.cpuUsage()
  await say(bytes)
  const { user, system } = process.cpuUsage(before)
  const shares = STAGES.map((stage) => `${stage} ${Math.round(spent[stage])}`).join(', ')
  const ms = Math.round((user + system) / 1_000)
  console.log(`${what}: ${ms} ms of processor time, of this thread ${shares}; ${memory()}`)
}

spent = { speaker: 0, plan: 0, reconciler: 0, announcements: 0 }
plan.settle()
step({ kind: 'peers', set: [...plan.peers.values()], remove: [] })
step({ kind: 'accepted', connection: 'in#1', remote: PEER, local: SELF })
await say(Buffer.concat([openMessage(PEER, 90), keepalive]))
console.log(`at first: ${memory()}`)
const [all, gone] = [announce(0, ROUTES, PEER), withdraw(0, ROUTES)]
await measured('in', all)
await measured('out', gone)
await measured('in again', all)
await measured('out again', gone)
process.exit()
