// What the kernel drops without telling anybody but its counters: the only trace of a wrong password or a low TTL. They
// count for the whole host, or its network namespace, whoever sent the segment. Names: linux net/ipv4/proc.c.

import { readFileSync } from 'node:fs'

const COUNTERS = {
  TCPMD5NotFound: 'not signed, where a password is asked for',
  TCPMD5Unexpected: 'signed, where there is no password',
  TCPMD5Failure: 'signed with another password',
  TCPMinTTLDrop: 'with a lower TTL than ttlSecurity allows',
} as const

/** Why a segment is dropped. */
export type Drop = (typeof COUNTERS)[keyof typeof COUNTERS]

/** Begins to count. What it returns tells how many there were since; empty where the kernel does not say. */
export function countDrops(): () => Partial<Record<Drop, number>> {
  const before = read()
  return () => {
    const now = read()
    return Object.fromEntries(
      Object.entries(COUNTERS).map(([name, drop]) => [drop, (now.get(name) ?? 0) - (before.get(name) ?? 0)]),
    )
  }
}

/** `/proc/net/netstat` has its names and its values in two lines, both of which begin with `TcpExt:`. */
function read(): ReadonlyMap<string, number> {
  try {
    const lines = readFileSync('/proc/net/netstat', 'utf8').split('\n')
    const [names = [], values = []] = lines
      .filter((line) => line.startsWith('TcpExt:'))
      .map((line) => line.split(' '))
    return new Map(names.map((name, at) => [name, Number(values[at])]))
  } catch {
    return new Map()
  }
}
