// Interfaces as rtnetlink(7) tells of them: `struct ifinfomsg` and its attributes, linux/if_link.h.

import type { LinkEvent } from '../monitor.ts'
import { eachAttribute, LITTLE, type Message, textOf } from './message.ts'

export const RTM_NEWLINK = 16
export const RTM_DELLINK = 17

/** Length of `struct ifinfomsg`. */
const IFINFOMSG = 16
const AF_UNSPEC = 0
const IFF_UP = 0x1
/** ip(8) prints its absence, as NO-CARRIER. */
const IFF_RUNNING = 0x40
const IFLA_IFNAME = 3
const IFLA_MTU = 4

/** Reads an RTM_NEWLINK or RTM_DELLINK; undefined when it is about a port of a bridge, which is another matter. */
export function readLink(view: DataView, { type, from, to }: Message): LinkEvent | undefined {
  if (view.getUint8(from) !== AF_UNSPEC) return undefined
  const flags = view.getUint32(from + 8, LITTLE)
  let name = ''
  let mtu = 0
  eachAttribute(view, from + IFINFOMSG, to, (attribute, start, end) => {
    if (attribute === IFLA_IFNAME) name = textOf(view, start, end)
    else if (attribute === IFLA_MTU) mtu = view.getUint32(start, LITTLE)
  })
  return {
    kind: 'link',
    deleted: type === RTM_DELLINK,
    index: view.getInt32(from + 4, LITTLE),
    name,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0,
    mtu,
  }
}
