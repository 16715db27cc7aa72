// A netlink socket. netlink(7).

import {
  attachFilter,
  CallError,
  checked,
  inNamespace,
  libc,
  MSG_DONTWAIT,
  onOtherThread,
  SOCK_CLOEXEC,
  SOL_SOCKET,
} from '../../libc.ts'
import { LITTLE } from './message.ts'

export const ENOENT = 2
const EAGAIN = 11
export const ENOBUFS = 105

const AF_NETLINK = 16
const NETLINK_ROUTE = 0
export const NETLINK_NETFILTER = 12
const SOCK_RAW = 3
const SO_RCVBUFFORCE = 33
const SOL_NETLINK = 270
const NETLINK_ADD_MEMBERSHIP = 1
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12
const F_SETFL = 4
const F_SETOWN = 8
const O_ASYNC = 0o20000
const SIOCGIFNAME = 0x8910
const SIOCGIFINDEX = 0x8933
/** Length of `struct sockaddr_nl` and of `struct ifreq`. */
const SOCKADDR_NL = 12
const IFREQ = 40
const IFNAMSIZ = 16
/** The kernel makes no longer datagrams. */
const DATAGRAM = 65_536

/** Who is woken by SIGIO. */
const sleepers = new Set<() => void>()
let hasHandler = false

export class NetlinkSocket {
  readonly #fd: number
  /** The kernel's name for it. */
  readonly portId: number
  readonly #buffer = new Uint8Array(DATAGRAM)
  #wake: (() => void) | undefined

  /** `namespace` as in `ip netns`; for tests. `room` for what waits to be received, in bytes. @throws CallError */
  constructor(room: number, namespace?: string, protocol = NETLINK_ROUTE) {
    const open = (): number => checked(libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol))
    this.#fd = namespace === undefined ? open() : inNamespace(`/run/netns/${namespace}`, open)
    try {
      this.#set(SOL_SOCKET, SO_RCVBUFFORCE, room)
      for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK])
        this.#set(SOL_NETLINK, option, 1)
      this.portId = this.#bind()
    } catch (error) {
      this.close()
      throw error
    }
  }

  /**
   * On another thread: the kernel does all that it is asked before it returns, and a single route that makes it double its
   * table takes 300 ms. Rejects with a CallError.
   */
  async send(bytes: Uint8Array): Promise<void> {
    await onOtherThread(libc().send, this.#fd, bytes)
  }

  /** One datagram, valid until the next; undefined when there is none. @throws CallError: ENOBUFS when some were lost */
  receive(): DataView | undefined {
    const length = libc().recv(this.#fd, this.#buffer, DATAGRAM, MSG_DONTWAIT)
    if (length >= 0) return new DataView(this.#buffer.buffer, 0, length)
    const errno = libc().errno()
    if (errno === EAGAIN) return undefined
    throw new CallError(errno)
  }

  /** Waits for one, on another thread: the kernel composes the next part of a long answer only then. */
  async receiveNext(): Promise<DataView> {
    const length = await onOtherThread(libc().recv, this.#fd, this.#buffer)
    return new DataView(this.#buffer.buffer, 0, length)
  }

  /** Takes part in what the kernel tells everybody about. */
  join(group: number): void {
    this.#set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
  }

  /** The kernel drops what another socket brought about; a filter of classic BPF (linux/filter.h). */
  ignore(portId: number): void {
    const sender = new DataView(new ArrayBuffer(4))
    sender.setUint32(0, portId, LITTLE)
    attachFilter(this.#fd, [
      { code: 0x20, jt: 0, jf: 0, k: 12 }, // load nlmsg_pid, which it takes for big-endian
      { code: 0x15, jt: 0, jf: 1, k: sender.getUint32(0) },
      { code: 0x06, jt: 0, jf: 0, k: 0 }, // nothing of it
      { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff }, // all of it
    ])
  }

  /** Calls back when something has come: by SIGIO, socket(7), since Node can wait for no such descriptor. */
  onReadable(wake: () => void): void {
    listenForGood()
    this.#wake = wake
    sleepers.add(wake)
    checked(libc().fcntl(this.#fd, F_SETOWN, 'int', process.pid))
    checked(libc().fcntl(this.#fd, F_SETFL, 'int', O_ASYNC))
  }

  /** Undefined: there is no such interface. */
  indexOf(name: string): number | undefined {
    const request = new Uint8Array(IFREQ)
    request.set(Buffer.from(name).subarray(0, IFNAMSIZ - 1))
    if (libc().ioctl(this.#fd, SIOCGIFINDEX, 'void *', request) < 0) return undefined
    return new DataView(request.buffer).getInt32(IFNAMSIZ, LITTLE)
  }

  /** As ip(8) says it when there is none any more: `if7`. */
  nameOf(index: number): string {
    const request = new Uint8Array(IFREQ)
    new DataView(request.buffer).setInt32(IFNAMSIZ, index, LITTLE)
    if (libc().ioctl(this.#fd, SIOCGIFNAME, 'void *', request) < 0) return `if${index}`
    return Buffer.from(request.subarray(0, request.indexOf(0))).toString()
  }

  close(): void {
    libc().close(this.#fd)
    if (this.#wake) sleepers.delete(this.#wake)
  }

  #bind(): number {
    const name = new Uint8Array(SOCKADDR_NL)
    const view = new DataView(name.buffer)
    view.setUint16(0, AF_NETLINK, LITTLE)
    checked(libc().bind(this.#fd, name, SOCKADDR_NL))
    checked(libc().getsockname(this.#fd, name, Uint32Array.of(SOCKADDR_NL)))
    return view.getUint32(4, LITTLE)
  }

  #set(level: number, option: number, value: number): void {
    checked(libc().setsockopt(this.#fd, level, option, Int32Array.of(value), 4))
  }
}

/**
 * Without a handler a late one would end the process. The signal has two names, and Node tells each by itself; a library
 * that ends our children when we are ended (signal-exit, for execa) takes a name that nobody else listens to for our end.
 */
function listenForGood(): void {
  if (hasHandler) return
  hasHandler = true
  process.on('SIGIO', wakeAll)
  process.on('SIGPOLL', ignoreName)
}

function ignoreName(): void {}

function wakeAll(): void {
  for (const wake of sleepers) wake()
}
