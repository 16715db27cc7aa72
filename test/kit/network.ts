// A network of speakers in virtual time: what a step asks for is carried out here, without sockets and clocks.

import type { Action, ConnectionId, Note, SpeakerEvent, TimerId } from '../../src/bgp/events.ts'
import { Speaker, type SpeakerOptions } from '../../src/bgp/speaker.ts'
import type { Path, PeerConfig, PeerView } from '../../src/bgp/types.ts'
import { decode, encode, initialCodec, type SessionCodec } from '../../src/bgp/wire/codec.ts'
import type { Message } from '../../src/bgp/wire/message.ts'
import { type Address, address, familyOf } from '../../src/inet/address.ts'
import { type Prefix, prefix } from '../../src/inet/prefix.ts'

/** One end of a connection. */
interface Wire {
  readonly host: Host
  readonly connection: ConnectionId
  /** The other end; none when nobody listens there any more. */
  other: Wire | undefined
}

interface Task {
  readonly at: number
  readonly run: () => void
}

/** What nodes of one mesh come to. */
const AMONG_NODES: SessionCodec = { ...initialCodec, peerType: 'internal', as4: true }
/** Who looks on understands longer messages too. */
const LOOKER_ON: SessionCodec = { ...AMONG_NODES, extendedMessages: true }

/** When the tests begin: milliseconds since the epoch. */
export const START = Date.UTC(2026, 7, 20)

export class Network {
  now = START
  readonly hosts = new Map<Address, Host>()
  /** Milliseconds that dials and bytes travel from one address to another. */
  latency = (_from: Address, _to: Address): number => 1
  /** Addresses that are cut off: what is sent from or to them is lost without a word. */
  readonly cutOff = new Set<Address>()
  #tasks: Task[] = []
  /** When the last thing sent from one address to another arrives: nothing overtakes. */
  readonly #arrivals = new Map<string, number>()

  /** A host that has these addresses, and a speaker. */
  host(addresses: readonly string[], options: Partial<SpeakerOptions> = {}): Host {
    const own = addresses.map(address)
    const host = new Host(this, own, new Speaker({ random: () => 0.5, restarting: false, ...options }))
    for (const of of own) this.hosts.set(of, host)
    return host
  }

  /** Runs `task` after `ms`; tasks of one time run in the order they were given. */
  after(ms: number, run: () => void): Task {
    const task = { at: this.now + ms, run }
    const place = this.#tasks.findLastIndex(({ at }) => at <= task.at) + 1
    this.#tasks.splice(place, 0, task)
    return task
  }

  cancel(task: Task): void {
    this.#tasks = this.#tasks.filter((other) => other !== task)
  }

  /** Lets time pass. */
  run(ms: number): void {
    const end = this.now + ms
    for (let next = this.#tasks[0]; next && next.at <= end; next = this.#tasks[0]) {
      this.#tasks.shift()
      this.now = next.at
      next.run()
    }
    this.now = end
  }

  /** Delivers `arrive` at the other end, unless one of the two is cut off. */
  travel(from: Address, to: Address, arrive: () => void): void {
    if (this.cutOff.has(from) || this.cutOff.has(to)) return
    const way = `${from} ${to}`
    const at = Math.max(this.now + this.latency(from, to), this.#arrivals.get(way) ?? 0)
    this.#arrivals.set(way, at)
    this.after(at - this.now, arrive)
  }
}

export class Host {
  readonly network: Network
  readonly addresses: readonly Address[]
  speaker: Speaker
  /** Best paths as handed out. */
  readonly best = new Map<Prefix, Path>()
  /** Every change of a best path, as `prefix` or `-prefix`. */
  readonly changes: string[] = []
  readonly notes: Note[] = []
  /** Every action asked for. */
  readonly log: Action[] = []
  /** Every message sent, to whomever. */
  readonly sentTo: Message[] = []
  /** Every dial made, by address. */
  readonly dials: Address[] = []
  /** False: dials to this host are refused. */
  listening = true
  readonly #wires = new Map<ConnectionId, Wire>()
  readonly #timers = new Map<TimerId, Task>()
  #accepted = 0

  constructor(network: Network, addresses: readonly Address[], speaker: Speaker) {
    this.network = network
    this.addresses = addresses
    this.speaker = speaker
  }

  step(event: SpeakerEvent): Action[] {
    const actions = this.speaker.step(event, this.network.now)
    this.log.push(...actions)
    for (const action of actions) this.#carryOut(action)
    return actions
  }

  /** Takes in a message over the session with a peer, as if the peer had sent it. */
  hear(from: Host, message: Message): void {
    this.step({ kind: 'bytes', connection: this.connection(from)!, chunk: encode(message, AMONG_NODES) })
  }

  /** The connection with a peer, the oldest if there are several. */
  connection(to: Host): ConnectionId | undefined {
    return [...this.#wires.values()].find(({ other }) => other?.host === to)?.connection
  }

  peers(...set: PeerConfig[]): Action[] {
    return this.step({ kind: 'peers', set, remove: [] })
  }

  originate(...prefixes: string[]): void {
    const set = prefixes.map((text) => ({ prefix: prefix(text), localPref: 100, because: 'block' }))
    this.step({ kind: 'originate', set, withdraw: [] })
  }

  /** How the peer with this address is shown. */
  view(of: Host): PeerView {
    return this.speaker.peers().find(({ address }) => of.addresses.includes(address))!
  }

  /** As `view`, of every session: state, and why not. */
  states(): string[] {
    return this.speaker.peers().map(({ state, lastError }) => (lastError ? `${state} ${lastError}` : state))
  }

  /** The process dies: the kernel closes its connections, and nothing else is heard of it. */
  die(): void {
    this.listening = false
    for (const task of this.#timers.values()) this.network.cancel(task)
    this.#timers.clear()
    for (const connection of [...this.#wires.keys()]) this.#close(connection)
  }

  /** A new process takes its place. */
  revive(options: Partial<SpeakerOptions> = {}): void {
    this.speaker = new Speaker({ random: () => 0.5, restarting: true, ...options })
    this.best.clear()
    this.listening = true
  }

  /** A connection from outside the cast: returns what it was answered, as it comes. */
  accept(from: Address): { connection: ConnectionId; closed(): boolean } {
    const connection = `in#${++this.#accepted}`
    this.#wires.set(connection, { host: this, connection, other: undefined })
    this.step({ kind: 'accepted', connection, remote: from, local: this.addresses[0]! })
    return { connection, closed: () => !this.#wires.has(connection) }
  }

  #carryOut(action: Action): void {
    switch (action.kind) {
      case 'dial':
        this.dials.push(action.to.address)
        this.#dial(action)
        break
      case 'send':
        this.#send(this.#wires.get(action.connection), action.bytes)
        break
      case 'close':
        this.#close(action.connection)
        break
      case 'arm':
        this.#disarm(action.timer)
        this.#timers.set(
          action.timer,
          this.network.after(action.ms, () => this.step({ kind: 'timer', timer: action.timer })),
        )
        break
      case 'disarm':
        this.#disarm(action.timer)
        break
      case 'flush-soon':
        this.network.after(0, () => this.step({ kind: 'flush' }))
        break
      case 'best':
        for (const { prefix, used } of action.changes) {
          const [best] = used
          this.changes.push(best ? prefix : `-${prefix}`)
          if (best) this.best.set(prefix, best)
          else this.best.delete(prefix)
        }
        break
      case 'note':
        this.notes.push(action)
    }
  }

  #dial({
    connection,
    to: { address: to, localAddress: from = this.addresses[0]! },
  }: Extract<Action, { kind: 'dial' }>): void {
    const near: Wire = { host: this, connection, other: undefined }
    this.#wires.set(connection, near)
    this.network.travel(from, to, () => {
      const host = this.network.hosts.get(to)
      if (!host?.listening) {
        this.#refused(near, to, from)
        return
      }
      const far: Wire = { host, connection: `in#${++host.#accepted}`, other: near }
      host.#wires.set(far.connection, far)
      this.network.travel(to, from, () => this.#connected(near, far, from))
      host.step({ kind: 'accepted', connection: far.connection, remote: from, local: to })
    })
  }

  #connected(near: Wire, far: Wire, local: Address): void {
    if (this.#wires.get(near.connection) === near) {
      near.other = far
      this.step({ kind: 'connected', connection: near.connection, local })
    } else {
      far.host.#gone(far)
    }
  }

  #refused({ connection }: Wire, to: Address, from: Address): void {
    this.network.travel(to, from, () => {
      if (this.#wires.delete(connection))
        this.step({ kind: 'dial-failed', connection, error: 'Connection refused' })
    })
  }

  #send(wire: Wire | undefined, bytes: Uint8Array): void {
    this.sentTo.push(decode(bytes, LOOKER_ON))
    const other = wire?.other
    if (!other) return
    this.#travel(other, () => {
      if (other.host.#wires.get(other.connection) !== other) return
      other.host.step({ kind: 'bytes', connection: other.connection, chunk: bytes })
    })
  }

  #close(connection: ConnectionId): void {
    const other = this.#wires.get(connection)?.other
    this.#wires.delete(connection)
    if (other) this.#travel(other, () => other.host.#gone(other))
  }

  #gone(wire: Wire): void {
    if (this.#wires.get(wire.connection) !== wire) return
    this.#wires.delete(wire.connection)
    this.step({ kind: 'closed', connection: wire.connection })
  }

  #travel(to: Wire, arrive: () => void): void {
    this.network.travel(this.addresses[0]!, to.host.addresses[0]!, arrive)
  }

  #disarm(timer: TimerId): void {
    const task = this.#timers.get(timer)
    if (task) this.network.cancel(task)
    this.#timers.delete(timer)
  }
}

/** How `host` is to see `peer`, over their addresses of one family: as nodes of one mesh, unless `over` says otherwise. */
export function meshPeer(host: Host, peer: Host, over: Partial<PeerConfig> = {}): PeerConfig {
  const family = over.families?.[0] ?? 'ipv4'
  const [local, remote] = [host, peer].map(
    ({ addresses }) => addresses.find((of) => familyOf(of) === family)!,
  )
  return {
    name: remote!,
    kind: 'mesh',
    address: remote!,
    port: 179,
    localAddress: local!,
    families: [family],
    localAsn: 64512,
    peerAsn: 64512,
    routerId: host.addresses[0]!,
    passive: remote! > local!,
    holdTime: 240,
    restartTime: 120,
    allowedLocalAsns: 0,
    because: 'node-to-node mesh',
    ...over,
  }
}
