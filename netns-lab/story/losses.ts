// What became of a stream of pings, from what ping(8) printed until it was interrupted.

export interface Losses {
  readonly sent: number
  /** Sequence numbers that no answer came to. */
  readonly lost: readonly number[]
}

/** On a busy machine the answers to the last requests are still under way when ping(8) is told to stop. */
const underWayMs = 200

/** Undefined when the text has no summary: ping(8) ended before it was told to. */
export function lossesIn(text: string): Losses | undefined {
  const summary = /(?<sent>\d+) packets transmitted.* time (?<ms>\d+)ms/.exec(text)?.groups
  if (!summary) return undefined
  const [sent, ms] = [Number(summary.sent), Number(summary.ms)]
  const answered = new Set([...text.matchAll(/icmp_seq=(\d+) ttl=/g)].map(([, number]) => Number(number)))
  const underWay = Math.ceil((underWayMs * sent) / Math.max(ms, 1))
  const last = Math.max(0, sent - underWay, ...answered)
  const numbers = Array.from({ length: last }, (_, at) => at + 1)
  return { sent, lost: numbers.filter((number) => !answered.has(number)) }
}

/** `3-5, 9`. */
export function inRanges(numbers: readonly number[]): string {
  const begins = numbers.filter((number, at) => numbers[at - 1] !== number - 1)
  const ends = numbers.filter((number, at) => numbers[at + 1] !== number + 1)
  return begins.map((begin, at) => (begin === ends[at] ? `${begin}` : `${begin}-${ends[at]}`)).join(', ')
}
