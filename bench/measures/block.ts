// A block that one node claims, until its route is in another's kernel: through the datastore, by BGP, and to the kernel. The
// second node has nothing else, or routes of a peer.

import { stringify } from 'yaml'
import { affinityDocument, blockDocument } from '../../netns-lab/cluster/documents.ts'
import { newBlock } from '../../netns-lab/cluster/ipam.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { Client } from '../client.ts'
import { OURS } from '../contestants/index.ts'
import { nodeBeside } from '../contestants/ours.ts'
import { fill } from '../fill.ts'
import { clientAddress, DAEMON } from '../ground.ts'
import { RouteWatch, routeCount, routesReach } from '../kernel.ts'
import { type Measure, withDaemon } from '../measure.ts'
import { figuresBeside, newsTimes, put } from '../news.ts'

/** Beyond those of the peer. */
const BLOCK = prefix('10.255.0.0/26')
/** Which of the clients is the node that claims. */
const CLAIMER = 1

export const block: Measure = {
  name: 'block',
  title: 'A block claimed on one node → its route in the kernel of another, beside so many routes of a peer',
  unit: 'ms',
  sizes: [0, 100_000],
  smoke: 10,
  takes: ({ name }) => name === OURS,

  run: (ground, contestant, size) =>
    withDaemon(
      ground,
      () => ground.start(contestant, 'router', 2),
      async (running) => {
        const [pid] = running.pids
        const client = await new Client({ local: clientAddress(0), remote: DAEMON }).up()
        await fill(client, pid!, size)
        const name = `peer-${CLAIMER}`
        const claimer = ground.startAmongPeers(nodeBeside(running, name), clientAddress(CLAIMER))
        await theyMeet(running.directory, claimOf(name), pid!)
        const watch = new RouteWatch(pid!, Buffer.from([10, 255, 0, 0]).readUInt32BE())
        const times = await newsTimes(running, claimOf(name), watch, size === block.smoke)
        watch.close()
        client.close()
        await claimer.kill()
        return figuresBeside(size, times)
      },
    ),
}

/** What IPAM writes for it. */
function claimOf(node: string): string {
  const documents = [blockDocument(newBlock(BLOCK, node, 0)), affinityDocument(node, BLOCK, 'confirmed')]
  return documents.map((document) => stringify(document)).join('---\n')
}

/** Resolves when a claim has gone all the way once, and is gone. */
async function theyMeet(directory: string, claim: string, pid: number): Promise<void> {
  const before = routeCount(pid)
  put(directory, claim)
  await routesReach(pid, (count) => count > before)
  put(directory, '')
  await routesReach(pid, (count) => count === before)
}
