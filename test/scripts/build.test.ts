// The program as the image has it: built from these sources, it must be whole without their packages, apart from koffi.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { build, escaped } from '../../scripts/build.ts'
import { version } from '../../src/config/version.ts'

const directory = mkdtempSync(join(tmpdir(), 'caracal-build-')) // nowhere near a node_modules
t.teardown(() => rmSync(directory, { recursive: true }))
writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
const dist = join(directory, 'dist')
const chunks = await build(dist)

/** What the file exports that has this module in it. */
function load(module: RegExp): Promise<Record<string, unknown>> {
  const chunk = chunks.find(({ moduleIds }) => moduleIds.some((id) => module.test(id)))
  return import(pathToFileURL(join(dist, chunk!.fileName)).href)
}

t.test('it is the program', async (t) => {
  const printed = execFileSync(process.execPath, [join(dist, 'main.js'), 'version'], { encoding: 'utf8' })
  t.equal(printed, `${version}\n`)
})

t.test('every part that is loaded when it is needed can be', async (t) => {
  for (const { fileName, isEntry } of chunks)
    if (!isEntry) await t.resolves(import(pathToFileURL(join(dist, fileName)).href), fileName)
})

t.test('etcd3 finds the description of its protocol', async (t) => {
  const exported = (await load(/etcd3\/lib\/index/)) as { default: { Etcd3: unknown } }
  t.type(exported.default.Etcd3, 'function')
})

t.test('of the client of Kubernetes come the credentials, without the models of its API', async (t) => {
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds).filter((id) => id.includes('client-node/dist'))
  t.ok(modules.some((id) => id.endsWith('/config.js')))
  t.same(
    modules.filter((id) => id.includes('/models/')),
    [],
  )
  const { KubeConfig } = (await load(
    /client-node\/dist\/config\.js$/,
  )) as typeof import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    { name: 'one', server: 'https://127.0.0.1', skipTLSVerify: false },
    { name: 'user', token: 'abc' },
  )
  const options = { headers: {} }
  await config.applyToHTTPSOptions(options)
  t.same(options.headers, { Authorization: 'Bearer abc' })
})

t.test('what a command needs is not what the daemon needs', async (t) => {
  const main = chunks.find(({ isEntry }) => isEntry)!
  t.notOk(main.imports.some((name) => /agent|dist/.test(name)))
})

t.test('nothing imports node:http, which would bring undici along', async (t) => {
  t.notOk(chunks.some(({ imports }) => imports.includes('node:http')))
})

t.test('everybody whose code is in it is named, with the licence', async (t) => {
  const text = readFileSync(join(dist, 'THIRD-PARTY.txt'), 'utf8')
  t.ok(/^zod \S+ \(MIT\)\n\nMIT License/m.test(text))
  t.ok(/^@kubernetes\/client-node \S+ \(Apache-2.0\)\n\n *Apache License/m.test(text))
})

t.test('letters beyond ASCII are escaped, whichever plane they are of', async (t) => {
  const code = 'export const text = `a…\u{1f408}`'
  t.equal(escaped(code), 'export const text = `a\\u2026\\ud83d\\udc08`')
})
