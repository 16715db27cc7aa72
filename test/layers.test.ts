// Who may import whom, and who may touch the world: the layers of the source, read from its import lines.

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '..', 'src')

interface Layer {
  /** Layers it may import from, besides itself. */
  readonly imports: readonly string[]
  /** Layers it may import types from. */
  readonly types?: readonly string[]
  /** It may open sockets and files, start processes and read the clock. */
  readonly world?: true
}

const pure = ['inet', 'bfd', 'bgp', 'cluster', 'config', 'plan', 'reconcile', 'startup', 'ipam']

const layers: Readonly<Record<string, Layer>> = {
  inet: { imports: [] },
  reconcile: { imports: [] },
  bfd: { imports: ['inet'] },
  bgp: { imports: ['inet'] },
  cluster: { imports: ['inet'] },
  config: { imports: ['inet'] },
  plan: { imports: ['inet', 'cluster'], types: ['bgp'] },
  ipam: { imports: ['inet', 'cluster'] },
  startup: { imports: ['inet', 'cluster', 'config'] },
  edge: { imports: [...pure, 'edge/observe', 'edge/libc.ts', 'edge/system-clock.ts'], world: true },
  cli: { imports: ['edge/control'], types: [...pure, 'edge', 'agent'] },
  agent: { imports: [...pure, 'edge'], types: ['edge'], world: true },
  'agent.ts': { imports: [...pure, 'edge', 'agent'], world: true },
  'main.ts': { imports: ['cli', 'config', 'agent.ts', 'agent/uninstall.ts'] },
}

const worldModules =
  /^(node:(net|tls|dgram|dns|http|https|http2|fs|os|child_process|worker_threads|timers|readline|crypto)(\/.*)?|execa|etcd3|pino|koffi|prom-client|@kubernetes\/.*)$/

/** What of them depends on its arguments alone. */
const harmless: Readonly<Record<string, string>> = { 'node:crypto': '{ createHash }' }

/** What a deterministic layer is handed instead. */
const worldGlobals =
  /\b(Date\.now|new Date\(\)|performance\.now|Math\.random|set(Timeout|Interval|Immediate)\(|queueMicrotask|console\.|process\.\w|fetch\()/

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
  /** What is imported, as it is written. Absent for `import()`. */
  readonly clause?: string
}

const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
)

t.test('every folder of src is a known layer', async (t) => {
  t.same(
    [...new Set(sources.map(topOf))].filter((top) => !(top in layers)),
    [],
  )
})

t.test('each layer imports only what is below it', async (t) => {
  const ours = sources.flatMap(importsOf).filter(({ to }) => to.startsWith('.'))
  t.same(ours.filter((line) => !isAllowed(line)).map(shown), [])
})

t.test('only src/edge, and the agent that builds it, touches the world', async (t) => {
  const outside = sources.filter((file) => !layerOf(file).world)
  t.same(
    outside
      .flatMap(importsOf)
      .filter(({ to, typeOnly }) => !typeOnly && worldModules.test(to))
      .filter(({ to, clause }) => clause === undefined || harmless[to] !== clause)
      .map(shown),
    [],
  )
})

t.test('the deterministic layers neither log nor read clock, environment or randomness', async (t) => {
  for (const file of sources.filter((file) => pure.includes(topOf(file)))) {
    const found = worldGlobals.exec(withoutComments(read(file)))
    t.equal(found?.[0], undefined, file)
  }
})

t.test('the table is what the reader of imports applies', async (t) => {
  const cases: readonly [from: string, to: string, typeOnly: boolean, allowed: boolean][] = [
    ['inet/prefix.ts', './address.ts', false, true],
    ['inet/prefix.ts', '../bgp/types.ts', true, false],
    ['bgp/rib/x.ts', '../../cluster/feed.ts', true, false],
    ['bfd/x.ts', '../bgp/types.ts', true, false],
    ['plan/x.ts', '../bgp/types.ts', true, true],
    ['plan/x.ts', '../bgp/speaker.ts', false, false],
    ['edge/kernel/x.ts', '../observe/log.ts', false, true],
    ['edge/kernel/x.ts', '../peers/dialer.ts', true, false],
    ['edge/kernel/x.ts', '../../reconcile/kind.ts', false, true],
    ['cli/x.ts', '../edge/control/client.ts', false, true],
    ['cli/x.ts', '../edge/kernel/routes.ts', false, false],
    ['cli/x.ts', '../bgp/types.ts', true, true],
    ['edge/control/x.ts', '../../agent.ts', true, false],
    ['main.ts', './agent.ts', false, true],
  ]
  for (const [from, to, typeOnly, allowed] of cases)
    t.equal(isAllowed({ from, to, typeOnly }), allowed, shown({ from, to, typeOnly }))
})

t.test('the reader sees every form of import', async (t) => {
  const text = `
    import a from './a.ts'
    import type { B } from './b.ts'
    import { type C, type D } from './c.ts'
    import { type E, f } from './e.ts'
    export * from './g.ts'
    export type { H } from './h.ts'
    import './i.ts'
    const j = await import('./j.ts')
    import {
      k,
    } from './k.ts'
    // import { no } from './comment.ts'
  `
  const read = importsIn('x.ts', text).map(({ to, typeOnly }) => `${to}${typeOnly ? ' type' : ''}`)
  t.same(read.sort(), [
    './a.ts',
    './b.ts type',
    './c.ts type',
    './e.ts',
    './g.ts',
    './h.ts type',
    './i.ts',
    './j.ts',
    './k.ts',
  ])
})

function importsOf(file: string): Import[] {
  return importsIn(file, read(file))
}

function importsIn(from: string, text: string): Import[] {
  const code = withoutComments(text)
  const statements = code.matchAll(/^\s*(?:import|export)\s+([^'";()]*?)\s*(?:from\s*)?'([^']+)'/gm)
  const calls = code.matchAll(/\bimport\(\s*'([^']+)'/g)
  return [
    ...[...statements].map(([, clause = '', to = '']) => ({
      from,
      to,
      typeOnly: isTypeOnly(clause),
      clause,
    })),
    ...[...calls].map(([, to]) => ({ from, to: to!, typeOnly: false })),
  ]
}

function isTypeOnly(clause: string): boolean {
  const names = /^\{(.*)\}$/s
    .exec(clause)?.[1]
    ?.split(',')
    .map((name) => name.trim())
  return /^type\b/.test(clause) || (names?.every((name) => name === '' || name.startsWith('type ')) ?? false)
}

function isAllowed({ from, to, typeOnly }: Import): boolean {
  const target = relative(root, join(root, from, '..', to))
  if (target.startsWith('..')) return target === '../package.json'
  const { imports, types = [] } = layerOf(from)
  const allowed = [homeOf(from), ...imports, ...(typeOnly ? types : [])]
  return allowed.some((layer) => target === layer || target.startsWith(`${layer}/`))
}

/** `inet`, or `main.ts`. */
function topOf(file: string): string {
  return file.split('/')[0]!
}

/** The folder a file may import from freely: its layer, but inside edge only its own part of it. */
function homeOf(file: string): string {
  const depth = topOf(file) === 'edge' ? 2 : 1
  return file.split('/').slice(0, depth).join('/')
}

function layerOf(file: string): Layer {
  return layers[topOf(file)] ?? { imports: [] }
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*.*?\*\//gs, '').replaceAll(/(^|\s)\/\/.*$/gm, '')
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function shown({ from, to, typeOnly }: Import): string {
  return `${from} imports ${to}${typeOnly ? ' (type)' : ''}`
}
