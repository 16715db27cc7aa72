// What this agent can do for a session and Calico's API has no field for: annotations `caracal.io/…`, since the API server
// drops fields that a CRD does not declare. Calico's own programs pass them over.

import type { z } from 'zod/mini'
import type { Maintenance, PrefixLimit, Role } from '../model.ts'
import { after, field, oneOf, optional, pathWatch, seconds, section, text } from './fields.ts'
import { PATH_WATCH } from './path-watch.ts'

const GROUP = 'caracal.io/'

/** BIRD of calico-node does both with everybody; here it has to be asked for. */
const ADD_PATH = `${GROUP}add-path`
const FAMILIES = `${GROUP}families`
const MAX_PREFIXES = `${GROUP}max-prefixes`
const ROLE = `${GROUP}role`
const GRACEFUL_SHUTDOWN = `${GROUP}graceful-shutdown`
const SHUTDOWN = `${GROUP}shutdown`
const LONG_LIVED = `${GROUP}long-lived-restart`

/** `false` is what people write to undo a thing. */
const reason = after(optional(text), (given) => (given === 'false' ? undefined : given))

const maintenanceShape = { [GRACEFUL_SHUTDOWN]: reason, [SHUTDOWN]: reason }

/** Annotations of a Node. */
export const nodeAnnotations = section(maintenanceShape)

const prefixLimit = optional(
  field(
    'a number of prefixes, perhaps with a share to warn at and a time to start again after',
    '1000 warn 80% restart 5m',
    parsePrefixLimit,
  ),
)

/** Annotations of a BGPConfiguration. */
export const configurationAnnotations = section({ [MAX_PREFIXES]: prefixLimit })

/** Annotations of a BGPPeer. */
export const peerAnnotations = section({
  ...maintenanceShape,
  [PATH_WATCH]: optional(pathWatch),
  [ADD_PATH]: optional(oneOf('receive', 'send', 'both')),
  [FAMILIES]: optional(
    field('ipv4, ipv6 or both of them', 'ipv4, ipv6', (given) => wordsOf(given, ['ipv4', 'ipv6'] as const)),
  ),
  [MAX_PREFIXES]: prefixLimit,
  [LONG_LIVED]: optional(seconds),
  [ROLE]: optional(
    field('provider, customer, peer, rs or rs-client, perhaps with strict', 'customer strict', parseRole),
  ),
})

export function maintenanceOf(annotations: z.output<typeof nodeAnnotations>): Maintenance {
  return { gracefulShutdown: annotations[GRACEFUL_SHUTDOWN], shutdown: annotations[SHUTDOWN] }
}

export function meshPrefixLimitOf(
  annotations: z.output<typeof configurationAnnotations>,
): PrefixLimit | undefined {
  return annotations[MAX_PREFIXES]
}

export function peerExtensionsOf(annotations: z.output<typeof peerAnnotations>) {
  return {
    maintenance: maintenanceOf(annotations),
    pathWatch: annotations[PATH_WATCH],
    addPath: annotations[ADD_PATH],
    families: annotations[FAMILIES],
    prefixLimit: annotations[MAX_PREFIXES],
    role: annotations[ROLE],
    longLivedTime: annotations[LONG_LIVED] && Math.min(annotations[LONG_LIVED], LONGEST),
  }
}

/** Seconds: the field has 24 bits (RFC 9494 §3). */
const LONGEST = 0xff_ffff

const limitForm =
  /^(?<prefixes>\d{1,9})( +warn +(?<percent>\d{1,3}) *%)?( +restart +(?<number>\d{1,6})(?<unit>[smh]))?$/

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** Percent of a limit at which there is a warning, unless another is given. */
const WARN_AT = 75

function parsePrefixLimit(given: string): PrefixLimit | undefined {
  const groups = limitForm.exec(given.trim())?.groups
  if (!groups) return undefined
  const { prefixes, percent = WARN_AT, number, unit } = groups
  const warnPercent = Number(percent)
  if (Number(prefixes) === 0 || warnPercent === 0 || warnPercent > 100 || Number(number) === 0)
    return undefined
  const restartAfter = number === undefined ? undefined : Number(number) * SECONDS[unit!]!
  return { prefixes: Number(prefixes), warnPercent, restartAfter }
}

const ROLES = ['provider', 'rs', 'rs-client', 'customer', 'peer'] as const

function parseRole(given: string): Role | undefined {
  const [word, strict, ...rest] = given.trim().split(/ +/)
  const name = ROLES.find((one) => one === word)
  if (!name || rest.length > 0 || (strict !== undefined && strict !== 'strict')) return undefined
  return { name, strict: strict !== undefined }
}

/** Words of a list, each at most once, in the order of `known`. */
function wordsOf<const T extends string>(given: string, known: readonly T[]): readonly T[] | undefined {
  const words = given.split(',').map((word) => word.trim())
  const found = known.filter((word) => words.includes(word))
  return found.length === words.length ? found : undefined
}
