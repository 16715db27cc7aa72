// A plain HTTPS client of the double, for tests that look at it from outside.

import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { createInterface } from 'node:readline'
import { type KubernetesServer, TOKEN } from './server.ts'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Undefined: none. */
  readonly token?: string | undefined
}

export async function ask(server: KubernetesServer, path: string, asked: Asked = {}): Promise<Reply> {
  const response = await open(server, path, asked)
  const text = Buffer.concat(await response.toArray()).toString()
  return { status: response.statusCode ?? 0, headers: response.headers, text }
}

export interface Lines {
  readonly status: number
  readonly lines: string[]
  /** Resolves when the server ended it. */
  readonly ended: Promise<void>
}

/** Begins a watch. */
export async function lines(server: KubernetesServer, path: string, asked: Asked = {}): Promise<Lines> {
  const response = await open(server, path, asked)
  const lines: string[] = []
  const reader = createInterface(response).on('line', (line) => lines.push(line))
  const ended = new Promise<void>((resolve) => reader.once('close', resolve))
  return { status: response.statusCode ?? 0, lines, ended }
}

function open(server: KubernetesServer, path: string, asked: Asked): Promise<IncomingMessage> {
  const { method = 'GET', headers = {}, body } = asked
  const token = 'token' in asked ? asked.token : TOKEN
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const ca = readFileSync(server.certificates.caFile)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const options = { method, ca, headers: { ...headers, ...authorization, ...length }, agent: false }
  request(server.url + path, options, resolve)
    .once('error', reject)
    .end(body)
  return promise
}
