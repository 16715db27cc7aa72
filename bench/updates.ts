// BGP messages of the peers of a measure, put together before the clock runs. RFC 4271 §4.
//
// Routes are /26 blocks of one pool, 800 to an UPDATE, with one set of attributes.

import { type Address, addressBytes } from '../src/inet/address.ts'
import { ASN } from './contestant.ts'

export const POOL = '10.0.0.0/8'
const BLOCK = 26
const PER_UPDATE = 800
const HEADER = 19
const [OPEN, UPDATE, KEEPALIVE] = [1, 2, 4]

/** The network of the `i`-th block, as a number. */
export function block(i: number): number {
  return (10 * 2 ** 24 + (i << (32 - BLOCK))) >>> 0
}

/** The same as text. */
export function blockText(i: number): string {
  const of = block(i)
  return `${of >>> 24}.${(of >>> 16) & 255}.${(of >>> 8) & 255}.${of & 255}/${BLOCK}`
}

export function openMessage(routerId: Address, holdTime: number): Buffer {
  const as4 = [65, 4, ...u32(ASN)]
  const ipv4Unicast = [1, 4, 0, 1, 0, 1]
  const capabilities = [...ipv4Unicast, ...as4]
  const parameters = [2, capabilities.length, ...capabilities]
  return message(OPEN!, [
    4,
    ...u16(ASN),
    ...u16(holdTime),
    ...addressBytes(routerId),
    parameters.length,
    ...parameters,
  ])
}

export const keepalive = message(KEEPALIVE!, [])

/** Announces blocks `from` to `to` by way of `nextHop`. */
export function announce(from: number, to: number, nextHop: Address): Buffer {
  const attributes = [
    [0x40, 1, 1, 0], // ORIGIN: IGP
    [0x40, 2, 0], // AS_PATH: empty
    [0x40, 3, 4, ...addressBytes(nextHop)],
    [0x40, 5, 4, ...u32(100)], // LOCAL_PREF
  ].flat()
  const update = (nlri: number[]) =>
    message(UPDATE!, [0, 0, ...u16(attributes.length), ...attributes, ...nlri])
  return Buffer.concat(portions(from, to).map(update))
}

export function withdraw(from: number, to: number): Buffer {
  const update = (nlri: number[]) => message(UPDATE!, [...u16(nlri.length), ...nlri, 0, 0])
  return Buffer.concat(portions(from, to).map(update))
}

function portions(from: number, to: number): number[][] {
  const out: number[][] = []
  for (let start = from; start < to; start += PER_UPDATE) {
    const nlri: number[] = []
    for (let i = start; i < Math.min(to, start + PER_UPDATE); i++) nlri.push(BLOCK, ...u32(block(i)))
    out.push(nlri)
  }
  return out
}

/** What one message says of routes. */
export interface Count {
  readonly announced: number
  readonly withdrawn: number
}

/** Counts the prefixes of an UPDATE. */
export function countOf(update: Buffer): Count {
  const withdrawnEnd = HEADER + 2 + update.readUInt16BE(HEADER)
  const attributesEnd = withdrawnEnd + 2 + update.readUInt16BE(withdrawnEnd)
  return {
    withdrawn: prefixes(update, HEADER + 2, withdrawnEnd),
    announced: prefixes(update, attributesEnd, update.length),
  }
}

function prefixes(bytes: Buffer, from: number, to: number): number {
  let count = 0
  for (let at = from; at < to; at += 1 + ((bytes[at]! + 7) >> 3)) count++
  return count
}

function message(type: number, body: readonly number[]): Buffer {
  return Buffer.from([...new Array(16).fill(0xff), ...u16(HEADER + body.length), type, ...body])
}

function u16(value: number): number[] {
  return [(value >> 8) & 255, value & 255]
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
}
