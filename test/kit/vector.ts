// A message as annotated octets, and what it says.

import type { Test } from 'tap'
import { decode, encode, initialCodec, type SessionCodec } from '../../src/bgp/wire/codec.ts'
import { BgpError } from '../../src/bgp/wire/errors.ts'
import { Framer } from '../../src/bgp/wire/frame.ts'
import { HEADER_LENGTH } from '../../src/bgp/wire/header.ts'
import type { Message } from '../../src/bgp/wire/message.ts'

/** Sessions as they are between two nodes, and with a router of another AS. */
export const INTERNAL: SessionCodec = { ...initialCodec, peerType: 'internal', as4: true }
export const EXTERNAL: SessionCodec = { ...INTERNAL, peerType: 'external' }

/** A session of one of these with path identifiers both ways. */
export function withAddPath(session: SessionCodec): SessionCodec {
  const both = { ipv4: true, ipv6: true }
  return { ...session, addPathReceive: both, addPathSend: both }
}

/** The octets of hexadecimal text; `#` and what follows it on a line is for people. */
export function octets(annotated: string): Uint8Array {
  const digits = annotated.replaceAll(/#.*$/gm, '').replaceAll(/\s/g, '')
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new TypeError(`not hexadecimal octets: ${digits}`)
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}

/** A message of a type, its header made for it. */
export function message(type: number, body: string): Uint8Array {
  const bytes = octets(`${'ff'.repeat(16)} 0000 ${type.toString(16).padStart(2, '0')} ${body}`)
  return withTrueLength(bytes)
}

/** `octets` as a Framer gives them on, cut off or grown, with the length of the header put right. */
export function withTrueLength(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint16(16, bytes.length)
  return bytes
}

/**
 * Four promises: the message means `expected`, `expected` is written as this message, it arrives whole octet by octet,
 * and cut anywhere it is either a message still or a BgpError.
 */
export function vector(
  t: Test,
  name: string,
  annotated: string,
  expected: Message,
  session: SessionCodec = INTERNAL,
): void {
  const bytes = octets(annotated)
  t.test(name, async (t) => {
    t.strictSame(decode(bytes, session), expected, 'is read')
    t.equal(hex(encode(expected, session)), hex(bytes), 'is written')
    t.strictSame(octetByOctet(bytes), [hex(bytes)], 'arrives whole, octet by octet')
    for (let length = HEADER_LENGTH; length < bytes.length; length++)
      messageOrBgpError(withTrueLength(bytes.slice(0, length)), session)
  })
}

/** Decodes, and lets nothing but a BgpError pass for a refusal. */
export function messageOrBgpError(bytes: Uint8Array, session: SessionCodec): Message | BgpError {
  try {
    return decode(bytes, session)
  } catch (error) {
    if (error instanceof BgpError) return error
    throw new Error(`${hex(bytes)} was answered with no BgpError`, { cause: error })
  }
}

/** Code, subcode and data of the NOTIFICATION to answer with; undefined when what was answered is a message. */
export function notificationOf(answer: Message | BgpError): [number, number, string] | undefined {
  return answer instanceof BgpError ? [answer.code, answer.subcode, hex(answer.data)] : undefined
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function octetByOctet(bytes: Uint8Array): string[] {
  const framer = new Framer()
  return [...bytes].flatMap((octet) => framer.push(Uint8Array.of(octet)).map(hex))
}
