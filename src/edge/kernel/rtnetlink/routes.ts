// The routing table by way of rtnetlink(7): some hundred routes a call, where `ip -batch` makes a call of each.

import { FAMILIES, type Family } from '../../../inet/address.ts'
import { CallError } from '../../libc.ts'
import type { Outcome } from '../batch.ts'
import type { KernelRoute, PrintedRoute } from '../kernel-route.ts'
import { InterruptedReading, type RouteTable } from '../route-table.ts'
import {
  type Answer,
  type Message,
  MessageWriter,
  messagesOf,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  readAnswer,
} from './message.ts'
import { followRoutes } from './news.ts'
import { missingDevice, RTM_NEWROUTE, readRoute, writeDelete, writeDump, writeReplace } from './route.ts'
import { ENOBUFS, ENOENT, NetlinkSocket } from './socket.ts'
import { noDeviceText, refusalText } from './words.ts'

/** Bytes to a call, some 250 routes: a millisecond of the kernel's time. */
const CALL = 16_384
/** Room for answers, in bytes: more than a call can bring about. */
const ANSWERS = 1024 * 1024

/** The main table. `namespace` as in `ip netns`, and less room for answers, are for tests. @throws when it cannot be had */
export function rtnetlinkRoutes(namespace?: string, answers = ANSWERS): RouteTable {
  const socket = new NetlinkSocket(answers, namespace)
  const writer = new RouteWriter(socket)
  return {
    read: () => readMain(namespace),
    replace: (routes) => writer.write(routes, writeReplace),
    remove: (routes) => writer.write(routes, writeDelete),
    watch: (handlers) => followRoutes(handlers, socket.portId, namespace),
    close: () => writer.close(),
  }
}

/** Messages that the kernel is handed together. */
interface Call {
  readonly bytes: Uint8Array
  /** Number of the first message. */
  readonly first: number
  readonly count: number
}

/** Writes in the order in which it is asked, a call at a time. */
class RouteWriter {
  readonly #socket: NetlinkSocket
  readonly #out = new MessageWriter()
  #sequence = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(socket: NetlinkSocket) {
    this.#socket = socket
  }

  /** Put into bytes at once, so that the kernel has them as soon as it is done with what it was asked before. */
  async write(routes: readonly KernelRoute[], encode: typeof writeReplace): Promise<readonly Outcome[]> {
    const indexOf = remembering((name: string) => this.#socket.indexOf(name))
    const absent = routes.map((route) => missingDevice(route, indexOf))
    const there = routes.filter((_, i) => absent[i] === undefined)
    const answered: Promise<readonly Outcome[]>[] = []
    for (let at = 0; at < there.length; ) {
      const call = this.#compose(there, at, (route) => encode(this.#out, this.#sequence, route, indexOf))
      answered.push(this.#inTurn(call))
      at += call.count
    }
    const outcomes = (await Promise.all(answered)).flat().values()
    return absent.map((device) => (device === undefined ? outcomes.next().value : noDeviceText(device)))
  }

  async close(): Promise<void> {
    await this.#last
    this.#socket.close()
  }

  #compose(routes: readonly KernelRoute[], from: number, encode: (route: KernelRoute) => void): Call {
    const first = this.#sequence
    let to = from
    for (; to < routes.length && this.#out.length < CALL; to++) {
      encode(routes[to]!)
      this.#sequence = (this.#sequence + 1) >>> 0
    }
    this.#out.acknowledge()
    return { bytes: this.#out.take(), first, count: to - from }
  }

  #inTurn(call: Call): Promise<readonly Outcome[]> {
    const answers = this.#last.then(() => this.#send(call))
    this.#last = answers
    return answers
  }

  async #send({ bytes, first, count }: Call): Promise<readonly Outcome[]> {
    const answered = new Map<number, Outcome>()
    let silence: Outcome = refusalText({ error: ENOBUFS })
    try {
      await this.#socket.send(bytes)
      for (const answer of this.#answers())
        answered.set((answer.sequence - first) >>> 0, answer.error === 0 ? undefined : refusalText(answer))
      if (answered.has(count - 1)) silence = undefined // nothing before the last was lost, so it is done
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      silence = refusalText({ error: error.errno })
      for (const _ of this.#answers()); // an overrun lasts until all is taken
    }
    return Array.from({ length: count }, (_, i) => (answered.has(i) ? answered.get(i) : silence))
  }

  /** When a call returns, all its answers are there. @throws CallError when some were lost */
  *#answers(): Generator<Answer> {
    for (let view = this.#socket.receive(); view; view = this.#socket.receive()) {
      for (const message of messagesOf(view))
        if (message.type === NLMSG_ERROR) yield readAnswer(view, message)
    }
  }
}

/** Rejects with an Error in the words of ip(8). */
async function* readMain(namespace?: string): AsyncGenerator<readonly PrintedRoute[]> {
  for (const family of FAMILIES) {
    const socket = new NetlinkSocket(ANSWERS, namespace)
    try {
      yield* dump(socket, family)
    } finally {
      socket.close()
    }
  }
}

async function* dump(socket: NetlinkSocket, family: Family): AsyncGenerator<readonly PrintedRoute[]> {
  const out = new MessageWriter()
  writeDump(out, 1, family)
  await socket.send(out.take())
  const nameOf = remembering((index: number) => socket.nameOf(index))
  for (let isOver = false; !isOver; ) {
    const view = await socket.receiveNext()
    const messages = [...messagesOf(view)]
    if (messages.some(({ flags }) => flags & NLM_F_DUMP_INTR)) throw new InterruptedReading()
    isOver = messages.some((message) => isLast(view, message))
    yield messages
      .filter(({ type }) => type === RTM_NEWROUTE)
      .map((message) => readRoute(view, message, nameOf))
      .filter((route) => route !== undefined)
  }
}

/** Whether the answer ends with this message. @throws when it says that there is none */
function isLast(view: DataView, message: Message): boolean {
  if (message.type !== NLMSG_DONE && message.type !== NLMSG_ERROR) return false
  const answer = readAnswer(view, message)
  // No table: nobody has ever put a route there.
  if (answer.error > 0 && answer.error !== ENOENT) throw new Error(refusalText(answer))
  return true
}

/** The same function, which asks only once for each. */
function remembering<K, V>(ask: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>()
  return (key) => {
    if (!known.has(key)) known.set(key, ask(key))
    return known.get(key)!
  }
}
