// Pods that ping each other, with real ping(8), many at a time but not too many.

import { type Address, type Family, familyOf } from '../src/inet/address.ts'
import { inside, outcome } from './kernel/run.ts'
import type { Lab } from './lab.ts'
import { inBatches, patient, until } from './until.ts'

export interface Ping {
  /** Names of the pod or machine that sends, and of the one that has the address. */
  readonly from: string
  readonly to: string
  readonly address: Address
}

const width = 16

/** Every pod to every address of every pod, itself included. */
export function allPings({ state: { pods } }: Lab): Ping[] {
  return pods.flatMap((from) =>
    pods.flatMap((to) =>
      to.addresses
        .filter((address) => from.addresses.some((own) => isSameFamily(own, address)))
        .map((address) => ({ from: from.name, to: to.name, address: address as Address })),
    ),
  )
}

/** Sends each until it is answered, or the deadline passes. Returns those without an answer. */
export async function unanswered(
  lab: Lab,
  pings: readonly Ping[],
  deadlineMs: number,
): Promise<readonly Ping[]> {
  let left = pings
  await until(
    async () => {
      const answers = await inBatches(left, width, (ping) => isAnswered(lab, ping))
      left = left.filter((_, at) => !answers[at])
      return left.length === 0
    },
    { deadlineMs, signal: lab.signal },
  )
  return left
}

/** One echo request; half a second is long in a lab. */
export async function isAnswered(lab: Lab, { from, address }: Ping): Promise<boolean> {
  const waitS = String(patient(0.5))
  const command = inside(lab.namespaceOf(from), ['ping', '-nqc', '1', '-W', waitS, address])
  return (await outcome(command, { signal: lab.signal })).code === 0
}

/** Rows ping columns. One table a family. */
export function matrix(family: Family, pings: readonly Ping[], lost: readonly Ping[]): string {
  const shown = pings.filter(({ address }) => familyOf(address) === family)
  const names = [...new Set(shown.map(({ from }) => from))]
  const cell = (from: string, to: string): string => {
    const sent = shown.filter((ping) => ping.from === from && ping.to === to)
    if (sent.length === 0) return '-'
    return sent.some((ping) => lost.includes(ping)) ? 'LOST' : 'ok'
  }
  const rows = names.map((from) => [from, ...names.map((to) => cell(from, to))])
  return table([['', ...names], ...rows])
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((text, at) => text.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function isSameFamily(a: string, b: string): boolean {
  return familyOf(a) === familyOf(b)
}
