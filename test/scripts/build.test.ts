// The sources as JavaScript, for the image.

import t from 'tap'
import { compile } from '../../scripts/build.ts'

t.test('types go, imports name JavaScript, and every word stays where it was', async (t) => {
  const source = [
    "import type { A } from './a.ts'",
    "import { type B, c } from '../c/c.ts'",
    "export * from './d.ts'",
    'export const e: A = c as A',
    "const f = await import('./f.ts') // in './g.ts'",
    "import { text } from 'package.ts'",
  ]
  const lines = compile(source.join('\n')).split('\n')
  t.same(lines, [
    ' '.repeat(31),
    "import {         c } from '../c/c.js'",
    "export * from './d.js'",
    'export const e    = c     ',
    "const f = await import('./f.js') // in './g.ts'",
    "import { text } from 'package.ts'",
  ])
})
