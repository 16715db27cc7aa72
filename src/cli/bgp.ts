// `agent bgp …`: sessions, paths, and what was said to whom.

import type { BfdView } from '../bfd/view.ts'
import type { AsSegment, PathAttributes } from '../bgp/wire/message.ts'
import type { AdvertisedView, PathView, PeerAnswer } from '../edge/control/api.ts'
import type { Question } from './command.ts'
import { type Column, plain } from './table.ts'
import { count, printable, since } from './text.ts'

export const peers: Question<'/bgp/peers'> = {
  path: '/bgp/peers',
  text: (answer, now) => (answer.length === 0 ? 'No peers.\n' : plain(peerColumns(now), answer)),
  good: (answer) => answer.every(({ state }) => state === 'Established'),
}

export const peer: Question<'/bgp/peers'> = {
  ...peers,
  text: (answer, now) => answer.map((one) => peerText(one, now)).join('\n'),
}

export const routes: Question<'/bgp/routes'> = {
  path: '/bgp/routes',
  text: (answer) => table(pathColumns, answer, 'No paths.\n'),
  good: (answer) => answer.length > 0,
}

export const received: Question<'/bgp/received'> = {
  path: '/bgp/received',
  text: (answer) => table(pathColumns, answer, 'Nothing.\n'),
  good: () => true,
}

export const advertised: Question<'/bgp/advertised'> = {
  path: '/bgp/advertised',
  text: (answer) => table(advertisedColumns, answer, 'Nothing.\n'),
  good: () => true,
}

export const reset: Question<'/bgp/reset'> = {
  path: '/bgp/reset',
  text: ({ done }) => `${printable(done)}\n`,
  good: () => true,
}

function table<T>(columns: readonly Column<T>[], rows: readonly T[], none: string): string {
  return rows.length === 0 ? none : plain(columns, rows)
}

function peerColumns(now: number): readonly Column<PeerAnswer>[] {
  return [
    ['PEER', ({ address }) => address],
    ['AS', ({ asn }) => String(asn), 'right'],
    ['STATE', ({ state }) => state],
    ['SINCE', (peer) => since(peer.since, now)],
    ['RECEIVED', ({ received }) => String(received), 'right'],
    ['LIMIT', ({ limit }) => String(limit.prefixes), 'right'],
    ['ADVERTISED', ({ advertised }) => String(advertised), 'right'],
    ['WANTED BECAUSE OF', ({ because }) => because],
    ['LAST ERROR', ({ lastError }) => lastError ?? ''],
  ]
}

function peerText(peer: PeerAnswer, now: number): string {
  const { address, port, asn, families, state, lastError, warning, agreed } = peer
  const { advertised, faults, because } = peer
  const advice = state === 'Established' ? undefined : peer.advice
  const lines: (readonly [string, string])[] = [
    ['peer', `${address} port ${port}, AS ${asn}`],
    ['carries', families.join(', ')],
    ['because', because],
    ['state', `${state} since ${since(peer.since, now)}`],
    ['last error', lastError ?? 'none'],
    ...(advice === undefined ? [] : [['try', advice] as const]),
    ...(warning === undefined ? [] : [['warning', warning] as const]),
    ...(agreed.length === 0 ? [] : [['agreed', agreed.join(', ')] as const]),
    ...(peer.bfd === undefined ? [] : [['bfd', bfdText(peer.bfd)] as const]),
    ['received', receivedText(peer)],
    ['advertised', count(advertised, 'route')],
    ['faulty', count(faults, 'UPDATE')],
  ]
  return lines
    .map(([what, text]) => printable(`${what}:`.padEnd(12) + text))
    .join('\n')
    .concat('\n')
}

/** `3 paths, 1 stale, of at most 1000 of a family`. */
function receivedText({ received, stale, limit }: PeerAnswer): string {
  const parts = [
    count(received, 'path'),
    stale > 0 && `${stale} stale`,
    `of at most ${limit.prefixes} of a family`,
  ]
  return parts.filter(Boolean).join(', ')
}

/** `Up, 300 ms x 3`. */
function bfdText({ state, intervalMs, multiplier, multihop, trouble }: BfdView): string {
  const how = `${state}, ${intervalMs} ms x ${multiplier}${multihop ? ', multihop' : ''}`
  return trouble === undefined ? how : `${how}; ${trouble}`
}

const attributeColumns: readonly Column<{ readonly attributes: PathAttributes }>[] = [
  ['NEXT HOP', ({ attributes }) => attributes.nextHop ?? 'self'],
  ['LOCAL PREF', ({ attributes }) => String(attributes.localPref ?? '-'), 'right'],
  ['AS PATH', ({ attributes }) => asPathText(attributes.asPath ?? [])],
  ['COMMUNITIES', ({ attributes }) => communitiesText(attributes)],
]

const pathColumns: readonly Column<PathView>[] = [
  ['PREFIX', ({ prefix }) => prefix],
  ['FROM', ({ peer }) => peer ?? 'this node'],
  ...attributeColumns,
  ['NOT IN USE BECAUSE', ({ lostBy }) => lostBy ?? ''],
]

const advertisedColumns: readonly Column<AdvertisedView>[] = [
  ['PREFIX', ({ prefix }) => prefix],
  ...attributeColumns,
  ['BECAUSE', ({ because }) => because ?? 'passed on'],
]

/** `65000 65001 {1 2}`, sets in braces. */
function asPathText(path: readonly AsSegment[]): string {
  return path.map(({ type, asns }) => (type === 'set' ? `{${asns.join(' ')}}` : asns.join(' '))).join(' ')
}

/** `64512:7 1:2:3`. */
function communitiesText({ communities = [], largeCommunities = [] }: PathAttributes): string {
  return [...communities.map((value) => `${value >>> 16}:${value & 0xffff}`), ...largeCommunities].join(' ')
}
