// The frame of every command of the lab: Ctrl-C ends it in good order, and what went wrong is said in one line.

import { StoreError } from '../src/cluster/feed.ts'
import { IpamError } from './cluster/claims.ts'
import { CommandError } from './kernel/run.ts'
import { LabError } from './lab.ts'
import { LabFileError } from './topology/index.ts'

/** By convention 128 and the number of the signal. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** Errors whose message says all a person needs. */
const explained = [LabFileError, LabError, IpamError, CommandError, StoreError]

/**
 * Runs `work` and returns an exit code. A signal aborts it and is otherwise ignored, however often it comes: npm and the
 * terminal may both send one, and what is there has to be removed.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController()
  let code: number | undefined
  for (const [name, exitCode] of Object.entries(exitCodes))
    process.on(name, () => {
      if (code === undefined) console.error('interrupted; cleaning up')
      code ??= exitCode
      controller.abort()
    })
  try {
    return await work(controller.signal)
  } catch (err) {
    if (code !== undefined) return code
    if (!explained.some((type) => err instanceof type)) throw err
    console.error((err as Error).message)
    return 1
  }
}

/** @throws LabError unless this is root on Linux */
export function needRoot(): void {
  if (process.platform === 'linux' && process.getuid?.() === 0) return
  throw new LabError('network namespaces need root on Linux; try: sudo npm run …')
}
