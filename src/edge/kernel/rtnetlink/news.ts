// What others do to routes, as the kernel tells everybody who has joined: RTNLGRP_IPV4_ROUTE and RTNLGRP_IPV6_ROUTE.

import type { MonitorHandlers } from '../monitor.ts'
import type { RouteNews } from '../route-table.ts'
import { CallError } from './libc.ts'
import { messagesOf } from './message.ts'
import { RTM_DELROUTE, RTM_NEWROUTE, readRoute } from './route.ts'
import { NetlinkSocket } from './socket.ts'

const GROUPS = [7, 11]
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
      if (message.type !== RTM_NEWROUTE && message.type !== RTM_DELROUTE) continue
      const route = readRoute(view, message, (index) => socket.nameOf(index))
      if (route) onEvent({ kind: 'route', deleted: message.type === RTM_DELROUTE, route })
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
