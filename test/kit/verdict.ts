// What an UPDATE with given attributes leads to: RFC 7606 §2.

import type { SessionCodec } from '../../src/bgp/wire/codec.ts'
import { message, messageOrBgpError, octets } from './vector.ts'

export type Verdict = 'fine' | 'discard' | 'withdraw' | `reset ${number}`

/** What a good UPDATE has, by code. */
const GOOD: Readonly<Record<number, string>> = {
  1: '40010100',
  2: '400206 0201 0000fde9',
  3: '400304 0a000001',
}

/** An UPDATE of 10.1.2.0/24 with these attributes, and the good ones whose codes are not that of the first of them. */
export function updateWith(attributes: string): Uint8Array {
  const code = octets(attributes)[1]
  const good = Object.entries(GOOD).flatMap(([one, text]) => (Number(one) === code ? [] : [text]))
  return updateOf(`${good.join('')} ${attributes}`, '180a0102')
}

export function updateOf(attributes: string, nlri: string): Uint8Array {
  const length = octets(attributes).length.toString(16).padStart(4, '0')
  return message(2, `0000 ${length} ${attributes} ${nlri}`)
}

export function verdict(bytes: Uint8Array, session: SessionCodec): Verdict | undefined {
  const answer = messageOrBgpError(bytes, session)
  if (answer instanceof Error) return answer.code === 3 ? `reset ${answer.subcode}` : undefined
  if (answer.kind !== 'update') return undefined
  const severities = answer.faults.map(({ severity }) => severity)
  if (severities.includes('treat-as-withdraw')) return 'withdraw'
  return severities.length > 0 ? 'discard' : 'fine'
}
