// What stories.ts starts in the virtual machine: `node inside.ts STORY:DATASTORE… [--update]`. The titles of those that
// passed go to a file, a line each, since a machine may end before the last.

import { appendFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import type { StoreType } from '../state.ts'
import { readStory } from '../story/index.ts'
import { tellTurns, titleOf } from '../story/turns.ts'
import { sharedInside } from './machine.ts'

const words = process.argv.slice(2)
const turns = words
  .filter((word) => word !== '--update')
  .map((word) => word.split(':') as [string, StoreType])
  .map(([name, store]) => ({ story: readStory(name), store }))

// Several agents start at once. What is compiled here, and kept now, is not compiled again in each of them.
await Promise.all([import('../../src/agent.ts'), import('../../src/cli/program.ts')])
flushCompileCache()

await tellTurns(turns, {
  update: words.includes('--update'),
  signal: new AbortController().signal,
  progress: console.log,
  verdict(turn, good) {
    if (good) appendFileSync(join(sharedInside, 'results'), `${titleOf(turn)}\n`)
  },
})
