// Documents that come to the datastore and go again, and how long that takes to be a route in the kernel: with nothing else
// there, and beside routes of a peer.
//
// Two clocks run until the kernel tells of the route: from just before the transaction is handed to etcd, so that etcd's own
// part is in it, and from when etcd's word leaves for the node that is to act. What of the latter is Node's shows `a bare watcher`, which
// does no more than watch and write.

import { setTimeout as pause } from 'node:timers/promises'
import type { Document } from '../src/cluster/feed.ts'
import type { Address } from '../src/inet/address.ts'
import { Client } from './client.ts'
import type { Contestant } from './contestant.ts'
import { clusterDocuments } from './contestants/ours.ts'
import { fill } from './fill.ts'
import { clientAddress, DAEMON, type Ground } from './ground.ts'
import { RouteWatch, routeCount, routesReach } from './kernel.ts'
import { type Figures, type Measure, shown, withDaemon } from './measure.ts'
import { percentile } from './stats.ts'
import { type Store, startStore } from './store.ts'
import { stampNow, WordWatch } from './word.ts'

const TRIES = 200
const SMOKE = 10
/** Whose times do not count: by then the compiler has seen them all. */
const WARM_UP = 25
/** Between two attempts to be heard by who is still starting, in milliseconds. */
const AGAIN_MS = 200
/** Between two changes, in milliseconds: what the one before has left to do is done. */
const QUIET_MS = 40

export interface News extends Pick<Measure, 'name' | 'title' | 'takes'> {
  /** How many others the daemon knows; the first of them has the routes beside it. */
  readonly clients: number
  /** Where the node is whose datastore event begins it: that which is measured, or one among the peers. */
  readonly hears: Address
  /** What comes and goes, one after the other: all that is to be there at the same time. */
  readonly turns: readonly (readonly Document[])[]
  /** Into which their routes lead: four octets, and how many bits count. */
  readonly network: readonly [octets: readonly number[], bits: number]
  /** What is needed beside the daemon. Returns what ends it. */
  prepare(ground: Ground, store: Store): () => unknown
}

export function newsMeasure(news: News): Measure {
  const { clients, hears, turns, network, prepare, ...named } = news
  const [octets, bits] = network
  return {
    ...named,
    unit: 'ms',
    sizes: [0, 100_000],
    smoke: SMOKE,

    async run(ground, contestant, size) {
      const addresses = Array.from({ length: clients }, (_, i) => clientAddress(i))
      const store = await startStore(
        clusterDocuments({ address: DAEMON, clients: addresses, role: 'router' }),
      )
      const start = () => ground.start(contestant.withEtcd!(store.url), 'router', clients)
      try {
        return await withDaemon(ground, start, async ({ pids }) => {
          const pid = pids[0]!
          const peer = await fillBy(contestant, pid, size)
          const end = prepare(ground, store)
          await theyMeet(store, turns[0]!, pid)
          const route = new RouteWatch(pid, Buffer.from(octets).readUInt32BE(), bits)
          const word = new WordWatch(store.port, hears)
          const [warmUp, tries] = size === SMOKE ? [0, 2] : [WARM_UP, TRIES]
          await newsTimes(store, turns, { route, word }, warmUp)
          const times = await newsTimes(store, turns, { route, word }, tries)
          route.close()
          word.close()
          peer?.close()
          await end()
          return figures(`beside ${shown(size)} routes`, times)
        })
      } finally {
        await store.close()
      }
    },
  }
}

/** Who takes no routes from peers has none beside it. */
async function fillBy({ routes }: Contestant, pid: number, size: number): Promise<Client | undefined> {
  if (!routes) return undefined
  const client = await new Client({ local: clientAddress(0), remote: DAEMON }).up()
  await fill(client, pid, size)
  return client
}

/** Resolves when the documents have gone all the way once, and are gone. */
async function theyMeet(store: Store, documents: readonly Document[], pid: number): Promise<void> {
  const before = routeCount(pid)
  const again = setInterval(() => store.put(documents), AGAIN_MS)
  await routesReach(pid, (count) => count > before).finally(() => clearInterval(again))
  store.remove(documents)
  await routesReach(pid, (count) => count === before)
}

/** Of one change, in milliseconds until its route is in the kernel. */
interface Times {
  readonly sinceHanded: number
  readonly sinceWord: number
}

async function newsTimes(
  store: Store,
  turns: News['turns'],
  { route, word }: { readonly route: RouteWatch; readonly word: WordWatch },
  tries: number,
): Promise<readonly Times[]> {
  const times: Times[] = []
  for (let i = 0; i < tries; i++) {
    const documents = turns[i % turns.length]!
    await pause(QUIET_MS)
    word.clear()
    const begin = stampNow()
    store.put(documents)
    route.wait()
    const end = stampNow()
    times.push({ sinceHanded: end - begin, sinceWord: end - word.first() })
    await pause(QUIET_MS)
    store.remove(documents)
    route.wait()
  }
  return times
}

function figures(beside: string, times: readonly Times[]): Figures {
  const [whole, ours] = [times.map((one) => one.sinceHanded), times.map((one) => one.sinceWord)]
  return {
    [`${beside}, median`]: percentile(whole, 50),
    [`${beside}, p99`]: percentile(whole, 99),
    [`${beside}, since etcd's word, median`]: percentile(ours, 50),
    [`${beside}, since etcd's word, p99`]: percentile(ours, 99),
  }
}
