// Refusals as ip(8) puts them (iproute2 lib/libnetlink.c), which people know and ../words.ts reads.

import { errorText } from '../../libc.ts'
import type { Answer } from './message.ts'

/** The kernel's own words where it has some, else those of the C library for its error. */
export function refusalText({ error, message }: Pick<Answer, 'error' | 'message'>): string {
  if (message === undefined) return `RTNETLINK answers: ${errorText(error)}`
  return `Error: ${message}${message.endsWith('.') ? '' : '.'}`
}

export function noDeviceText(name: string): string {
  return `Cannot find device "${name}"`
}
