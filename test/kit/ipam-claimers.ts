// A process full of claimers: nodes that all look after their tunnel addresses at the same time, over one real datastore.
// A program of its own, so that it can be killed. Prints a line before every operation, and one that says how it ended.
//
// node test/kit/ipam-claimers.ts '{"datastore": {…}, "nodes": ["n0"], "seed": 1}'

import { isRace } from '../../src/cluster/races.ts'
import { openDatastore } from '../../src/edge/datastore/index.ts'
import type { IpamStore } from '../../src/ipam/ipam.ts'
import { reconcileTunnelAddresses } from '../../src/ipam/tunnel-addresses.ts'
import { ipamOver, seeded } from './ipam.ts'

const { datastore, nodes, seed } = JSON.parse(process.argv[2]!)
const store = openDatastore(datastore)
const pools = await store.list('IPPool')

function announced(): IpamStore {
  const announce = <A extends unknown[], R>(work: (...args: A) => Promise<R>) => {
    return (...args: A): Promise<R> => {
      process.stdout.write('operation\n')
      return work(...args)
    }
  }
  const { get, list, create, update, delete: remove } = store
  return {
    get: announce(get),
    list: announce(list),
    create: announce(create),
    update: announce(update),
    delete: announce(remove),
  }
}

/** As the agent does, until it succeeds. */
async function claim(node: string, random: () => number): Promise<void> {
  const ipam = ipamOver(announced(), { pools, random, now: () => BigInt(Date.now()) * 1_000_000n })
  for (;;) {
    try {
      const { problems } = await reconcileTunnelAddresses(ipam, node)
      if (problems.length > 0) throw new Error(problems.join())
      return
    } catch (error) {
      if (!isRace(error)) throw error
    }
  }
}

await Promise.all(nodes.map((node: string, index: number) => claim(node, seeded(seed * 1000 + index))))
await store.close()
process.stdout.write('done\n')
