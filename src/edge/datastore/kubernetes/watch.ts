// One watch of one kind. Positions move only over what was delivered.

import type { IncomingMessage } from 'node:http'
import { parseJson } from '../../../cluster/json.ts'
import type { Fields } from '../../../cluster/shape.ts'
import { pauses } from '../pauses.ts'
import { within } from '../wait.ts'
import { ApiError, type Client } from './client.ts'
import { linesOf } from './lines.ts'

/** Only a new list helps. */
export class PositionLost extends Error {
  override readonly name: string = 'PositionLost'
}

/** Something came that nobody can read; what it was about is not known. */
export class Unreadable extends PositionLost {
  override readonly name = 'Unreadable'
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: Fields
}

export interface WatchHandlers {
  /** The server has taken the watch. */
  established(): void
  event(event: WatchEvent): void
  /** Everything up to this revision was delivered. */
  position(resourceVersion: string): void
}

export interface WatchOptions {
  readonly query: Readonly<Record<string, string | undefined>>
  /** How long the server shall keep it, in seconds. */
  readonly seconds: number
  readonly signal: AbortSignal
}

/** How much longer than asked for a watch may go on, in milliseconds. */
const GRACE_MS = 30_000

/**
 * Watches from after a revision until the server ends it in good order.
 *
 * @returns whether anything came, be it a bookmark
 * @throws PositionLost, ApiError, or what the network says
 */
export async function watchOnce(
  client: Client,
  path: string,
  from: string,
  handlers: WatchHandlers,
  { query, seconds, signal }: WatchOptions,
): Promise<boolean> {
  const wish = { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds) }
  return within(client.clock, seconds * 1_000 + GRACE_MS, signal, async (either) => {
    const request = { query: { ...query, ...wish, resourceVersion: from }, signal: either }
    const stream = await client.stream(path, request).catch((error) => {
      throw isGone(error) ? new PositionLost('expired', { cause: error }) : error
    })
    return await takeAll(stream, handlers)
  })
}

/** Returns whether anything came. */
async function takeAll(stream: IncomingMessage, handlers: WatchHandlers): Promise<boolean> {
  const pause = pauses()
  let isSilent = true
  handlers.established()
  try {
    for await (const line of linesOf(stream)) {
      take(line, handlers)
      isSilent = false
      await pause()
    }
  } finally {
    stream.destroy()
  }
  return !isSilent
}

function take(line: string, handlers: WatchHandlers): void {
  const { type, object } = parsed(line)
  if (type === 'ERROR') throw fromStatus(object)
  const { resourceVersion } = (object.metadata ?? {}) as { resourceVersion?: unknown }
  if (typeof resourceVersion !== 'string' || resourceVersion === '')
    throw new Unreadable('an event has no revision')
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') handlers.event({ type, object })
  handlers.position(resourceVersion)
}

function parsed(line: string): { type?: unknown; object: Fields } {
  try {
    const { type, object } = parseJson(line) as { type?: unknown; object?: Fields | null }
    if (typeof object === 'object' && object !== null) return { type, object }
  } catch {
    throw new Unreadable('a line of the watch could not be read')
  }
  throw new Unreadable('a line of the watch could not be read')
}

/** An ERROR event holds a Status. */
function fromStatus({ code, message, reason }: Fields): Error {
  const error = new ApiError(Number(code ?? 0), String(message ?? 'the watch failed'), String(reason ?? ''))
  return isGone(error) ? new PositionLost('expired', { cause: error }) : error
}

/** The revision is of the past that was thrown away, or of a future that a restored server does not know. */
function isGone(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false
  const { code, reason, message } = error
  return (
    code === 410 || reason === 'Expired' || reason === 'Gone' || /too large resource version/i.test(message)
  )
}
