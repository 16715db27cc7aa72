// Our side: a real speaker on real sockets and timers, and a record of what peers say to it and it to them.

import { watchPaths } from '../../src/agent/wishes.ts'
import type { Action, ConnectionId, SpeakerEvent } from '../../src/bgp/events.ts'
import { Speaker, type SpeakerOptions } from '../../src/bgp/speaker.ts'
import type { PeerConfig, PeerView } from '../../src/bgp/types.ts'
import { decode, initialCodec } from '../../src/bgp/wire/codec.ts'
import { Framer } from '../../src/bgp/wire/frame.ts'
import { MESSAGE_TYPE } from '../../src/bgp/wire/iana.ts'
import type { Open, PathAttributes, Update } from '../../src/bgp/wire/message.ts'
import { Bfd } from '../../src/edge/bfd/bfd.ts'
import { createLog } from '../../src/edge/observe/log.ts'
import type { ListenPoint } from '../../src/edge/peers/listener.ts'
import { Runner } from '../../src/edge/peers/runner.ts'
import { systemClock } from '../../src/edge/system-clock.ts'
import { type ScopedAddress, scoped } from '../../src/inet/address.ts'
import type { Prefix } from '../../src/inet/prefix.ts'

export interface OursOptions extends Pick<SpeakerOptions, 'restarting' | 'advertise'> {
  readonly listen: readonly ListenPoint[]
  readonly peers: readonly PeerConfig[]
  readonly originate: readonly Prefix[]
  readonly password: string
}

/** What was said on all sessions with a peer. */
export interface Said {
  /** The last it sent. */
  open?: Open
  /** What it announced and withdrew. */
  readonly heard: Update[]
  /** Lengths of the UPDATEs it was sent, in octets. */
  readonly told: number[]
}

export class Ours {
  readonly #speaker: RecordingSpeaker
  readonly #runner: Runner
  readonly #bfd: Bfd

  constructor({ listen, peers, originate, password, ...options }: OursOptions) {
    this.#speaker = new RecordingSpeaker({ random: () => 0, ...options })
    const log = createLog({ node: 'near', level: 'silent' })
    this.#runner = new Runner({
      speaker: this.#speaker,
      log,
      passwords: () => Buffer.from(password),
      onBest: () => {},
    })
    this.originate(originate)
    this.#bfd = new Bfd({
      log,
      clock: systemClock,
      onDown: (peer) => this.#runner.step({ kind: 'path-down', peer }),
    })
    const wanted = { kind: 'peers', set: peers, remove: [] } as const
    this.#runner.step(wanted)
    watchPaths(wanted, this.#bfd)
    this.#runner.listen(listen)
  }

  said(peer: ScopedAddress): Said {
    return this.#speaker.said(peer)
  }

  view(peer: ScopedAddress): PeerView {
    return this.#speaker.peers().find(({ name }) => name === peer)!
  }

  /** What a peer announced, whether it can be used or not. */
  received(peer: ScopedAddress, prefix: Prefix): PathAttributes | undefined {
    return this.receivedAll(peer, prefix)[0]
  }

  /** The same, where a peer may announce several paths. */
  receivedAll(peer: ScopedAddress, prefix: Prefix): PathAttributes[] {
    const paths = this.#speaker.rib.paths(prefix).map(({ path }) => path)
    return paths.filter((path) => path.peer === peer).map(({ attributes }) => attributes)
  }

  /** Whether BFD sees the peer. */
  bfdUp(peer: ScopedAddress): boolean {
    return this.#bfd.view(peer)?.state === 'Up'
  }

  originate(prefixes: readonly Prefix[]): void {
    const set = prefixes.map((prefix) => ({ prefix, localPref: 100, because: 'interoperation' }))
    this.#runner.step({ kind: 'originate', set, withdraw: [] })
  }

  /** After a restart: there is nothing more to announce, nor to be heard that would be passed on. */
  restarted(): void {
    this.#runner.step({ kind: 'restarted' })
    this.#runner.step({ kind: 'heard-enough' })
  }

  refresh(peer: ScopedAddress): void {
    const [family] = this.view(peer).families
    this.#runner.step({ kind: 'refresh-in', peer, family: family! })
  }

  async stop(): Promise<void> {
    await Promise.all([this.#bfd.stop(), this.#runner.stop()])
  }
}

class RecordingSpeaker extends Speaker {
  readonly #said = new Map<string, Said>()
  readonly #peers = new Map<ConnectionId, ScopedAddress>()
  readonly #opened = new Set<ConnectionId>()

  constructor(options: SpeakerOptions) {
    super(options)
    const receive = this.rib.receive.bind(this.rib)
    this.rib.receive = (name, update) => {
      this.said(name).heard.push(update)
      receive(name, update)
    }
  }

  override step(event: SpeakerEvent, now: number): Action[] {
    this.#hear(event)
    const actions = super.step(event, now)
    for (const action of actions) this.#tell(action)
    return actions.map(hasten)
  }

  said(name: string): Said {
    const known = this.#said.get(name)
    if (known) return known
    const said: Said = { heard: [], told: [] }
    this.#said.set(name, said)
    return said
  }

  #hear(event: SpeakerEvent): void {
    if (event.kind === 'accepted') this.#peers.set(event.connection, event.remote)
    if (event.kind === 'bytes') this.#hearOpen(event.connection, event.chunk)
  }

  /** OPEN is what comes first, and fits into any segment. */
  #hearOpen(connection: ConnectionId, chunk: Uint8Array): void {
    if (this.#opened.has(connection)) return
    this.#opened.add(connection)
    const [first] = new Framer().push(chunk)
    const message = first && decode(first, initialCodec)
    if (message?.kind === 'open') this.said(this.#peers.get(connection)!).open = message
  }

  #tell(action: Action): void {
    if (action.kind === 'dial') this.#peers.set(action.connection, scoped(action.to.address, action.to.zone))
    if (action.kind !== 'send' || action.bytes[18] !== MESSAGE_TYPE.update) return
    this.said(this.#peers.get(action.connection)!).told.push(action.bytes.length)
  }
}

/** Waits for the next dial are a tenth of what they should be, so that nobody waits for them. */
function hasten(action: Action): Action {
  const waits = action.kind === 'arm' && /connect-delay|error-wait/.test(action.timer)
  return waits ? { ...action, ms: action.ms / 10 } : action
}
