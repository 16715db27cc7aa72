// Sentences and lists, as all commands print them.

const freshForMs = 20 * 3_600_000

/**
 * When something began, as BIRD and so `calicoctl node status` print it: `HH:MM:SS` when younger than 20 hours,
 * else `YYYY-MM-DD`, in the local time zone. Both times in milliseconds since the epoch.
 */
export function since(at: number, now: number): string {
  const date = new Date(at)
  return now - at < freshForMs
    ? [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
    : [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(two).join('-')
}

/** Text that cannot move the cursor or start a line, whatever a resource or a peer put into it. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** A heading and one indented line each; nothing at all when there are none. */
export function listed(heading: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return `${heading}\n${lines.map((line) => `  ${printable(line)}\n`).join('')}`
}

/** `FelixConfiguration/default spec.ipv6Support: expected …`. */
export function problemLine(problem: {
  readonly subject: string
  readonly field?: string
  readonly message: string
}): string {
  const { subject, field, message } = problem
  return `${subject}${field ? ` ${field}` : ''}: ${message}`
}

/** `1 problem`, `2 problems`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

function two(n: number): string {
  return String(n).padStart(2, '0')
}
