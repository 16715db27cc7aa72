// Numbers and names from the IANA registries "BGP Parameters" and "Capability Codes", as of 2026.
//
// The NOTIFICATION texts are BIRD's, to the letter: `calicoctl node status` passes
// them on, and operators search the web for them.

/** RFC 4271 §4.1, RFC 2918. */
export const MESSAGE_TYPE = { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 } as const

/** Error codes of NOTIFICATION: RFC 4271 §4.5, RFC 7313 §5, RFC 9687 §3. */
export const ERROR = {
  header: 1,
  open: 2,
  update: 3,
  holdTimer: 4,
  fsm: 5,
  cease: 6,
  routeRefresh: 7,
  sendHoldTimer: 8,
} as const

/** RFC 4271 §6.1. */
export const HEADER_ERROR = { notSynchronized: 1, badLength: 2, badType: 3 } as const

/** RFC 4271 §6.2, RFC 5492 §5, RFC 9234 §4.2. */
export const OPEN_ERROR = {
  unspecific: 0,
  unsupportedVersion: 1,
  badPeerAs: 2,
  badIdentifier: 3,
  unsupportedParameter: 4,
  unacceptableHoldTime: 6,
  missingCapability: 7,
  roleMismatch: 11,
} as const

/** RFC 4271 §6.3. */
export const UPDATE_ERROR = {
  malformedList: 1,
  unrecognizedWellKnown: 2,
  missingWellKnown: 3,
  flags: 4,
  length: 5,
  origin: 6,
  nextHop: 8,
  optional: 9,
  network: 10,
  asPath: 11,
} as const

/** RFC 7313 §5. */
export const ROUTE_REFRESH_ERROR = { badLength: 1 } as const

/** RFC 4760 §10. */
export const AFI = { ipv4: 1, ipv6: 2 } as const
export const SAFI_UNICAST = 1

/** Stands in for an AS number that does not fit into two octets: RFC 6793 §9. */
export const AS_TRANS = 23456

/** Largest message, in octets: RFC 4271 §4.1, and RFC 8654 §3 for peers that agreed to it. */
export const MAX_LENGTH = 4096
export const MAX_EXTENDED_LENGTH = 65535

/** Path attributes by type code. */
const ATTRIBUTE_NAMES: Readonly<Record<number, string>> = {
  0: 'path attributes',
  1: 'ORIGIN',
  2: 'AS_PATH',
  3: 'NEXT_HOP',
  4: 'MULTI_EXIT_DISC',
  5: 'LOCAL_PREF',
  6: 'ATOMIC_AGGREGATE',
  7: 'AGGREGATOR',
  8: 'COMMUNITIES',
  9: 'ORIGINATOR_ID',
  10: 'CLUSTER_LIST',
  14: 'MP_REACH_NLRI',
  15: 'MP_UNREACH_NLRI',
  16: 'EXTENDED COMMUNITIES',
  17: 'AS4_PATH',
  18: 'AS4_AGGREGATOR',
  25: 'IPv6 EXTENDED COMMUNITIES',
  32: 'LARGE_COMMUNITY',
  35: 'OTC',
}

/** `AS_PATH`, or `attribute 99`. */
export function attributeName(code: number): string {
  return ATTRIBUTE_NAMES[code] ?? `attribute ${code}`
}

/** By code, then subcode; subcode 0 stands for "unspecific" and, where there are no others, for the code itself. */
const NOTIFICATION_TEXTS: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  1: {
    0: 'Invalid message header',
    1: 'Connection not synchronized',
    2: 'Bad message length',
    3: 'Bad message type',
  },
  2: {
    0: 'Invalid OPEN message',
    1: 'Unsupported version number',
    2: 'Bad peer AS',
    3: 'Bad BGP identifier',
    4: 'Unsupported optional parameter',
    5: 'Authentication failure',
    6: 'Unacceptable hold time',
    7: 'Required capability missing',
    11: 'Role mismatch', // this one, 6/9, 6/10 and 8/0 are younger than BIRD 1.6
  },
  3: {
    0: 'Invalid UPDATE message',
    1: 'Malformed attribute list',
    2: 'Unrecognized well-known attribute',
    3: 'Missing mandatory attribute',
    4: 'Invalid attribute flags',
    5: 'Invalid attribute length',
    6: 'Invalid ORIGIN attribute',
    7: 'AS routing loop',
    8: 'Invalid NEXT_HOP attribute',
    9: 'Optional attribute error',
    10: 'Invalid network field',
    11: 'Malformed AS_PATH',
  },
  4: { 0: 'Hold timer expired' },
  5: {
    0: 'Finite state machine error',
    1: 'Unexpected message in OpenSent state',
    2: 'Unexpected message in OpenConfirm state',
    3: 'Unexpected message in Established state',
  },
  6: {
    0: 'Cease',
    1: 'Maximum number of prefixes reached',
    2: 'Administrative shutdown',
    3: 'Peer de-configured',
    4: 'Administrative reset',
    5: 'Connection rejected',
    6: 'Other configuration change',
    7: 'Connection collision resolution',
    8: 'Out of Resources',
    9: 'Hard reset',
    10: 'BFD down',
  },
  7: { 0: 'Invalid ROUTE-REFRESH message', 1: 'Invalid ROUTE-REFRESH message length' },
  8: { 0: 'Send hold timer expired' },
}

/** What a NOTIFICATION means, in BIRD's words; `Unknown error 9.9` when it has none. */
export function notificationText(code: number, subcode: number): string {
  return NOTIFICATION_TEXTS[code]?.[subcode] ?? `Unknown error ${code}.${subcode}`
}
