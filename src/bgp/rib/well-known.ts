// Communities whose meaning everybody shares. RFC 1997, RFC 8326, RFC 9494; IANA "BGP Well-known Communities".

import type { PathAttributes } from '../wire/message.ts'

export const WELL_KNOWN = {
  /** RFC 8326 §3: a router that is about to stop asks to be used last. */
  gracefulShutdown: 0xffff_0000,
  /** RFC 9494 §4.6: kept from a peer that has been away for long; to be used last, and not to be passed on to everybody. */
  llgrStale: 0xffff_0006,
  /** RFC 9494 §4.6: not to be kept so. */
  noLlgr: 0xffff_0007,
  noExport: 0xffff_ff01,
  noAdvertise: 0xffff_ff02,
  noExportSubconfed: 0xffff_ff03,
} as const

export function has({ communities }: PathAttributes, community: keyof typeof WELL_KNOWN): boolean {
  return communities?.includes(WELL_KNOWN[community]) === true
}

/** As a path of a peer that has been away for long; undefined when it must not be kept that long. RFC 9494 §4.2. */
export function longLivedStale(attributes: PathAttributes): PathAttributes | undefined {
  if (has(attributes, 'noLlgr')) return undefined
  if (has(attributes, 'llgrStale')) return attributes
  return { ...attributes, communities: [...(attributes.communities ?? []), WELL_KNOWN.llgrStale] }
}
