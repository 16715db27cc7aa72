// JSON that keeps every integer: `sequenceNumber` of an IPAM block is a uint64 far beyond 2^53, and rounding it
// makes a bump a no-op and breaks the release checks of Calico's own components.

import { parse, stringify } from 'lossless-json'

const integer = /^-?\d+$/

/** Parses JSON; integers beyond 2^53 become bigint. Of a repeated key the last counts, as in Go. @throws SyntaxError */
export function parseJson(text: string): unknown {
  return parse(text, undefined, { parseNumber, onDuplicateKey: ({ newValue }) => newValue })
}

/** Prints JSON without white space; a bigint as its digits. */
export function printJson(value: unknown): string {
  return stringify(value) ?? 'null'
}

/** A value from outside as it stands in a message: JSON, and not too much of it. */
export function shown(value: unknown): string {
  const print = value === undefined ? 'nothing' : printJson(value)
  return print.length > 80 ? `${print.slice(0, 80)}…` : print
}

function parseNumber(text: string): number | bigint {
  const number = Number(text)
  return integer.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number
}
