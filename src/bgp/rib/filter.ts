// Filters: what an operator wants done with single routes. The first rule whose conditions all hold decides.
// Calico: BGPFilter as confd renders it for BIRD (confd/etc/calico/confd/templates, api/pkg/apis/projectcalico/v3/bgpfilter.go).

import { contains, type Prefix, prefixLength } from '../../inet/prefix.ts'
import type { Path } from '../types.ts'
import type { AsSegment, PathAttributes } from '../wire/message.ts'

export interface FilterRule {
  /** Where the rule stands, for people: `BGPFilter tor, exportV4 rule 2`. */
  readonly because: string
  readonly accept: boolean
  /** All of them have to hold; none always do. */
  readonly conditions: readonly Condition[]
  /** Done in order to what is accepted. */
  readonly operations: readonly Operation[]
}

export type Condition =
  /** Inside `within` (or equal to it), and from `min` to `max` bits long; or, negated, not so. */
  | {
      readonly kind: 'prefix'
      readonly within: Prefix
      readonly min: number
      readonly max: number
      readonly negated: boolean
    }
  /** Came by BGP, and is none of our own. */
  | { readonly kind: 'learned' }
  /** The interface packets would leave by, with `*` and `?`. A route without one has the empty name. */
  | { readonly kind: 'interface'; readonly pattern: string }
  | { readonly kind: 'peer'; readonly type: 'internal' | 'external' }
  | { readonly kind: 'community'; readonly community: Community }
  /** AS_PATH begins with these. Towards external peers our own AS is in front already. */
  | { readonly kind: 'as-path'; readonly begins: readonly number[] }
  | { readonly kind: 'local-pref'; readonly value: number }

export type Operation =
  | { readonly kind: 'add-community'; readonly community: Community }
  /** In front of all that is there, our own AS included. */
  | { readonly kind: 'prepend-as-path'; readonly asns: readonly number[] }
  | { readonly kind: 'set-local-pref'; readonly value: number }

/** Nothing is done. */
export const UNCHANGED: readonly Operation[] = []

/** As in `PathAttributes`: `asn << 16 | value`, or `global:local1:local2`. */
export type Community =
  | { readonly size: 'standard'; readonly value: number }
  | { readonly size: 'large'; readonly value: string }

/** What a filter looks at. */
export interface Subject {
  readonly path: Path
  /** The path's AS_PATH as the other side would see it. */
  readonly asPath: readonly AsSegment[]
  readonly peer: 'internal' | 'external'
  /** The interface packets for the path would leave by; empty when there is none. */
  readonly interface: () => string
}

type Holds<K extends Condition['kind']> = (
  condition: Extract<Condition, { kind: K }>,
  subject: Subject,
) => boolean

const HOLDS: { readonly [K in Condition['kind']]: Holds<K> } = {
  prefix: ({ within, min, max, negated }, { path: { prefix } }) => {
    const length = prefixLength(prefix)
    return (contains(within, prefix) && length >= min && length <= max) !== negated
  },
  learned: (_, { path }) => path.peer !== null,
  interface: ({ pattern }, subject) => matches(pattern, subject.interface()),
  peer: ({ type }, { peer }) => type === peer,
  community: ({ community }, { path }) => carries(path.attributes, community),
  'as-path': ({ begins }, { asPath }) => beginsWith(asPath, begins),
  'local-pref': ({ value }, { path }) => path.attributes.localPref === value,
}

type Does<K extends Operation['kind']> = (
  operation: Extract<Operation, { kind: K }>,
  attributes: PathAttributes,
) => PathAttributes

const DOES: { readonly [K in Operation['kind']]: Does<K> } = {
  'add-community': ({ community }, attributes) =>
    carries(attributes, community) ? attributes : { ...attributes, ...withCommunity(attributes, community) },
  'prepend-as-path': ({ asns }, attributes) => ({
    ...attributes,
    asPath: asns.reduceRight((path, asn) => prependAs(path, asn), attributes.asPath ?? []),
  }),
  'set-local-pref': ({ value }, attributes) => ({ ...attributes, localPref: value }),
}

/** The rule that decides about a route; undefined when none has anything to say. */
export function deciding(rules: readonly FilterRule[], subject: Subject): FilterRule | undefined {
  return rules.find(({ conditions }) => conditions.every((condition) => holds(condition, subject)))
}

/** The attributes after all operations. */
export function operate(operations: readonly Operation[], attributes: PathAttributes): PathAttributes {
  return operations.reduce(
    (sofar, operation) => (DOES[operation.kind] as Does<Operation['kind']>)(operation as never, sofar),
    attributes,
  )
}

/** Most AS numbers in one segment: its length is one octet. */
const SEGMENT_MAX = 255

/** RFC 4271 §5.1.2 b. */
export function prependAs(path: readonly AsSegment[], asn: number): readonly AsSegment[] {
  const [first, ...rest] = path
  if (first?.type === 'sequence' && first.asns.length < SEGMENT_MAX) {
    return [{ type: 'sequence', asns: [asn, ...first.asns] }, ...rest]
  }
  return [{ type: 'sequence', asns: [asn] }, ...path]
}

/** Shell patterns as BIRD's `~` knows them: `*` for any characters, `?` for one. */
export function matches(pattern: string, text: string): boolean {
  const parts = pattern.split(/([*?])/).map((part) => WILDCARDS[part] ?? escaped(part))
  return new RegExp(`^${parts.join('')}$`, 's').test(text)
}

/** The text as a regular expression that matches just it. */
function escaped(text: string): string {
  return text.replace(/[\\^$.|+()[\]{}]/g, '\\$&')
}

const WILDCARDS: Readonly<Record<string, string>> = { '*': '.*', '?': '.' }

function holds(condition: Condition, subject: Subject): boolean {
  return (HOLDS[condition.kind] as Holds<Condition['kind']>)(condition as never, subject)
}

function carries({ communities, largeCommunities }: PathAttributes, { size, value }: Community): boolean {
  const held: readonly (number | string)[] | undefined = size === 'standard' ? communities : largeCommunities
  return held?.includes(value) ?? false
}

/** In ascending order, as BIRD sends them. */
function withCommunity(
  { communities = [], largeCommunities = [] }: PathAttributes,
  { size, value }: Community,
): Pick<PathAttributes, 'communities' | 'largeCommunities'> {
  if (size === 'standard') return { communities: [...communities, value].sort((a, b) => a - b) }
  return { largeCommunities: [...largeCommunities, value].sort(byParts) }
}

function byParts(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(':').map(Number)) as [number[], number[]]
  return left.map((part, i) => part - right[i]!).find((difference) => difference !== 0) ?? 0
}

/** Within the first sequence and those that follow it: an AS_SET ends what can be compared. */
function beginsWith(path: readonly AsSegment[], begins: readonly number[]): boolean {
  const set = path.findIndex(({ type }) => type === 'set')
  const asns = path.slice(0, set === -1 ? undefined : set).flatMap((segment) => segment.asns)
  return begins.every((asn, i) => asns[i] === asn)
}
