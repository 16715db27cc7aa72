// The double against recordings of a real API server: the same requests must have the same answers.

import { readdirSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { parseJson, printJson } from '../../../src/cluster/json.ts'
import { until } from '../until.ts'
import { ask, type Lines, lines } from './request.ts'
import { type KubernetesServer, startKubernetes, TOKEN } from './server.ts'
import type { Fields, StoredObject } from './store.ts'

interface Exchange {
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: unknown
  }
  readonly response: {
    readonly status: number
    readonly body?: string
    readonly lines?: readonly { readonly line?: string; readonly end?: boolean }[]
  }
}

const folder = new URL('../../recordings/kube-apiserver/', import.meta.url)

function recording(name: string): { what: string; exchanges: Exchange[] } {
  return parseJson(readFileSync(new URL(name, folder), 'utf8')) as ReturnType<typeof recording>
}

/** What the double does not claim: it lists its own groups, and has no server-side apply. */
const notClaimed = (path: string) => path.startsWith('/version') || path.includes('fieldManager')

const notPlayed = ({ request: { path, headers } }: Exchange) =>
  notClaimed(path) || headers['Content-Type'] === 'application/apply-patch+yaml'

/** Whose tokens `auth.json` was made with, in its order. */
const users = [undefined, 'wrong', 'nobody', TOKEN, TOKEN]

for (const name of readdirSync(folder)) {
  if (name === 'discovery.json') continue
  const { what, exchanges } = recording(name)
  t.test(`as recorded: ${what}`, async (t) => {
    let current: Fields = {}
    const make = {
      uid: () => String(current.uid),
      now: () => momentOf(current),
    }
    const server = await startKubernetes(t, { make })
    server.tokens.set('nobody', 'nobody')
    server.allows = (user, { verb, resource }) =>
      user !== 'nobody' && verb !== 'delete' && resource !== 'secrets'
    if (name !== 'auth.json') server.allows = () => true
    seed(server, name, exchanges)
    const watching: { exchange: Exchange; got: Lines }[] = []
    for (const [at, exchange] of exchanges.entries()) {
      if (notPlayed(exchange)) continue
      const { request, response } = exchange
      const path = request.path.replace(/&timeout(Seconds)?=\d+s?/, '') // nobody waits for it here
      const headers = request.headers
      const body = request.body == null ? {} : { body: textOf(request.body) }
      const token = name === 'auth.json' ? users[at] : TOKEN
      if (response.lines) {
        watching.push({ exchange, got: await lines(server, path, { headers, token }) })
        continue
      }
      const recorded = readBody(response.body!)
      current = ((recorded as Fields).metadata ?? {}) as Fields
      keepPace(server, request.method, current)
      const got = await ask(server, path, { method: request.method, headers, token, ...body })
      t.equal(got.status, response.status, `${request.method} ${request.path}`)
      compare(t, recorded, readBody(got.text))
      if (name === 'gone.json' && at === 0) compactAway(server)
    }
    for (const { exchange, got } of watching) await compareWatch(t, server, exchange, got)
  })
}

t.test('a watch ends when its time is over', async (t) => {
  const server = await startKubernetes(t)
  const { status, lines: got, ended } = await lines(server, `${POOLS}?watch=true&timeoutSeconds=1`)
  await ended
  t.equal(status, 200)
  t.same(got, [])
})

t.test('discovery lists the groups that are installed, and no others', async (t) => {
  const server = await startKubernetes(t)
  const [, groups, resources, absent] = recording('discovery.json').exchanges
  const known = (await json(server, '/apis')) as { groups: { name: string }[] }
  const real = readBody(groups!.response.body!) as typeof known
  for (const group of known.groups)
    t.hasStrict(
      real.groups.find(({ name }) => name === group.name),
      group,
    )
  const ours = (await json(server, '/apis/crd.projectcalico.org/v1')) as { resources: { name: string }[] }
  const theirs = readBody(resources!.response.body!) as typeof ours
  for (const one of ours.resources)
    t.ok(
      theirs.resources.some(({ name }) => name === one.name),
      one.name,
    )
  t.match(await ask(server, absent!.request.path), { status: 404, text: absent!.response.body! })
})

const POOLS = '/apis/crd.projectcalico.org/v1/ippools'

async function json(server: KubernetesServer, path: string): Promise<unknown> {
  return readBody((await ask(server, path)).text)
}

/** Time passes, and the history up to now with it. */
function compactAway({ store }: KubernetesServer): void {
  store.revision += 10
  store.compact()
}

/** What was there before the first request: the objects that are read or changed before anybody made them. */
function seed(server: KubernetesServer, name: string, exchanges: readonly Exchange[]): void {
  const made = new Set<string>()
  const there = new Map<string, StoredObject & { metadata: { resourceVersion: string } }>()
  for (const { request, response } of exchanges) {
    const body = readBody(response.body ?? '{}') as Fields
    if (request.method === 'POST') made.add(String(((body.metadata ?? {}) as Fields).uid))
    const listed = typeof body === 'object' && Array.isArray(body.items) ? body.items : [body]
    const kind = String(body.kind ?? '').replace(/List$/, '')
    for (const one of listed as StoredObject[]) {
      const uid = String(one.metadata?.uid)
      if (uid === 'undefined' || made.has(uid) || there.has(uid)) continue
      there.set(uid, {
        ...one,
        kind: one.kind ?? kind,
        apiVersion: String(one.apiVersion ?? body.apiVersion),
      } as never)
    }
  }
  for (const line of exchanges.flatMap(({ request, response }) =>
    request.path.includes('sendInitial') ? (response.lines ?? []) : [],
  )) {
    const { type, object } = readBody(line.line ?? '{}') as { type?: string; object: never }
    if (type === 'ADDED') there.set(String((object as StoredObject).metadata.uid), object)
  }
  const rows = [...there.values()].filter(({ kind }) => kind !== 'PartialObjectMetadata')
  for (const object of rows.sort(
    (a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion),
  )) {
    const isPatched = name === 'patch-types.json'
    server.store.revision = Number(object.metadata.resourceVersion) - (isPatched ? 2 : 1)
    server.put(pluralOf(object.kind), isPatched ? beforePatches(object) : object)
  }
  if (name === 'gone.json') server.put('ippools', { ...rows[0]!, metadata: { name: 'second' } })
  const [first] = exchanges
  const asked = Number(new URLSearchParams(first!.request.path.split('?')[1]).get('resourceVersion'))
  const answer = first!.request.method === 'GET' ? first!.response.body : undefined
  const said = readBody(answer ?? '{}') as { metadata?: Fields }
  const now = Math.max(
    asked < 1e6 ? asked : 0,
    Number(said.metadata?.resourceVersion ?? 0),
    server.store.revision,
  )
  server.store.revision = name === 'watch-initial-events.json' ? 352 : now
}

/** Its first answer shows it after its first patch. */
function beforePatches(object: StoredObject): StoredObject {
  const metadata = { ...object.metadata, generation: 1 }
  return { ...object, metadata, spec: { ...(object.spec as Fields), natOutgoing: true } }
}

function pluralOf(kind: string): string {
  return {
    IPPool: 'ippools',
    Node: 'nodes',
    Pod: 'pods',
    Service: 'services',
    EndpointSlice: 'endpointslices',
  }[kind]!
}

/** The real server had more to write between two requests than ours. */
function keepPace(server: KubernetesServer, method: string, metadata: Fields): void {
  const recorded = Number(metadata.resourceVersion ?? 0)
  const isPodGone = method === 'DELETE' && metadata.deletionGracePeriodSeconds === 0 // marked first, then removed
  const next = recorded - (method === 'GET' ? 0 : isPodGone ? 2 : 1)
  server.store.revision = Math.max(server.store.revision, next)
}

async function compareWatch(
  t: Test,
  server: KubernetesServer,
  { request, response }: Exchange,
  got: Lines,
): Promise<void> {
  t.equal(got.status, response.status, request.path)
  const expected = response.lines!.flatMap(({ line }) =>
    line === undefined ? [] : [readBody(line) as Fields],
  )
  const periodic = expected.filter(
    ({ type, object }) => type === 'BOOKMARK' && !(object as StoredObject).metadata.annotations,
  )
  if (periodic.length > 0)
    server.store.revision = Number((periodic[0]!.object as StoredObject).metadata.resourceVersion)
  for (const _ of periodic) for (const watch of server.watches) watch.bookmark()
  await until(`${expected.length} lines`, () => got.lines.length >= expected.length)
  for (const watch of server.watches) watch.end()
  await got.ended
  const said = got.lines.map((line) => readBody(line) as Fields)
  t.same(
    said.map(({ type }) => type),
    expected.map(({ type }) => type),
  )
  for (const [at, { object }] of said.entries()) compare(t, expected[at]?.object, object)
}

/** Custom resources and refusals are the same to the letter; of core objects the double has no defaults. */
function compare(t: Test, recorded: unknown, ours: unknown): void {
  const { apiVersion, kind } = recorded as Fields
  const isCore = apiVersion === 'v1' && kind !== 'Status'
  if (isCore) t.hasStrict(recorded, ours)
  else t.strictSame(ours, recorded)
}

/** A body without what only a real server has: who wrote which field. */
function readBody(text: string): unknown {
  try {
    return without(parseJson(text))
  } catch {
    return text
  }
}

function without(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(without)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([name]) => name !== 'managedFields')
  return Object.fromEntries(
    kept.map(([name, part]) => [name, name === 'continue' ? readToken(part) : without(part)]),
  )
}

/** Tokens from etcd and from the server's cache differ by a slash. */
function readToken(token: unknown): string {
  return Buffer.from(String(token), 'base64url').toString().replace('"start":"/', '"start":"')
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : printJson(body)
}

/** When the recorded answer was given, as far as it says. */
function momentOf({ deletionTimestamp, deletionGracePeriodSeconds, creationTimestamp }: Fields): string {
  if (deletionTimestamp === undefined) return String(creationTimestamp)
  const moment = Date.parse(String(deletionTimestamp)) - Number(deletionGracePeriodSeconds) * 1000
  return new Date(moment).toISOString().replace('.000Z', 'Z')
}
