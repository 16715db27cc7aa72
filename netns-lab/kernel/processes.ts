// Processes that outlive the command which started them, known by pid and start time.
//
// A pid alone is taken again by others; with the time of its start (field 22 of /proc/PID/stat) it is not. Each is started
// as leader of its own process group, so that a Ctrl-C at the terminal is for the lab alone.

import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { until } from '../until.ts'
import { CommandError, outcome } from './run.ts'

export interface ProcessId {
  readonly pid: number
  /** Clock ticks since boot. */
  readonly start: string
}

export interface StartOptions {
  readonly env: Readonly<Record<string, string>>
  /** File that takes what it prints, at its end. */
  readonly log: string
  readonly cwd?: string
}

const patienceMs = 10_000

/** Starts a program in the background. @throws CommandError when there is no such program */
export async function start(argv: readonly string[], { env, log, cwd }: StartOptions): Promise<ProcessId> {
  mkdirSync(dirname(log), { recursive: true })
  const output = openSync(log, 'a')
  const [program, ...args] = argv
  try {
    const child = spawn(program!, args, {
      env,
      detached: true,
      stdio: ['ignore', output, output],
      ...(cwd !== undefined && { cwd }),
    })
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    return { pid: child.pid!, start: startOf(child.pid!) ?? '0' }
  } catch (err) {
    throw new CommandError(`${argv.join(' ')}: ${(err as Error).message}`, { cause: err })
  } finally {
    closeSync(output)
  }
}

/** This very process. */
export function self(): ProcessId {
  return { pid: process.pid, start: startOf(process.pid)! }
}

export function lives({ pid, start }: ProcessId): boolean {
  return startOf(pid) === start
}

/** Sends a signal, if it is still that process, and waits until it is gone; after ten seconds by SIGKILL. */
export async function end(process: ProcessId, signal: NodeJS.Signals): Promise<void> {
  send(process, signal)
  if (await gone(process)) return
  send(process, 'SIGKILL')
  if (!(await gone(process))) throw new CommandError(`process ${process.pid} does not end`)
}

/** Ends all that run in a namespace: what an agent that was killed has left, or a shell somebody opened there. */
export async function endAllIn(namespace: string): Promise<void> {
  const { code, output } = await outcome(['ip', 'netns', 'pids', namespace])
  if (code !== 0) return
  const pids = output.split('\n').filter(Boolean).map(Number)
  const found = pids.map((pid) => ({ pid, start: startOf(pid) ?? '0' }))
  await Promise.all(found.map((each) => end(each, 'SIGKILL')))
}

/** True once a process has netlink messages of any multicast group sent to it, as `ip monitor` asks for. */
export function listensToNetlink({ pid }: ProcessId): boolean {
  const table = read(`/proc/${pid}/net/netlink`)
  const inodes = new Set(socketsOf(pid))
  return (table ?? '').split('\n').some((line) => {
    // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    const [, , , groups, , , , , , inode] = line.trim().split(/\s+/)
    return inodes.has(inode ?? '') && Number.parseInt(groups!, 16) !== 0
  })
}

function socketsOf(pid: number): string[] {
  const names = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((fd) => `/proc/${pid}/fdinfo/${fd}`)
  return names.flatMap((name) => /^ino:\s*(\d+)/m.exec(read(name) ?? '')?.[1] ?? [])
}

function send(process_: ProcessId, signal: NodeJS.Signals): void {
  if (!lives(process_)) return
  try {
    process.kill(process_.pid, signal)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err
  }
}

function gone(process: ProcessId): Promise<true | undefined> {
  return until(() => !lives(process), { deadlineMs: patienceMs, everyMs: 10 })
}

/**
 * Undefined when there is no such process, or only its corpse. While threads of it are still on their way out it is there,
 * with its sockets, although its first thread is a corpse already.
 */
function startOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`)
  // The name in parentheses may hold spaces and parentheses itself.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] === 'Z' && threadsOf(pid) < 2 ? undefined : fields?.[19]
}

function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length
  } catch {
    return 0
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
