// The sessions that we have with each daemon, all at the same time, each between two addresses of its own.

import type { PeerConfig } from '../../src/bgp/types.ts'
import { type Address, address, type Family } from '../../src/inet/address.ts'
import { type Prefix, prefix } from '../../src/inet/prefix.ts'
import type { Neighbor } from './daemon.ts'

export interface Session {
  readonly name: SessionName
  readonly family: Family
  readonly internal?: true
  /** Who passes on to the other what internal peers say. */
  readonly reflector?: 'we' | 'they'
  readonly signed?: true
  readonly ttlSecurity?: true
  /** Several paths to one destination, both ways (RFC 7911). */
  readonly addPath?: true
  /** Its path is watched (RFC 5882). */
  readonly bfd?: true
  /** It is with the other speaker of ours, which stands for another node. */
  readonly other?: true
}

export type SessionName = (typeof NAMES)[number]

const NAMES = [
  'internal',
  'internal6',
  'external',
  'external6',
  'client',
  'client6',
  'reflector',
  'source',
  'signed',
  'signed6',
  'near',
  'near6',
  'paths',
  'signedInternal',
  'nearInternal',
] as const

const TRAITS: Readonly<Record<SessionName, Omit<Session, 'name' | 'family'>>> = {
  internal: { internal: true },
  internal6: { internal: true },
  external: {},
  external6: {},
  client: { internal: true, reflector: 'we' },
  client6: { internal: true, reflector: 'we', addPath: true },
  reflector: { internal: true, reflector: 'they' },
  source: { internal: true, reflector: 'they', other: true },
  signed: { signed: true, bfd: true },
  signed6: { signed: true, bfd: true },
  near: { ttlSecurity: true },
  near6: { ttlSecurity: true },
  paths: { internal: true, reflector: 'we', addPath: true },
  signedInternal: { internal: true, signed: true, bfd: true },
  nearInternal: { internal: true, ttlSecurity: true },
}

export const SESSIONS: readonly Session[] = NAMES.map((name) => ({
  name,
  family: name.endsWith('6') ? 'ipv6' : 'ipv4',
  ...TRAITS[name],
}))

/** Towards external peers, and between our two speakers. */
export const OUR_ASN = 64512
/** The cluster that we reflect for. */
export const OUR_CLUSTER = address('10.9.0.9')
/** Where our two speakers meet. */
export const NEAR = { ipv4: address('10.9.0.1'), ipv6: address('fd09::1') }
export const OTHER = { ipv4: address('10.9.0.2'), ipv6: address('fd09::2') }

export const PASSWORD = 's3cret'
/** Milliseconds between packets of BFD, and how many may go missing: nobody here is to be taken for dead who is only busy. */
export const PATH_WATCH = { intervalMs: 500, multiplier: 8 } as const
export const OUR_LARGE_COMMUNITY = '64512:4000000000:1'

/** What we announce: for good; until our restart; with a large community; and more than fits into 4096 octets. */
export const OURS = {
  stays: { ipv4: prefix('10.244.1.0/26'), ipv6: prefix('fd44:1::/122') },
  goes: { ipv4: prefix('10.244.2.0/26'), ipv6: prefix('fd44:2::/122') },
  tagged: prefix('10.244.3.0/26'),
  many: Array.from({ length: 1000 }, (_, i) => prefix(`10.245.${i >> 8}.${i & 255}/32`)),
} as const
/** What the other speaker of ours announces to us alone, and to the daemons alone: others have it by reflection. */
export const OTHERS = {
  toUs: { ipv4: prefix('10.244.8.0/26'), ipv6: prefix('fd44:8::/122') },
  toThem: prefix('10.244.9.0/26'),
}
/** What we announce, and the other speaker of ours to us: there are two paths to it. */
export const TWICE = { ipv4: prefix('10.244.10.0/26'), ipv6: prefix('fd44:10::/122') }

/** Addresses and numbers of the daemon that is the nth. */
export interface Place {
  readonly nth: number
  readonly asn: number
  readonly clusterId: Address
  readonly routerId: Address
  ours(session: Session): Address
  theirs(session: Session): Address
  /** What it announces, and what it no longer does after its restart. */
  readonly stays: Readonly<Record<Family, Prefix>>
  readonly goes: Readonly<Record<Family, Prefix>>
  readonly largeCommunity: string
}

export function place(nth: number): Place {
  const at = ({ name, family }: Session, host: number) =>
    address(`${family === 'ipv4' ? `10.9.${nth}.` : `fd09:${nth}::`}${host + NAMES.indexOf(name)}`)
  return {
    nth,
    asn: 65000 + nth,
    clusterId: address(`10.9.${nth}.9`),
    routerId: address(`10.9.${nth}.2`),
    ours: (session) => at(session, 10),
    theirs: (session) => at(session, 110),
    stays: { ipv4: prefix(`10.10${nth}.1.0/24`), ipv6: prefix(`fd10:${nth}:1::/64`) },
    goes: { ipv4: prefix(`10.10${nth}.2.0/24`), ipv6: prefix(`fd10:${nth}:2::/64`) },
    largeCommunity: `${65000 + nth}:4000000000:2`,
  }
}

/** A session as the daemon knows it. */
export function neighbor(session: Session, where: Place): Neighbor {
  const { name, family, signed, ttlSecurity, addPath, bfd, reflector } = session
  return {
    name,
    family,
    local: where.theirs(session),
    remote: where.ours(session),
    remoteAsn: ourAsn(session, where),
    ...(signed && { password: PASSWORD }),
    ...(ttlSecurity && { ttlSecurity }),
    ...(addPath && { addPath }),
    ...(bfd && { bfd }),
    ...(reflector === 'they' && { client: true as const }),
  }
}

/** And as we do. The router ID tells our sessions apart, as if they were with many nodes. */
export function peer(session: Session, where: Place, daemon: string): PeerConfig {
  const { family, signed, ttlSecurity, addPath, bfd, reflector } = session
  return {
    name: where.theirs(session),
    kind: 'global',
    address: where.theirs(session),
    port: 179,
    localAddress: where.ours(session),
    families: [family],
    localAsn: ourAsn(session, where),
    peerAsn: where.asn,
    routerId: routerId(session, where),
    passive: false,
    holdTime: 90,
    restartTime: 120,
    allowedLocalAsns: 0,
    ...(signed && { password: { name: 'bgp', key: 'password', version: 1 } }),
    ...(ttlSecurity && { ttlSecurity: 1 }),
    ...(addPath && { addPath: 'both' }),
    ...(bfd && { pathWatch: { ...PATH_WATCH, multihop: false } }),
    ...(reflector === 'we' && { reflector: { clusterId: OUR_CLUSTER, client: true } }),
    because: `interoperation with ${daemon}`,
  }
}

export function sessionOf(name: SessionName): Session {
  return SESSIONS.find((session) => session.name === name)!
}

/** That of our address of the same number, in IPv4. */
export function routerId(session: Session, where: Place): Address {
  return where.ours({ ...session, family: 'ipv4' })
}

function ourAsn({ internal }: Session, { asn }: Place): number {
  return internal ? asn : OUR_ASN
}
