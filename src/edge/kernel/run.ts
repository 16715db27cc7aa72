// Programs of the host, ip(8) above all: the one place that starts processes.

import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

/** A program ended badly. `stderr` holds its own words. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly stderr: string

  constructor(argv: readonly string[], stderr: string, cause: unknown) {
    super(`${argv.join(' ')}: ${stderr.trim() || 'failed'}`, { cause })
    this.stderr = stderr
  }
}

/** A program that stays. */
export interface Child {
  readonly pid: number | undefined
  write(text: string): void
  /** Ends its input; a program that reads commands then leaves by itself. */
  end(): void
  kill(): void
  /** When it is gone: how it ended. `started` is false when there was no such program. Never rejects. */
  readonly ended: Promise<{ readonly started: boolean; readonly how: string }>
}

export interface LineHandlers {
  readonly stdout?: (line: string) => void
  readonly stderr?: (line: string) => void
}

/** A program, in our own network namespace or in the one it was opened for. */
export interface Program {
  readonly name: string
  /** What it prints. Rejects with a CommandError. */
  text(...args: string[]): Promise<string>
  /** What it prints when it has read `input`. Rejects with a CommandError. */
  feed(input: string, ...args: string[]): Promise<string>
  /** What it prints, some lines at a time, so that a long table never holds up others. Rejects with a CommandError. */
  lines(...args: string[]): AsyncIterable<readonly string[]>
  /** Starts it and leaves it running. */
  start(args: readonly string[], handlers: LineHandlers): Child
}

/** Finds a program by its name. */
export type OpenProgram = (name: string) => Program

/**
 * `namespace` as in `ip netns`: for tests. The agent works in the namespace it was started in. A program that cannot go
 * into one by itself is taken there by ip(8).
 */
export function openProgram(name: string, namespace?: string): Program {
  const argv = namespace ? ['ip', 'netns', 'exec', namespace, name] : [name]
  return program(name, argv)
}

export function openIp(namespace?: string): Program {
  return program('ip', ['ip', ...(namespace ? ['-n', namespace] : [])])
}

export function openBridge(namespace?: string): Program {
  return program('bridge', ['bridge', ...(namespace ? ['-n', namespace] : [])])
}

function program(name: string, [file, ...leading]: readonly string[]): Program {
  return {
    name,
    text: (...args) => text(file!, [...leading, ...args]),
    feed: (input, ...args) => text(file!, [...leading, ...args], input),
    lines: (...args) => lines(file!, [...leading, ...args]),
    start: (args, handlers) => start(file!, [...leading, ...args], handlers),
  }
}

async function text(file: string, args: readonly string[], input?: string): Promise<string> {
  const { child, ended } = launch(file, args, input === undefined ? 'ignore' : 'pipe')
  child?.stdin?.end(input)
  const [stdout, stderr] = [child?.stdout, child?.stderr].map(allOf)
  const how = await ended
  if (how.isBad) throw new CommandError([file, ...args], stderr!() || how.words, how)
  return stdout!()
}

async function* lines(file: string, args: readonly string[]): AsyncGenerator<readonly string[]> {
  const { child, ended } = launch(file, args, 'ignore')
  const stderr = allOf(child?.stderr)
  let rest = ''
  child?.stdout?.setEncoding('utf8')
  for await (const chunk of child?.stdout ?? []) {
    const split = (rest + chunk).split('\n')
    rest = split.pop()!
    yield split
  }
  if (rest) yield [rest]
  const how = await ended
  if (how.isBad) throw new CommandError([file, ...args], stderr() || how.words, how)
}

function start(file: string, args: readonly string[], handlers: LineHandlers): Child {
  const { child, ended } = launch(file, args, 'pipe')
  onLines(child?.stdout, handlers.stdout)
  onLines(child?.stderr, handlers.stderr)
  return {
    pid: child?.pid,
    write: (text) => void child?.stdin?.write(text),
    end: () => void child?.stdin?.end(),
    kill: () => void child?.kill(),
    ended: ended.then(({ words }) => ({ started: child?.pid !== undefined, how: words })),
  }
}

/** How a program ended, for people. */
interface Ended {
  readonly isBad: boolean
  readonly words: string
}

interface Launched {
  /** Undefined, or without streams: there was no memory, or no descriptor, for it. */
  readonly child: ChildProcess | undefined
  /** When it has gone and all that it printed is in. Never rejects. */
  readonly ended: Promise<Ended>
}

/** Those that have not ended. What stays when we go, whatever the reason, is of no use to anybody. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill()
})

function launch(file: string, args: readonly string[], stdin: 'ignore' | 'pipe'): Launched {
  try {
    const child = spawn(file, args, { stdio: [stdin, 'pipe', 'pipe'] })
    child.stdin?.on('error', () => {}) // it left before it read everything: `ended` tells
    running.add(child)
    const ended = endOf(child).finally(() => running.delete(child))
    return { child, ended }
  } catch (error) {
    return { child: undefined, ended: Promise.resolve({ isBad: true, words: (error as Error).message }) }
  }
}

function endOf(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ isBad: true, words: message }))
    child.once('close', (code, signal) =>
      resolve({ isBad: code !== 0, words: signal ? `ended by ${signal}` : `exit code ${code}` }),
    )
  })
}

/** What has come by now, without the newline at its end. */
function allOf(stream: Readable | null | undefined): () => string {
  let text = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (chunk: string) => {
    text += chunk
  })
  return () => text.replace(/\n$/, '')
}

/** Calls back for each line as soon as its newline is in. */
function onLines(stream: Readable | null | undefined, each: (line: string) => void = () => {}): void {
  let rest = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (chunk: string) => {
    const split = (rest + chunk).split('\n')
    rest = split.pop()!
    for (const line of split) each(line)
  })
}
