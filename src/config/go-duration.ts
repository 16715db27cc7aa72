// Durations as Go writes them, `1m30s`: the form they have in FelixConfiguration and BGPConfiguration.
// Follows time.ParseDuration and Duration.String of Go's standard library.

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5, micro sign
  μs: 1e-3, // U+03BC, Greek mu
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

const number = String.raw`(?:\d+\.?\d*|\.\d+)`
const unit = 'ns|us|µs|μs|ms|s|m|h'
const whole = new RegExp(`^[+-]?(?:(?:${number}(?:${unit}))+|0)$`)
const term = new RegExp(`(${number})(${unit})`, 'g')

/** Milliseconds of a Go duration such as `90s`, `1.5h` or `-2m10s`; undefined when malformed. A bare number is, but `0`. */
export function parseGoDuration(text: string): number | undefined {
  if (!whole.test(text)) return undefined
  let ms = 0
  for (const [, amount, name] of text.matchAll(term)) ms += Number(amount) * unitsMs[name!]!
  return text.startsWith('-') ? -ms : ms
}

/** A duration of whole milliseconds as Go prints it: `1m30s`, `1.5s`, `50ms`, `0s`. */
export function formatGoDuration(ms: number): string {
  if (ms < 0) return `-${formatGoDuration(-ms)}`
  if (ms > 0 && ms < 1_000) return `${ms}ms`
  const hours = Math.floor(ms / unitsMs.h!)
  const minutes = Math.floor((ms % unitsMs.h!) / unitsMs.m!)
  const seconds = `${(ms % unitsMs.m!) / 1_000}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}
