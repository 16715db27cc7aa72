// Requests to the API server, with the credentials of @kubernetes/client-node and our own reading of answers.
//
// The package's own requests parse JSON into doubles, which breaks sequence numbers of IPAM; its watch takes U+2028
// inside a string for the end of a line and drops lines that do not parse. So it is asked for addresses,
// certificates and tokens only.

import { readFile } from 'node:fs/promises'
import type { IncomingMessage, RequestOptions } from 'node:http'
import * as http from 'node:http'
import * as https from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { parseJson } from '../../../cluster/json.ts'
import type { Fields } from '../../../cluster/shape.ts'
import type { TimerClock } from '../../../reconcile/clock.ts'
import { systemClock } from '../../system-clock.ts'
import { within } from '../wait.ts'
import { type KubernetesSettings, loadConfig } from './config.ts'

/** Calico's dial timeout, and how long an answer may take to begin and to end. */
const CALL_DEADLINE_MS = 10_000

/** The kernel asks a silent peer after this, each second, and gives up after ten times more. */
const KEEPALIVE_MS = 15_000

/** A refusal of the API server. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The HTTP status. */
  readonly code: number
  /** The word of its Status, such as `AlreadyExists`. */
  readonly reason: string | undefined
  /** How long it asks us to stay away, in milliseconds. */
  readonly retryAfterMs: number

  constructor(code: number, message: string, reason?: string, retryAfterMs = 0) {
    super(message)
    this.code = code
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: string
  readonly contentType?: string
  readonly signal?: AbortSignal
}

export interface Client {
  /** What patience with the server is measured by. */
  readonly clock: TimerClock
  /** What it talks to, as far as known. */
  endpoint(): string
  /** One exchange. @throws ApiError, or what the network says */
  call(path: string, request?: Request): Promise<Fields>
  /** The answer of a request that has no end of its own. @throws as `call` does */
  stream(path: string, request: Request): Promise<IncomingMessage>
  /** The server's URL, and the certificates of its authority as base64 of PEM; empty when there are none. @throws as loading does */
  cluster(): Promise<{ readonly server: string; readonly caData: string }>
  /** Reads configuration, certificates and tokens anew before the next request. */
  renew(): void
  close(): void
}

export function apiClient(settings: KubernetesSettings, clock: TimerClock = systemClock): Client {
  const agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true }),
  }
  let loading: Promise<KubeConfig> | undefined
  let endpoint = settings.kubeconfig ?? 'an address not known yet'

  function config(): Promise<KubeConfig> {
    loading ??= loadConfig(settings)
    return loading.catch((error) => {
      loading = undefined
      throw error
    })
  }

  async function open(path: string, request: Request, signal: AbortSignal): Promise<IncomingMessage> {
    const loaded = await config()
    const { server, proxyUrl } = loaded.getCurrentCluster()!
    endpoint = server
    const url = new URL(server.replace(/\/$/, '') + path)
    for (const [name, value] of Object.entries(request.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, value)
    const options: RequestOptions = { headers: {} }
    await loaded.applyToHTTPSOptions(options)
    if (!proxyUrl) options.agent = agents[url.protocol as keyof typeof agents] // theirs makes a connection each time
    const { method = 'GET', body } = request
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const { request: send } = url.protocol === 'http:' ? http : https
    const headers = { ...options.headers, ...headersOf(options, request) }
    const sent = send(url, { ...options, method, headers, signal }, resolve)
    sent.once('error', reject)
    sent.once('socket', (socket) => socket.setKeepAlive(true, KEEPALIVE_MS))
    sent.end(body)
    const response = await promise
    if (response.statusCode === 401) client.renew()
    if ((response.statusCode ?? 0) >= 300) throw refusal(response, await text(response))
    return response
  }

  const client: Client = {
    clock,
    endpoint: () => endpoint,
    async call(path, request = {}) {
      await config() // to load the package takes seconds on a busy node, which are not the server's
      return within(clock, CALL_DEADLINE_MS, request.signal, async (signal) => {
        return parseJson(await text(await open(path, request, signal))) as Fields
      })
    },
    async stream(path, request) {
      await config()
      return within(clock, CALL_DEADLINE_MS, request.signal, (signal) => open(path, request, signal))
    },
    async cluster() {
      const { server, caData, caFile } = (await config()).getCurrentCluster()!
      return { server, caData: caData ?? (caFile ? await readFile(caFile, 'base64') : '') }
    },
    renew() {
      loading = undefined
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
  return client
}

function headersOf(
  options: RequestOptions,
  { body, contentType = 'application/json' }: Request,
): http.OutgoingHttpHeaders {
  const { Authorization } = options.headers as Record<string, string | undefined>
  return {
    accept: 'application/json',
    'user-agent': 'caracal',
    // A token file may end in a line break, which a header may not.
    ...(Authorization && { Authorization: Authorization.trim() }),
    // Said always: a DELETE with a body would otherwise be sent without any end.
    ...(body !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }),
  }
}

async function text(response: IncomingMessage): Promise<string> {
  return Buffer.concat(await response.toArray()).toString()
}

/** Most refusals are a Status; a proxy on the way, and the server's outermost layer, answer in plain text. */
function refusal({ statusCode = 0, headers }: IncomingMessage, body: string): ApiError {
  const retryAfterMs = Number(headers['retry-after'] ?? 0) * 1_000 || 0
  try {
    const { message, reason } = JSON.parse(body) as { message?: string; reason?: string }
    return new ApiError(statusCode, message ?? `HTTP ${statusCode}`, reason, retryAfterMs)
  } catch {
    return new ApiError(
      statusCode,
      `HTTP ${statusCode}: ${body.trim().slice(0, 200)}`,
      undefined,
      retryAfterMs,
    )
  }
}
