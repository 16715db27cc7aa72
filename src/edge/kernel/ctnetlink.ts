// Tracked connections by ctnetlink, without a program: linux/netfilter/nfnetlink_conntrack.h.
//
// As conntrack(8) does it: the kernel lists those of the address, and each is removed by what it was listed with.

import { addressWords, type Family, familyOf } from '../../inet/address.ts'
import { AF, CallError } from '../libc.ts'
import type { Outcome } from './batch.ts'
import type { ConnectionTable, Direction } from './conntrack.ts'
import { cureFor } from './cures.ts'
import {
  eachAttribute,
  type Message,
  MessageWriter,
  messagesOf,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  readAnswer,
} from './rtnetlink/message.ts'
import { ENOENT, NETLINK_NETFILTER, NetlinkSocket } from './rtnetlink/socket.ts'

/** NFNL_SUBSYS_CTNETLINK in the high octet. */
const IPCTNL_MSG_CT_NEW = 0x100
const IPCTNL_MSG_CT_GET = 0x101
const IPCTNL_MSG_CT_DELETE = 0x102
/** Length of `struct nfgenmsg`, which begins with the address family. */
const NFGENMSG = 4

/** CTA_TUPLE_ORIG and CTA_TUPLE_REPLY; the same numbers are CTA_FILTER_ORIG_FLAGS and CTA_FILTER_REPLY_FLAGS. */
const TUPLE: Readonly<Record<Direction, number>> = { orig: 1, reply: 2 }
const CTA_ID = 12
const CTA_ZONE = 18
/** NLA_F_NESTED is in it, which the kernel insists on here. */
const CTA_FILTER = 0x8000 | 25
const CTA_TUPLE_IP = 1
/** CTA_IP_V4_SRC and CTA_IP_V6_SRC. */
const SOURCE: Readonly<Record<Family, number>> = { ipv4: 1, ipv6: 3 }
const CTA_FILTER_F_CTA_IP_SRC = 0x1
/** What a connection is removed by. */
const IDENTITY = [TUPLE.orig, CTA_ID, CTA_ZONE]

/** Room for answers, in bytes. */
const ROOM = 1024 * 1024

/** Whose connections are meant: those from an address, in one direction. */
interface Source {
  readonly family: Family
  readonly direction: Direction
  /** The address, as `addressWords` has it. */
  readonly words: readonly number[]
}

type Bounds = readonly [from: number, to: number]

/** `namespace` as in `ip netns`; for tests. @throws when there are no such sockets */
export function ctnetlink(namespace?: string): ConnectionTable {
  const open = (): NetlinkSocket => new NetlinkSocket(ROOM, namespace, NETLINK_NETFILTER)
  const idle = [open()]

  /** One for each question, and then for the next; not when something went wrong, as answers may still come. */
  const withSocket = async (use: (socket: NetlinkSocket) => Promise<void>): Promise<void> => {
    const socket = idle.pop() ?? open()
    try {
      await use(socket)
      idle.push(socket)
    } catch (error) {
      socket.close()
      throw error
    }
  }
  return {
    forget(address, direction) {
      const source = { family: familyOf(address), direction, words: addressWords(address) }
      return withSocket((listing) => withSocket((removing) => forget(source, listing, removing))).then(
        () => undefined,
        inWords,
      )
    },
    close() {
      for (const socket of idle.splice(0)) socket.close()
    },
  }
}

/** Rejects with a CallError. */
async function forget(source: Source, listing: NetlinkSocket, removing: NetlinkSocket): Promise<void> {
  const out = new MessageWriter()
  writeList(out, source)
  await listing.send(out.take())
  for (let isOver = false; !isOver; ) {
    const view = await listing.receiveNext()
    const messages = [...messagesOf(view)]
    requireSuccess(view, messages)
    for (const message of messages)
      if (isFrom(source, view, message)) writeRemoval(out, source, view, message)
    if (out.length > 0) await remove(removing, out.take())
    isOver = messages.some(({ type }) => type === NLMSG_DONE || type === NLMSG_ERROR)
  }
}

/** When a call returns, all its answers are there; there are none but of what failed. */
async function remove(socket: NetlinkSocket, bytes: Uint8Array): Promise<void> {
  await socket.send(bytes)
  for (let view = socket.receive(); view; view = socket.receive()) requireSuccess(view, [...messagesOf(view)])
}

/** What has ended by itself meanwhile is no failure. @throws CallError */
function requireSuccess(view: DataView, messages: readonly Message[]): void {
  for (const message of messages) {
    if (message.type !== NLMSG_ERROR) continue
    const { error } = readAnswer(view, message)
    if (error !== 0 && error !== ENOENT) throw new CallError(error)
  }
}

function inWords(error: unknown): Outcome {
  if (!(error instanceof CallError)) throw error
  return cureFor('ctnetlink', `ctnetlink answers: ${error.message}`)
}

/**
 * Kernels from before 5.8 know no filter, and list all there are. For IPv6 none is asked for: there it lets through what it
 * should not, and only that (Linux 6.18, ctnetlink_filter_match_tuple).
 */
function writeList(out: MessageWriter, { family, direction, words }: Source): void {
  begin(out, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family)
  if (family === 'ipv4') {
    out.attribute(TUPLE[direction], () =>
      out.attribute(CTA_TUPLE_IP, () => out.address(SOURCE[family], words)),
    )
    out.attribute(CTA_FILTER, () => out.number(TUPLE[direction], CTA_FILTER_F_CTA_IP_SRC))
  }
  out.end()
}

/** The same attributes, as they are. Without a tuple the kernel would forget all connections of all addresses. */
function writeRemoval(out: MessageWriter, { family }: Source, view: DataView, { from, to }: Message): void {
  begin(out, IPCTNL_MSG_CT_DELETE, 0, family)
  eachAttribute(view, from + NFGENMSG, to, (type, start, end) => {
    if (IDENTITY.includes(type)) out.attribute(type, () => out.copy(view, start, end))
  })
  out.end()
}

function begin(out: MessageWriter, type: number, flags: number, family: Family): void {
  out.begin(type, NLM_F_REQUEST | flags, 0)
  out.octets(AF[family], 0, 0, 0)
}

function isFrom({ family, direction, words }: Source, view: DataView, { type, from, to }: Message): boolean {
  if (type !== IPCTNL_MSG_CT_NEW) return false
  const tuple = find(view, [from + NFGENMSG, to], TUPLE[direction])
  const addresses = tuple && find(view, tuple, CTA_TUPLE_IP)
  const source = addresses && find(view, addresses, SOURCE[family])
  return source !== undefined && words.every((word, i) => view.getInt32(source[0] + 4 * i) === word)
}

/** Where the value of an attribute is. */
function find(view: DataView, [from, to]: Bounds, wanted: number): Bounds | undefined {
  let found: Bounds | undefined
  eachAttribute(view, from, to, (type, start, end) => {
    if (type === wanted) found = [start, end]
  })
  return found
}
