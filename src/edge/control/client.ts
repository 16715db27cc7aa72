// How a command asks the running agent.

import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { type Environment, settings } from '../../config/settings.ts'
import { type Answer, type Asks, ORDERS, type QuestionPath } from './api.ts'

const patienceMs = 10_000

/** The question got no answer; the message is for people. */
export class AgentError extends Error {
  override readonly name: string = 'AgentError'
}

/** The agent does not understand what it was asked; the message says what would be right. */
export class AgentUsageError extends AgentError {
  override readonly name = 'AgentUsageError'
}

/** Nobody answers on the socket; the message says which, and what to do. */
export class AgentUnreachableError extends AgentError {
  override readonly name = 'AgentUnreachableError'

  constructor(socket: string, cause: NodeJS.ErrnoException) {
    const why = causes[cause.code ?? ''] ?? cause.message
    super(`cannot reach the agent at ${socket}: ${why}`, { cause })
  }
}

const causes: Readonly<Record<string, string>> = {
  ENOENT:
    'there is no such socket. Is `agent run` running on this node? CARACAL_SOCKET or --socket names another path.',
  ECONNREFUSED: 'nobody listens. The agent has stopped; start it with `agent run`.',
  EACCES: 'permission denied. Run this as root.',
  EINVAL: 'that is no path for a socket, which has at most 107 octets.',
  ETIMEDOUT: 'it has the socket open but does not answer. See its log.',
}

/** Where the agent listens, for a command started with this environment. */
export function socketPath(environment: Environment): string {
  return environment[settings.socket.environment[0]] || settings.socket.default
}

/** The agent's answer. Rejects with AgentUnreachableError, or with AgentError in the agent's words. */
export async function ask<P extends QuestionPath>(
  socket: string,
  path: P,
  asks: Asks<P>,
  timeoutMs = patienceMs,
): Promise<Answer<P>> {
  const { status, body } = await exchange(socket, path, asks, timeoutMs).catch((err) => {
    throw new AgentUnreachableError(socket, err)
  })
  const answer = JSON.parse(body)
  if (status === 400) throw new AgentUsageError(answer.error)
  if (status !== 200) throw new AgentError(`the agent at ${socket} says: ${answer.error}`)
  return answer
}

interface Reply {
  readonly status: number | undefined
  readonly body: string
}

function exchange(
  socketPath: string,
  question: QuestionPath,
  asks: Readonly<Record<string, string | undefined>>,
  timeoutMs: number,
): Promise<Reply> {
  const given = Object.entries(asks).filter((pair): pair is [string, string] => pair[1] !== undefined)
  const path = `${question}?${new URLSearchParams(given)}`
  const method = ORDERS.has(question) ? 'POST' : 'GET'
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path, method, agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body }), reject)
    })
    const late = Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })
    asking.setTimeout(timeoutMs, () => asking.destroy(late))
    asking.once('error', reject)
    asking.end()
  })
}
