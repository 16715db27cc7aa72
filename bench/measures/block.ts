// A block that one node claims, until its route is in another's kernel: through the datastore, by BGP, and to the kernel.

import { stringify } from 'yaml'
import { affinityDocument, blockDocument } from '../../netns-lab/cluster/documents.ts'
import { newBlock } from '../../netns-lab/cluster/ipam.ts'
import { prefix } from '../../src/inet/prefix.ts'
import type { Running } from '../contestant.ts'
import { nodeBeside } from '../contestants/ours.ts'
import { clientAddress } from '../ground.ts'
import { routeCount, routesReach } from '../kernel.ts'
import { newsMeasure, put } from '../news.ts'

/** Beyond the blocks of the peer. */
const ADDRESS = [10, 255, 0, 0] as const
const BLOCK = prefix(`${ADDRESS.join('.')}/26`)
/** Which of the clients is the node that claims. */
const CLAIMER = 1

export const block = newsMeasure({
  name: 'block',
  title: 'A block claimed on one node → its route in the kernel of another, beside so many routes of a peer',
  clients: CLAIMER + 1,
  destination: ADDRESS,

  async prepare(ground, running) {
    const name = `peer-${CLAIMER}`
    const claimer = ground.startAmongPeers(nodeBeside(running, name), clientAddress(CLAIMER))
    const document = claimOf(name)
    await theyMeet(running, document)
    return { document, end: () => claimer.kill() }
  },
})

/** What IPAM writes for it. */
function claimOf(node: string): string {
  const documents = [blockDocument(newBlock(BLOCK, node, 0)), affinityDocument(node, BLOCK, 'confirmed')]
  return documents.map((document) => stringify(document)).join('---\n')
}

/** Resolves when a claim has gone all the way once, and is gone. */
async function theyMeet(running: Running, claim: string): Promise<void> {
  const pid = running.pids[0]!
  const before = routeCount(pid)
  put(running, claim)
  await routesReach(pid, (count) => count > before)
  put(running, '')
  await routesReach(pid, (count) => count === before)
}
