// The socket on which the commands ask the running agent: HTTP, JSON answers, root only. POST for what changes something.

import { lstat, mkdir, unlink } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import type { Log } from '../observe/log.ts'
import { type Answer, type Asks, ORDERS, QuestionError, type QuestionPath } from './api.ts'

/** Who answers which path. */
export type Routes = {
  readonly [P in QuestionPath]: (asks: Asks<P>) => Answer<P> | Promise<Answer<P>>
}

export interface ControlServer {
  /** Ends open connections and removes the socket. */
  close(): Promise<void>
}

/** The socket cannot be ours: another agent answers on it, or it is no socket. */
export class SocketTakenError extends Error {
  override readonly name = 'SocketTakenError'
}

/**
 * Serves `routes` on the unix socket `path`, mode 0600; its directory is made when missing. A socket that nobody
 * answers on, left by a crash, is replaced. Rejects with SocketTakenError when somebody does.
 */
export async function serveControl(path: string, routes: Routes, log: Log): Promise<ControlServer> {
  await mkdir(dirname(path), { recursive: true })
  await removeStale(path)
  const server = createServer((request, response) => {
    void answer(routes, request, response, log)
  })
  await listenPrivately(server, path)
  server.on('error', (err) => log.error({ err }, 'control socket failed'))
  return { close: () => close(server) }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(ifAbsent)
  if (!found) return
  if (!found.isSocket()) throw new SocketTakenError(`${path} exists and is not a socket; remove it first`)
  if (await answers(path)) throw new SocketTakenError(`another agent is running: it answers on ${path}`)
  await unlink(path).catch(ifAbsent)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function ifAbsent(err: NodeJS.ErrnoException): undefined {
  if (err.code !== 'ENOENT') throw err
}

/** Node binds a unix socket inside `listen`, so the mask is in force at that moment and for nobody else. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const mask = process.umask(0o177)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
    process.umask(mask)
  })
}

async function answer(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
  log: Log,
): Promise<void> {
  const { pathname: path, searchParams } = new URL(request.url ?? '', 'http://agent')
  try {
    const method = ORDERS.has(path) ? 'POST' : 'GET'
    if (request.method !== method) return reply(response, 405, { error: `${path} is asked by ${method}` })
    if (!isServed(routes, path)) return reply(response, 404, { error: `${path} is not served by this agent` })
    const handle = routes[path] as (asks: unknown) => unknown
    reply(response, 200, await handle(Object.fromEntries(searchParams)))
  } catch (err) {
    if (err instanceof QuestionError) return reply(response, 400, { error: err.message })
    log.error({ err, path }, 'control request failed')
    reply(response, 500, { error: String(err) })
  }
}

function isServed(routes: Routes, path: string): path is QuestionPath {
  return Object.hasOwn(routes, path)
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
