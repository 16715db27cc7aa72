// Which nodes a BGPPeer asks to peer.

import type { BgpPeer, Node } from '../cluster/model.ts'

export function appliesTo(peer: BgpPeer, node: Node | undefined): boolean {
  if (peer.node !== undefined) return peer.node === node?.name
  return peer.nodeSelector === undefined || (node !== undefined && peer.nodeSelector.matches(node.labels))
}
