// build.ts DIR: the sources of src/ as plain JavaScript in DIR, for the image.
//
// The types are taken out by the same stripper that Node applies when it runs the sources, once and for all: a running
// agent need not carry it (30 MB of memory). Lines and columns stay where they are, so a stack trace names the source.

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'

const source = join(import.meta.dirname, '..', 'src')

/** `from './x.ts'`, `import './x.ts'`, `import('./x.ts')`: relative imports are written so, and only they. */
const RELATIVE = /((?:\bfrom |\bimport |\bimport\()')(\.{1,2}\/[^']+)\.ts'/g

/** One module as Node would run it, its imports naming the other modules as they are called in DIR. */
export function compile(text: string): string {
  return stripTypeScriptTypes(text).replaceAll(RELATIVE, "$1$2.js'")
}

function build(target: string): void {
  const modules = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  for (const module of modules) {
    const to = join(target, module.replace(/\.ts$/, '.js'))
    const from = join(source, module)
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, compile(readFileSync(from, 'utf8')), { mode: statSync(from).mode })
  }
}

if (import.meta.main) {
  const [, , target] = process.argv
  if (target === undefined) throw new Error('usage: build.ts DIR')
  build(target)
}
