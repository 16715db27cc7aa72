// Comparing what a command prints with what a file says it should.

/** Without trailing spaces and empty lines, and with clock times and dates made equal. */
export function normalised(text: string): string[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .trimEnd()
        .replaceAll(/\b\d{4}-\d\d-\d\d\b/g, 'YYYY-MM-DD')
        .replaceAll(/(?<![\w:])\d\d:\d\d:\d\d(\.\d+)?(?![\w:])/g, 'HH:MM:SS'),
    )
    .filter((line) => line !== '')
}

/**
 * The lines of a kernel in which only what a datastore says of an endpoint is known: a Pod does not say its MAC, so with
 * Kubernetes its neighbour is learned by ARP and not permanent.
 */
export function withoutPodNeighbours(text: string): string {
  return text.replaceAll(/^.* dev cali\w+ lladdr \S+ PERMANENT\n/gm, '')
}

/** True when both have the same lines, in any order. */
export function sameLines(expected: string, actual: string): boolean {
  const [a, b] = [normalised(expected), normalised(actual)].map((lines) => lines.sort().join('\n'))
  return a === b
}

/** The actual lines with `+` before those nobody expected, then `-` before those that are missing. */
export function difference(expected: string, actual: string): string {
  const missing = normalised(expected)
  const shown = normalised(actual).map((line) => {
    const at = missing.indexOf(line)
    if (at < 0) return `+ ${line}`
    missing.splice(at, 1)
    return `  ${line}`
  })
  return [...shown, ...missing.map((line) => `- ${line}`)].join('\n')
}
