// Which pools and which destinations outside of them this agent has put routes for, across restarts.
//
// The kernel marks our routes by protocol number only, and other programs use the same
// numbers; a fresh process tells ours by this file. It is written before the kernel is
// touched. It need not survive a reboot, since the routes do not: so no fsync.
//
// One line each, in the order things happened: `+ pool 10.65.0.0/16`, `- route 192.0.2.0/24`.

import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { contains, type Prefix, parsePrefix } from '../../inet/prefix.ts'

export type ClaimKind = 'pool' | 'route'

export interface SavedState {
  /**
   * Notes that routes inside a pool, or to a destination, may be ours. True when that is news: the kernel may hold some
   * that were not recognised before. Throws when it cannot be written.
   */
  claim(kind: ClaimKind, prefixes: readonly Prefix[]): boolean
  /** To be called when no such route is left in the kernel. Throws when that cannot be written. */
  release(kind: ClaimKind, prefixes: readonly Prefix[]): void
  /** The pools claimed and not released. */
  pools(): readonly Prefix[]
  /** True for destinations inside a claimed pool and for claimed destinations. */
  owns(prefix: Prefix): boolean
}

type Claims = Readonly<Record<ClaimKind, Set<Prefix>>>

/** Reads the file and writes it anew without what was released since. Throws when it cannot be read or written. */
export function openSavedState(path: string): SavedState {
  mkdirSync(dirname(path), { recursive: true })
  const claims = replay(readIfThere(path))
  compact(path, claims)

  let whole = true

  const note = (sign: '+' | '-', kind: ClaimKind, prefixes: readonly Prefix[]): boolean => {
    const news = prefixes.filter((prefix) => claims[kind].has(prefix) === (sign === '-'))
    if (news.length === 0) return false
    if (!whole) compact(path, claims) // half a line may stand at its end
    whole = false
    appendFileSync(path, text(sign, kind, news))
    whole = true
    for (const prefix of news) apply(claims, sign, kind, prefix)
    return true
  }

  return {
    claim: (kind, prefixes) => note('+', kind, prefixes),
    release: (kind, prefixes) => void note('-', kind, prefixes),
    pools: () => [...claims.pool],
    owns: (prefix) => claims.route.has(prefix) || [...claims.pool].some((pool) => contains(pool, prefix)),
  }
}

/** A line cut short by a crash is passed over: its route was never written. */
function replay(lines: string): Claims {
  const claims: Claims = { pool: new Set(), route: new Set() }
  for (const line of lines.split('\n').slice(0, -1)) {
    const [, sign, kind, cidr = ''] = /^([+-]) (pool|route) (\S+)$/.exec(line) ?? []
    const prefix = parsePrefix(cidr)
    if (prefix) apply(claims, sign as '+' | '-', kind as ClaimKind, prefix)
  }
  return claims
}

function apply(claims: Claims, sign: '+' | '-', kind: ClaimKind, prefix: Prefix): void {
  if (sign === '+') claims[kind].add(prefix)
  else claims[kind].delete(prefix)
}

function compact(path: string, { pool, route }: Claims): void {
  writeFileSync(`${path}.new`, text('+', 'pool', [...pool]) + text('+', 'route', [...route]), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

function text(sign: '+' | '-', kind: ClaimKind, prefixes: readonly Prefix[]): string {
  return prefixes.map((prefix) => `${sign} ${kind} ${prefix}\n`).join('')
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
