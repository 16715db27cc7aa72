import t from 'tap'
import { printable, since } from '../../src/cli/text.ts'

process.env.TZ = 'UTC'

t.test('a time is a clock time for 20 hours, then a date', async (t) => {
  const at = Date.parse('2026-08-20T09:05:07Z')
  const hour = 3_600_000
  t.equal(since(at, at), '09:05:07')
  t.equal(since(at, at + 20 * hour - 1), '09:05:07')
  t.equal(since(at, at + 20 * hour), '2026-08-20')
})

t.test('control characters are shown, not obeyed', async (t) => {
  t.equal(printable('a\u001b[2Jb\nc\u009b'), 'a\\x1b[2Jb\\x0ac\\x9b')
  t.equal(printable('naïve ✓'), 'naïve ✓')
})
