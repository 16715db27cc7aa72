// Following a directory for as long as the datastore is open, also while it is away.

import { setTimeout as delay } from 'node:timers/promises'
import type { FeedSink } from '../../../cluster/feed.ts'
import { problemBoard } from '../problems.ts'
import { type Scope, watchChanges } from './changes.ts'
import { identityOf, inWords } from './directory.ts'
import type { Reader } from './reader.ts'
import type { InTurn } from './serial.ts'

/** How soon a directory that is away is looked for again. */
const RETRY_MS = 250

export interface Following {
  readonly directory: string
  readonly reader: Reader
  readonly inTurn: InTurn
  readonly signal: AbortSignal
}

/** Watches until `signal`; while the directory is away, says so and keeps looking for it. */
export async function follow(following: Following, sink: FeedSink): Promise<void> {
  const { directory, reader, signal } = following
  const board = problemBoard(sink)
  let inSync = false

  function tell(now: boolean): void {
    if (now !== inSync) sink.inSync(now)
    inSync = now
  }

  async function look(scope: Scope): Promise<readonly string[]> {
    const unfinished = await following.inTurn(async () => (signal.aborted ? [] : reader.refresh(scope)))
    if (!signal.aborted && reader.complete()) tell(true)
    return unfinished
  }

  await delay(0) // nothing may be delivered from inside `watch`
  reader.publishTo(sink)
  while (!signal.aborted) {
    try {
      await untilLost(directory, look, signal, (problems) => board.put('datastore', problems))
    } catch (error) {
      if (signal.aborted) return
      board.put('datastore', [
        { subject: 'datastore', message: `waiting for the directory: ${inWords(error)}` },
      ])
      tell(false)
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => {})
  }
}

/** Looks at everything, then at every change. @throws when the directory went away, or on abort */
async function untilLost(
  directory: string,
  look: (scope: Scope) => Promise<readonly string[]>,
  signal: AbortSignal,
  report: (problems: (typeof unnotified)[]) => void,
): Promise<never> {
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => {}) // it may come while we are not waiting for it yet
  const stop = () => lost.reject(signal.reason)
  const identity = await identityOf(directory)
  signal.throwIfAborted() // since then it would tell nobody any more
  const changes = watchChanges(directory, async (scope) => {
    try {
      if ((await identityOf(directory)) !== identity) throw new Error(`${directory} was replaced`)
      return await look(scope)
    } catch (error) {
      lost.reject(error)
      return []
    }
  })
  signal.addEventListener('abort', stop)
  try {
    await look('all')
    report(changes.notified ? [] : [unnotified])
    return await lost.promise
  } finally {
    signal.removeEventListener('abort', stop)
    changes.close()
  }
}

const unnotified = {
  subject: 'datastore',
  message: 'the limit fs.inotify.max_user_instances is reached: changes are seen once a second, not at once',
}
