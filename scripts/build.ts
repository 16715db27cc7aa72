// build.ts DIR: the program as the image has it, in DIR: our sources and what they need of other packages, bundled.
//
// Of a package comes what is used: of @kubernetes/client-node, which loads models of all of Kubernetes, the credentials. What the
// sources import when it is needed stays in a file of its own. Names and lines stay readable, and a map beside each file
// names the source: NODE_OPTIONS=--enable-source-maps. docs/performance.md says what this saves.

import { chmodSync, cpSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { type OutputChunk, type Plugin, rolldown } from 'rolldown'
import { notices } from './notices.ts'

const root = join(import.meta.dirname, '..')
const resolve = createRequire(import.meta.url).resolve

/** It does not say so, but none of its modules does anything when it is loaded, apart from what it exports. */
const WITHOUT_SIDE_EFFECTS = /[\\/]@kubernetes[\\/]client-node[\\/]dist[\\/]/

const HTTP = '\0http.cjs'

/** V8 keeps a source with one letter beyond Latin-1 in two octets a letter: 4 MB of memory for a few ellipses. */
const ascii: Plugin = {
  name: 'ascii',
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) if (file.type === 'chunk') file.code = escaped(file.code)
  },
}

/** The same program in ASCII: outside of comments, which are gone, an escape stands for its letter. */
export function escaped(code: string): string {
  return code.replace(/[^\0-\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** pino can hand its lines to another thread. Ours go to standard output, and what would take them there costs a megabyte. */
const withoutTransports: Plugin = {
  name: 'without transports',
  load: (id) => (/[\\/]pino[\\/]lib[\\/]transport\.js$/.test(id) ? 'module.exports = undefined' : undefined),
}

/**
 * An `import` of a module of Node reads all that it exports, and of this one that loads undici: 4 MB and 20 ms for a
 * WebSocket that nobody here uses. Of what this gives no more is read than is asked for.
 */
const withoutUndici: Plugin = {
  name: 'without undici',
  resolveId: (id) => (id === 'node:http' ? HTTP : undefined),
  load: (id) => (id === HTTP ? `module.exports = process.getBuiltinModule('node:http')` : undefined),
}

/** Writes main.js, chunks/ and what they read into `directory`. Returns the files of JavaScript. */
export async function build(directory: string): Promise<readonly OutputChunk[]> {
  const bundle = await rolldown({
    cwd: root,
    input: { main: 'src/main.ts' },
    platform: 'node',
    external: [
      'koffi', // finds its native library beside itself, so it stays a package
      'supports-color', // the package debug takes it where development has brought it along, and does without
    ],
    plugins: [ascii, withoutTransports, withoutUndici],
    treeshake: { moduleSideEffects: (id) => !WITHOUT_SIDE_EFFECTS.test(id) },
  })
  const { output } = await bundle.write({
    dir: directory,
    chunkFileNames: 'chunks/[name].js',
    intro: 'const __dirname = import.meta.dirname', // as modules of CommonJS know it
    comments: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
    // As in the image, wherever this is: the same sources make the same files.
    sourcemapPathTransform: (source, map) => join('/caracal', relative(root, join(dirname(map), source))),
  })
  await bundle.close()
  // etcd3 reads it at `__dirname/../proto`.
  cpSync(join(dirname(resolve('etcd3')), '../proto'), join(directory, 'proto'), { recursive: true })
  chmodSync(join(directory, 'main.js'), 0o755)
  const chunks = output.filter((file) => file.type === 'chunk')
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds)
  writeFileSync(join(directory, 'THIRD-PARTY.txt'), notices(modules))
  return chunks
}

if (import.meta.main) {
  const [, , directory] = process.argv
  if (directory === undefined) throw new Error('usage: build.ts DIR')
  await build(directory)
}
