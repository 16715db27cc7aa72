// What others do to routes and what becomes of interfaces, as the kernel tells everybody who has joined: RTNLGRP_LINK,
// RTNLGRP_IPV4_ROUTE and RTNLGRP_IPV6_ROUTE. One socket for both, since an interface takes its routes along when it goes, and
// a route that comes after its interface must not be taken for one from before.

import { CallError } from '../../libc.ts'
import type { KernelEvent, MonitorHandlers } from '../monitor.ts'
import type { RouteNews } from '../route-table.ts'
import { RTM_DELLINK, RTM_NEWLINK, readLink } from './link.ts'
import { type Message, messagesOf } from './message.ts'
import { RTM_DELROUTE, RTM_NEWROUTE, readRoute } from './route.ts'
import { NetlinkSocket } from './socket.ts'

const GROUPS = [1, 7, 11]
/** Room for a burst while we are busy, in bytes: some 10,000 routes. */
const RECEIVE_BUFFER = 8 * 1024 * 1024
/** So many events, then others have a turn. */
const SLICE = 256

/** Follows them until closed. What the socket `ourselves` brings about is not told: its answers have said it. */
export function followRoutes(
  { onEvent, onLost }: MonitorHandlers,
  ourselves: number,
  namespace?: string,
): RouteNews {
  const socket = new NetlinkSocket(RECEIVE_BUFFER, namespace)
  let isOpen = true

  const tell = (view: DataView): void => {
    for (const message of messagesOf(view)) {
      const event = eventOf(view, message, socket)
      if (event) onEvent(event)
    }
  }

  /** False when nothing has come. */
  const next = (): boolean => {
    try {
      const view = socket.receive()
      if (view) tell(view)
      return view !== undefined
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      onLost(`netlink receive error ${error.message} (${error.errno})`) // as `ip monitor` puts it; it goes on
      return true
    }
  }

  const drain = (most: number): void => {
    let count = 0
    while (isOpen && count < most && next()) count++
    if (isOpen && count === most) setImmediate(() => drain(SLICE))
  }

  socket.ignore(ourselves)
  for (const group of GROUPS) socket.join(group)
  socket.onReadable(() => drain(SLICE))
  return {
    ready: Promise.resolve(),
    catchUp: () => drain(Number.POSITIVE_INFINITY),
    close: async () => {
      isOpen = false
      socket.close()
    },
  }
}

function eventOf(view: DataView, message: Message, socket: NetlinkSocket): KernelEvent | undefined {
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return readLink(view, message)
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const route = readRoute(view, message, (index) => socket.nameOf(index))
      return route && { kind: 'route', deleted: message.type === RTM_DELROUTE, route }
    }
  }
  return undefined
}
