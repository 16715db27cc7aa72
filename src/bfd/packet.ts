// BFD control packets. RFC 5880 §4.1; which are to be discarded, and why: §6.8.6.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
//   |                       My Discriminator                        |
//   |                      Your Discriminator                       |
//   |                 Desired Min TX Interval, µs                   |
//   |                 Required Min RX Interval, µs                  |
//   |               Required Min Echo RX Interval, µs               |
//
// Of our own we never ask for demand mode or echo, and use no authentication. The
// C bit stays clear: a BFD of this process ends with its BGP.

/** In the order of their numbers. */
export const STATES = ['AdminDown', 'Down', 'Init', 'Up'] as const

export type State = (typeof STATES)[number]

/** Why the session last changed its state, for the other end. RFC 5880 §4.1. */
export const DIAGNOSTIC = { none: 0, detectionTimeExpired: 1, neighborSignaledDown: 3, adminDown: 7 } as const

export interface ControlPacket {
  readonly diagnostic: number
  readonly state: State
  /** Wants an answer with `final`. */
  readonly poll: boolean
  readonly final: boolean
  /** The sender wants to hear nothing while the session is up, unless it polls. */
  readonly demand: boolean
  /** Packets that may go missing in a row. */
  readonly multiplier: number
  readonly myDiscriminator: number
  /** 0 while unknown. */
  readonly yourDiscriminator: number
  /** Microseconds between packets: what the sender would like to send, and the least it can take. 0: it wants none. */
  readonly desiredMinTx: number
  readonly requiredMinRx: number
}

/** A packet of no use. */
export interface Discarded {
  /** Why. */
  readonly discarded: string
}

const VERSION = 1
const LENGTH = 24
const FLAG = { poll: 0x20, final: 0x10, authentication: 0x04, demand: 0x02, multipoint: 0x01 } as const

export function encodePacket(packet: ControlPacket): Uint8Array {
  const { poll, final, demand } = packet
  const flags = (poll ? FLAG.poll : 0) | (final ? FLAG.final : 0) | (demand ? FLAG.demand : 0)
  const bytes = new Uint8Array(LENGTH)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, (VERSION << 5) | packet.diagnostic)
  view.setUint8(1, (STATES.indexOf(packet.state) << 6) | flags)
  view.setUint8(2, packet.multiplier)
  view.setUint8(3, LENGTH)
  view.setUint32(4, packet.myDiscriminator)
  view.setUint32(8, packet.yourDiscriminator)
  view.setUint32(12, packet.desiredMinTx)
  view.setUint32(16, packet.requiredMinRx)
  return bytes
}

/** Reads the payload of a datagram; what follows the packet in it is passed over. */
export function decodePacket(bytes: Uint8Array): ControlPacket | Discarded {
  if (bytes.length < LENGTH) return { discarded: `${bytes.length} octets, of at least ${LENGTH}` }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const packet = readPacket(view)
  const rule = DISCARDED.find(({ when }) => when(packet, view))
  return rule ? { discarded: rule.because } : packet
}

function readPacket(view: DataView): ControlPacket {
  const flags = view.getUint8(1)
  return {
    diagnostic: view.getUint8(0) & 0x1f,
    state: STATES[flags >> 6]!,
    poll: (flags & FLAG.poll) !== 0,
    final: (flags & FLAG.final) !== 0,
    demand: (flags & FLAG.demand) !== 0,
    multiplier: view.getUint8(2),
    myDiscriminator: view.getUint32(4),
    yourDiscriminator: view.getUint32(8),
    desiredMinTx: view.getUint32(12),
    requiredMinRx: view.getUint32(16),
  }
}

/** The rules of §6.8.6 that need no session, in its order. */
const DISCARDED: readonly {
  readonly because: string
  readonly when: (packet: ControlPacket, view: DataView) => boolean
}[] = [
  { because: 'not version 1', when: (_, view) => view.getUint8(0) >> 5 !== VERSION },
  { because: 'a length below 24', when: (_, view) => view.getUint8(3) < LENGTH },
  { because: 'longer than its datagram', when: (_, view) => view.getUint8(3) > view.byteLength },
  { because: 'detect multiplier 0', when: ({ multiplier }) => multiplier === 0 },
  { because: 'multipoint', when: (_, view) => (view.getUint8(1) & FLAG.multipoint) !== 0 },
  { because: 'my discriminator 0', when: ({ myDiscriminator }) => myDiscriminator === 0 },
  {
    because: 'your discriminator 0 in a state that knows one',
    when: ({ yourDiscriminator, state }) => yourDiscriminator === 0 && (state === 'Init' || state === 'Up'),
  },
  {
    because: 'authentication, which is not in use',
    when: (_, view) => (view.getUint8(1) & FLAG.authentication) !== 0,
  },
]
