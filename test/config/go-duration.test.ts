import t from 'tap'
import { formatGoDuration, parseGoDuration } from '../../src/config/go-duration.ts'

t.test('durations read as Go reads them', async (t) => {
  const good: [string, number][] = [
    ['90s', 90_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['50ms', 50],
    ['250us', 0.25],
    ['1µs', 0.001],
    ['-2m10s', -130_000],
    ['+1s', 1_000],
    ['0', 0],
    ['1h0m0s', 3_600_000],
  ]
  for (const [text, ms] of good) t.equal(parseGoDuration(text), ms, text)
})

t.test('what Go refuses is refused', async (t) => {
  for (const text of ['', '90', 's', '1d', '1 s', '1s ', '-', '1m30', '1,5s', '90S'])
    t.equal(parseGoDuration(text), undefined, JSON.stringify(text))
})

t.test('durations print as Go prints them, and read back', async (t) => {
  const printed: [number, string][] = [
    [0, '0s'],
    [50, '50ms'],
    [1_500, '1.5s'],
    [90_000, '1m30s'],
    [3_600_000, '1h0m0s'],
    [-130_000, '-2m10s'],
  ]
  for (const [ms, text] of printed) {
    t.equal(formatGoDuration(ms), text)
    t.equal(parseGoDuration(text), ms)
  }
})
