// A Kubernetes API server for tests: HTTPS with tokens, lists in pages, watches, patches, conflicts, and faults on
// request. It behaves as test/recordings/kube-apiserver say that a real one does; replay.test.ts holds it to that.

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseJson, printJson } from '../../../src/cluster/json.ts'
import { systemClock } from '../../../src/edge/system-clock.ts'
import type { TimerClock } from '../../../src/reconcile/clock.ts'
import { type Certificates, makeCertificates } from '../certificates.ts'
import type { Teardown } from '../etcd.ts'
import { discovery } from './discovery.ts'
import { badRequest, Failure, forbidden, unauthorized } from './failure.ts'
import { lastingStore } from './lasting-store.ts'
import { listBody, page } from './pages.ts'
import { type Layout, type Resource, resourcesOf } from './resources.ts'
import { type Route, routeOf } from './route.ts'
import { selection } from './select.ts'
import { type ObjectStore, objectStore, type StoredObject } from './store.ts'
import { found, type Maker, verbs } from './verbs.ts'
import { serveWatch, type Watch } from './watch.ts'

/** A request as it is noted and matched against faults. */
export interface Call {
  /** `list`, `watch`, `get`, `create`, `update`, `patch`, `delete`, or `other` for what is about no resource. */
  readonly verb: string
  readonly resource: string
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<IncomingMessage['headers']>
  readonly body: unknown
}

/** What happens instead of an answer: a refusal, silence, or the end of the connection. */
export type Fault = Failure | 'silence' | 'cut'

export interface KubernetesOptions {
  readonly layouts?: readonly Layout[]
  readonly make?: Maker
  /** What watches are ended by. */
  readonly clock?: TimerClock
  /** Without: on any free port of 127.0.0.1. */
  readonly listen?: { readonly host: string; readonly port: number }
  /** Where certificates, kubeconfigs and data lie and stay; without, they go with the test. */
  readonly home?: string
}

export interface KubernetesServer {
  readonly store: ObjectStore
  readonly url: string
  readonly certificates: Certificates
  /** Users by their token. */
  readonly tokens: Map<string, string>
  /** What it was asked, in order. */
  readonly calls: Call[]
  /** Those under way. */
  readonly watches: Set<Watch>
  /** How many requests are met with silence now. */
  readonly silent: number
  /** Asked at each request; undefined lets it pass. */
  fault: (call: Call) => Fault | undefined
  /** Whether a user may; everybody may everything unless told. */
  allows: (user: string, call: Call) => boolean
  /** Octets in a chunk of a watch; undefined: a line at a time. */
  chunk: number | undefined
  /** Which of Calico's layouts are installed. */
  layouts: readonly Layout[]
  /** Plurals of kinds that are not installed, as an old cluster lacks some. */
  readonly absent: Set<string>
  /** By plural, in the group of the installed layout. @throws for one that is not served */
  resource(plural: string): Resource
  /** Stores an object past every rule. */
  put(plural: string, object: StoredObject): StoredObject
  remove(plural: string, name: string, namespace?: string): void
  start(): Promise<void>
  /** Ends the server and every connection at once, as a crash would. */
  stop(): Promise<void>
  /** Writes a kubeconfig for a token and returns its path. */
  kubeconfig(token: string): Promise<string>
}

export const TOKEN = 'token-of-caracal'

const stamps: Maker = {
  uid: randomUUID,
  now: () => `${new Date().toISOString().slice(0, 19)}Z`,
}

/** Starts a server that ends with the test. */
export async function startKubernetes(
  t: Teardown,
  options: KubernetesOptions = {},
): Promise<KubernetesServer> {
  const directory = options.home ?? (await mkdtemp(join(tmpdir(), 'caracal-kubernetes-')))
  let { host, port } = options.listen ?? { host: '127.0.0.1', port: 0 }
  const certificates = await makeCertificates(directory, [...new Set([host, '127.0.0.1'])])
  const store = options.home === undefined ? objectStore() : lastingStore(join(options.home, 'data'))
  const { make = stamps, clock = systemClock } = options
  let running: Server | undefined
  let files = 0
  let silent = 0

  const server: KubernetesServer = {
    store,
    certificates,
    get url() {
      return `https://${host.includes(':') ? `[${host}]` : host}:${port}`
    },
    tokens: new Map([[TOKEN, 'system:serviceaccount:kube-system:calico-node']]),
    calls: [],
    watches: new Set(),
    get silent() {
      return silent
    },
    fault: () => undefined,
    allows: () => true,
    chunk: undefined,
    layouts: options.layouts ?? ['crd'],
    absent: new Set(),
    resource(plural) {
      const one = resourcesOf(server.layouts).find((row) => row.plural === plural)
      if (!one) throw new Error(`${plural} is not served`)
      return one
    },
    put: (plural, object) => store.put(server.resource(plural), object),
    remove(plural, name, namespace) {
      const resource = server.resource(plural)
      store.remove(resource, store.get(resource, name, namespace)!)
    },
    async start() {
      const { serverCertFile, serverKeyFile } = certificates
      const tls = { cert: readFileSync(serverCertFile), key: readFileSync(serverKeyFile) }
      running = createServer(tls, (request, response) => void serve(request, response))
      await new Promise<void>((resolve, reject) => running!.once('error', reject).listen(port, host, resolve))
      port = (running.address() as AddressInfo).port
    },
    async stop() {
      const ending = running
      running = undefined
      if (!ending) return
      const ended = new Promise((resolve) => ending.close(resolve))
      ending.closeAllConnections()
      await ended
    },
    async kubeconfig(token) {
      const file = join(directory, `kubeconfig-${++files}`)
      await writeFile(file, JSON.stringify(kubeconfigOf(server.url, certificates.caFile, { token })))
      return file
    },
  }

  function served(): Resource[] {
    return resourcesOf(server.layouts).filter(({ plural }) => !server.absent.has(plural))
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const bytes = await request.toArray()
      await answer(request, Buffer.concat(bytes).toString(), response)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      const headers = error.retryAfter === undefined ? {} : { 'retry-after': [String(error.retryAfter)] }
      if (!response.destroyed) send(response, error.code, error.body, headers)
    }
  }

  async function answer(request: IncomingMessage, text: string, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'https://double')
    const route = routeOf(pathname, served())
    const call = callOf(request, pathname, query, route, text)
    server.calls.push(call)
    const fault = server.fault(call)
    if (fault === 'silence') return keepSilent(response)
    if (fault === 'cut') return void response.destroy()
    if (fault) throw fault
    authorize(call, route)
    if (!route) return send(response, 200, discovery(pathname, served()))
    if (request.method !== 'GET') return write(route, call, response)
    if (route.name !== undefined) return send(response, 200, found(store, route))
    if (query.get('watch') === 'true') return watch(route, query, response)
    list(route, call, response)
  }

  function keepSilent(response: ServerResponse): void {
    silent++
    response.once('close', () => silent--)
  }

  function authorize(call: Call, route: Route | undefined): void {
    const { authorization } = call.headers
    const user = authorization
      ? server.tokens.get(authorization.replace(/^Bearer /, '').trim())
      : 'system:anonymous'
    if (user === undefined) throw unauthorized()
    if (route && (user === 'system:anonymous' || !server.allows(user, call)))
      throw forbidden(user, call.verb, route.resource, route.name)
  }

  /** A token of a service account, which need not exist. */
  function grant({ name, namespace }: Route, { body }: Call, response: ServerResponse): void {
    const { spec } = body as { spec: { expirationSeconds: number } }
    const token = `token-${server.tokens.size + 1}-of-${name}`
    server.tokens.set(token, `system:serviceaccount:${namespace}:${name}`)
    const end = new Date(Date.parse(make.now()) + spec.expirationSeconds * 1_000)
    const status = { token, expirationTimestamp: end.toISOString().replace('.000Z', 'Z') }
    send(response, 201, { ...(body as object), status })
  }

  function write(route: Route, call: Call, response: ServerResponse): void {
    if (route.subresource === 'token') {
      grant(route, call, response)
      return
    }
    const { method, query, headers, body } = call
    const contentType = String(headers['content-type'] ?? 'application/json')
    const { code, object, warnings = [] } = verbs[method]!(store, make, { route, query, contentType, body })
    const said = warnings.map((warning) => `299 - ${JSON.stringify(warning)}`)
    send(response, code, object, said.length > 0 ? { warning: said } : {})
  }

  function list({ resource, namespace }: Route, { query, headers }: Call, response: ServerResponse): void {
    const found = page(store, resource, query, selection(resource, query, namespace))
    send(response, 200, listBody(resource, found, String(headers.accept)))
  }

  function watch({ resource, namespace }: Route, query: URLSearchParams, response: ServerResponse): void {
    const selected = selection(resource, query, namespace)
    let one: Watch | undefined
    const onEnd = () => void (one && server.watches.delete(one))
    one = serveWatch(store, resource, query, response, { chunk: () => server.chunk, selected, clock, onEnd })
    if (!response.writableEnded) server.watches.add(one)
  }

  t.teardown(async () => {
    await server.stop()
    if (options.home === undefined) await rm(directory, { recursive: true, force: true })
  })
  await server.start()
  return server
}

/** A kubeconfig of one cluster and one user. */
export function kubeconfigOf(url: string, caFile: string, user: object): object {
  const context = { cluster: 'double', user: 'caracal' }
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'double', cluster: { server: url, 'certificate-authority': caFile } }],
    users: [{ name: 'caracal', user }],
    contexts: [{ name: 'double', context }],
    'current-context': 'double',
  }
}

const verbNames: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

function callOf(
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
  route: Route | undefined,
  text: string,
): Call {
  const method = request.method ?? 'GET'
  const reading = route?.name !== undefined ? 'get' : query.get('watch') === 'true' ? 'watch' : 'list'
  const verb = route ? (verbNames[method] ?? reading) : 'other'
  const { headers } = request
  return {
    verb,
    resource: route?.resource.plural ?? '',
    method,
    path,
    query,
    headers,
    body: bodyOf(text, route),
  }
}

function bodyOf(text: string, route: Route | undefined): unknown {
  if (text === '') return undefined
  try {
    return parseJson(text)
  } catch {
    const why = `couldn't get version/kind; json parse error: unexpected end of JSON input (${text})`
    throw badRequest(`the object provided is unrecognized (must be of type ${route?.resource.kind}): ${why}`)
  }
}

function send(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Record<string, string[]> = {},
): void {
  const isText = typeof body === 'string'
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json'
  response.writeHead(code, { 'content-type': type, ...headers })
  response.end(isText ? body : `${printJson(body)}\n`)
}
