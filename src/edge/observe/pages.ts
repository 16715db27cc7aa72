// Pages that others ask for over HTTP: probes and metrics, each on an address and port of its own.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Log } from './log.ts'

export interface Page {
  readonly status: number
  /** Absent: plain text. */
  readonly type?: string
  readonly body: string
}

/** Where pages are served; without host at all addresses. Port 0 is any that is free. */
export interface Place {
  readonly host: string | undefined
  readonly port: number
}

/** A port that somebody else has, as an agent that is about to end may, is tried again after so long. */
const RETRY_MS = 2_000
/** Nobody who may ask needs longer to say what for. */
const REQUEST_MS = 5_000
const CONNECTIONS = 64

export class Pages {
  readonly #pages: ReadonlyMap<string, () => Page | Promise<Page>>
  readonly #log: Pick<Log, 'warn' | 'error' | 'info'>
  readonly #retryMs: number
  #place: Place | undefined
  #server: Server | undefined
  #retry: NodeJS.Timeout | undefined
  #failed = false

  /** Serves nothing until it is told where. */
  constructor(
    pages: Readonly<Record<string, () => Page | Promise<Page>>>,
    log: Pick<Log, 'warn' | 'error' | 'info'>,
    retryMs = RETRY_MS,
  ) {
    this.#pages = new Map(Object.entries(pages))
    this.#log = log
    this.#retryMs = retryMs
  }

  /** From now on here and nowhere else; undefined: nowhere. */
  serveAt(place: Place | undefined): void {
    if (this.#place?.host === place?.host && this.#place?.port === place?.port) return
    this.close()
    this.#place = place
    if (place) this.#listen(place)
  }

  /** The port in use. */
  get port(): number | undefined {
    return (this.#server?.address() as AddressInfo | null | undefined)?.port
  }

  close(): void {
    clearTimeout(this.#retry)
    this.#place = undefined
    this.#server?.close()
    this.#server?.closeAllConnections()
    this.#server = undefined
  }

  #listen(place: Place): void {
    const server = createServer({ requestTimeout: REQUEST_MS }, (request, response) => {
      void this.#answer(request, response)
    })
    server.maxConnections = CONNECTIONS
    server.on('error', (error) => this.#onFailure(server, place, error.message))
    server.on('listening', () => {
      if (this.#failed) this.#log.info({ ...place }, 'pages are served again')
      this.#failed = false
    })
    server.listen({ port: place.port, ...(place.host !== undefined && { host: place.host }) })
    this.#server = server
  }

  #onFailure(server: Server, place: Place, reason: string): void {
    if (server !== this.#server) return
    if (!this.#failed)
      this.#log.warn({ ...place, reason, retryInMs: this.#retryMs }, 'pages cannot be served')
    this.#failed = true
    this.#retry = setTimeout(() => this.#listen(place), this.#retryMs)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?')
    const { status, type = 'text/plain; charset=utf-8', body } = await this.#page(request.method, path)
    response.writeHead(status, { 'content-type': type }).end(request.method === 'HEAD' ? '' : body)
  }

  async #page(method: string | undefined, path: string): Promise<Page> {
    const page = this.#pages.get(path)
    if (!page) return { status: 404, body: `there are ${[...this.#pages.keys()].join(' and ')}\n` }
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'GET only\n' }
    try {
      return await page()
    } catch (err) {
      this.#log.error({ err, path }, 'page failed')
      return { status: 500, body: `${err}\n` }
    }
  }
}
