// Compares text with a file in test/cli/golden, which shows a reader what people see.
// `UPDATE_GOLDEN=1 node test/cli/<name>.test.ts` writes the files anew.

import { readFileSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'

export function golden(t: Test, name: string, text: string): void {
  const file = new URL(`golden/${name}.txt`, import.meta.url)
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, text)
  t.equal(text, readFileSync(file, 'utf8'), name)
}
