// A block that one node claims, until its route is in another's kernel: through the datastore, by BGP, and to the kernel.

import { affinityDocument, blockDocument } from '../../netns-lab/cluster/documents.ts'
import { newBlock } from '../../netns-lab/cluster/ipam.ts'
import type { Document } from '../../src/cluster/feed.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { OURS } from '../contestants/index.ts'
import { nodeOf } from '../contestants/ours.ts'
import { clientAddress } from '../ground.ts'
import { newsMeasure } from '../news.ts'

/** Beyond the blocks of the peer. */
const ADDRESS = [10, 255, 0, 0] as const
const BLOCK = prefix(`${ADDRESS.join('.')}/26`)
/** Which of the clients is the node that claims. */
const CLAIMER = 1
const NAME = `peer-${CLAIMER}`

/** What IPAM writes. */
const claim: readonly Document[] = [
  blockDocument(newBlock(BLOCK, NAME, 0)),
  affinityDocument(NAME, BLOCK, 'confirmed'),
]

export const block = newsMeasure({
  name: 'block',
  title: 'A block claimed on one node → its route in the kernel of another, beside so many routes of a peer',
  takes: ({ name }) => name === OURS,
  clients: CLAIMER + 1,
  hears: clientAddress(0), // from which the kernel has everybody call who is among the peers
  turns: [claim],
  network: [ADDRESS, 26],

  prepare(ground, store) {
    const claimer = ground.startAmongPeers(nodeOf(store.url, NAME), clientAddress(CLAIMER))
    return () => claimer.kill()
  },
})
