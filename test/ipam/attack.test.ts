// Many nodes want an address out of one pool at once, in several processes over one real datastore, and the processes
// are killed in the middle of it. No address is ever given twice, and the run after leaves nothing to be put right.
//
// Every process loads its code and talks to a real server or disk, so these take seconds. Who is killed after how many
// operations comes from a seed; how the operations of the others lie around that is the machine's.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { Datastore, Document } from '../../src/cluster/feed.ts'
import { type DatastoreSettings, openDatastore } from '../../src/edge/datastore/index.ts'
import { nthAddress } from '../../src/inet/prefix.ts'
import { type BlockSpec, recordOf } from '../../src/ipam/block.ts'
import { startEtcd } from '../kit/etcd.ts'
import { leftovers, node, pool, seeded, violations } from '../kit/ipam.ts'
import { recordingSink } from '../kit/sink.ts'

const SEED = 20260304
const DEADLINE_MS = 120_000
t.setTimeout(2 * DEADLINE_MS)
const program = fileURLToPath(new URL('../kit/ipam-claimers.ts', import.meta.url))

interface Attack {
  readonly datastore: DatastoreSettings
  readonly processes: number
  readonly nodesEach: number
  /** How many times all are started and killed before they are left alone. */
  readonly rounds: number
}

/** How a process ended: by itself, or killed after so many operations. */
function claimers(argument: object, survives: number): Promise<'done' | 'killed'> {
  const child = spawn(process.execPath, [program, JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let operations = 0
  let isDone = false
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'done') isDone = true
    else if (++operations === survives) child.kill('SIGKILL')
  })
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => {
      if (isDone || signal === 'SIGKILL') resolve(isDone ? 'done' : 'killed')
      else reject(new Error(`claimers ended with ${code ?? signal}`))
    })
  })
}

async function attack(t: Test, { datastore, processes, nodesEach, rounds }: Attack): Promise<void> {
  const store = openDatastore(datastore)
  t.teardown(() => store.close())
  const names = Array.from({ length: processes * nodesEach }, (_, index) => `n${index}`)
  // Fewer blocks than nodes: most have to borrow from each other.
  await store.create(pool('a', '10.66.0.0/26', { blockSize: 29 }))
  for (const name of names) await store.create(node(name))
  const watcher = transfers(store)
  await watcher.inSync

  const random = seeded(SEED)
  for (let round = 0; round <= rounds; round++) {
    const ends = Array.from({ length: processes }, (_, index) => {
      const nodes = names.slice(index * nodesEach, (index + 1) * nodesEach)
      const survives = round < rounds ? 1 + Math.floor(random() * nodesEach * 15) : Number.POSITIVE_INFINITY
      return claimers({ datastore, nodes, seed: round * processes + index }, survives)
    })
    const ended = await Promise.all(ends)
    t.comment(`round ${round}: ${ended.join(', ')}`)
    const check = round < rounds ? violations : leftovers
    t.same(check(await everything(store)), [], `after round ${round}`)
    if (round === rounds) t.ok(ended.every((end) => end === 'done'))
  }
  const addresses = (await store.list('Node')).map(
    ({ spec }) => (spec as { bgp: Record<string, string> }).bgp.ipv4IPIPTunnelAddr,
  )
  t.equal(new Set(addresses).size, names.length, 'every node has an address of its own')
  t.same(watcher.seen, [], 'no address went from one node to another without being free in between')
}

async function everything(store: Datastore): Promise<Document[]> {
  const kinds = ['Node', 'IPAMBlock', 'BlockAffinity', 'IPAMHandle'] as const
  return (await Promise.all(kinds.map((kind) => store.list(kind)))).flat()
}

/** Follows every block and compares each version with the one before. */
function transfers(store: Datastore): { readonly seen: string[]; readonly inSync: Promise<void> } {
  const seen: string[] = []
  const holders = new Map<string, string>()
  const sink = recordingSink()
  const set = sink.set
  sink.set = (document) => {
    set(document)
    if (document.kind !== 'IPAMBlock') return
    const block = document.spec as BlockSpec
    for (const ordinal of block.allocations.keys()) {
      const address = nthAddress(block.cidr, ordinal)
      const [before, now] = [holders.get(address), recordOf(block, address)?.secondary?.node]
      if (before !== undefined && now !== undefined && before !== now)
        seen.push(`${address}: ${before}, then ${now}`)
      if (now === undefined) holders.delete(address)
      else holders.set(address, now)
    }
  }
  store.watch(sink)
  return { seen, inSync: sink.until('in sync', () => sink.log.includes('in sync')) }
}

t.test('etcd: 50 nodes in five processes', { timeout: DEADLINE_MS }, async (t) => {
  const server = await startEtcd(t)
  const datastore: DatastoreSettings = { type: 'etcdv3', endpoints: [server.url] }
  await attack(t, { datastore, processes: 5, nodesEach: 10, rounds: 2 })
})

t.test('files: 12 nodes in four processes that share a directory', { timeout: DEADLINE_MS }, async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'caracal-ipam-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  await attack(t, { datastore: { type: 'file', path }, processes: 4, nodesEach: 3, rounds: 1 })
})
