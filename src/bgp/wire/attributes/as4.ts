// Four-octet AS numbers over sessions with two: RFC 6793 §4.2.2 on the way out, §4.2.3 on the way in.
//
// Outside of this folder nobody has to know: AS_PATH and AGGREGATOR always say the true numbers.

import { AS_TRANS } from '../iana.ts'
import type { AsSegment, PathAttributes } from '../message.ts'

/** As received from a two-octet peer: AS4_PATH and AS4_AGGREGATOR take the place of what stands for them. */
export function mergeAs4(received: PathAttributes): PathAttributes {
  const { as4Path, as4Aggregator, ...attributes } = received
  const { asPath, aggregator } = attributes
  // Somebody who knows of neither has aggregated the route since: both are out of date.
  if (as4Aggregator && aggregator && aggregator.asn !== AS_TRANS) return attributes
  return {
    ...attributes,
    ...(asPath && as4Path && { asPath: mergePath(asPath, as4Path) }),
    ...(as4Aggregator && aggregator && { aggregator: as4Aggregator }),
  }
}

/** What a two-octet peer is sent beside AS_PATH and AGGREGATOR, where a number in them does not fit. */
export function as4Twins({ asPath, aggregator }: PathAttributes): PathAttributes {
  return {
    ...(asPath?.some(({ asns }) => asns.some(isWide)) && { as4Path: asPath }),
    ...(aggregator && isWide(aggregator.asn) && { as4Aggregator: aggregator }),
  }
}

function isWide(asn: number): boolean {
  return asn > 0xffff
}

/** The ASes in front are known from AS_PATH only: those that AS4_PATH lacks are taken from there. */
function mergePath(asPath: readonly AsSegment[], as4Path: readonly AsSegment[]): readonly AsSegment[] {
  const lacking = pathLength(asPath) - pathLength(as4Path)
  return lacking < 0 ? asPath : [...leading(asPath, lacking), ...as4Path]
}

/** RFC 4271 §9.1.2.2 a: a set counts as one. */
function pathLength(path: readonly AsSegment[]): number {
  return path.reduce((length, segment) => length + segmentLength(segment), 0)
}

function segmentLength({ type, asns }: AsSegment): number {
  return type === 'set' ? 1 : asns.length
}

/** The front part of a path, `length` ASes long. */
function leading(path: readonly AsSegment[], length: number): AsSegment[] {
  const [first, ...rest] = path
  if (!first || length === 0) return []
  const whole = segmentLength(first) <= length
  if (!whole) return [{ type: 'sequence', asns: first.asns.slice(0, length) }]
  return [first, ...leading(rest, length - segmentLength(first))]
}
