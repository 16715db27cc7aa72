// Programs of the host, ip(8) above all: the one place that starts processes.

import { execa } from 'execa'

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

async function text(file: string, args: readonly string[], input = ''): Promise<string> {
  const result = await execa(file, args, { reject: false, input })
  if (result.failed) throw new CommandError([file, ...args], wordsOf(result), result)
  return result.stdout
}

async function* lines(file: string, args: readonly string[]): AsyncGenerator<readonly string[]> {
  const child = execa(file, args, { reject: false, stdin: 'ignore', buffer: { stdout: false } })
  let rest = ''
  child.stdout.setEncoding('utf8')
  for await (const chunk of child.stdout) {
    const split = (rest + chunk).split('\n')
    rest = split.pop()!
    yield split
  }
  if (rest) yield [rest]
  const result = await child
  if (result.failed) throw new CommandError([file, ...args], wordsOf(result), result)
}

function start(file: string, args: readonly string[], handlers: LineHandlers): Child {
  const child = execa(file, args, { reject: false, buffer: false })
  if (handlers.stdout) onLines(child.stdout, handlers.stdout)
  else child.stdout.resume()
  if (handlers.stderr) onLines(child.stderr, handlers.stderr)
  else child.stderr.resume()
  child.stdin.on('error', () => {}) // it left before it read everything: `ended` tells
  return {
    pid: child.pid,
    write: (text) => void child.stdin.write(text),
    end: () => void child.stdin.end(),
    kill: () => void child.kill(),
    ended: child.then((result) => ({ started: child.pid !== undefined, how: howItEnded(result) })),
  }
}

/** Calls back for each line as soon as its newline is in. */
function onLines(stream: NodeJS.ReadableStream, each: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const split = (rest + chunk).split('\n')
    rest = split.pop()!
    for (const line of split) each(line)
  })
}

interface Ended {
  readonly stderr?: unknown
  readonly signal?: string | undefined
  readonly exitCode?: number | undefined
  readonly originalMessage?: string | undefined
}

function wordsOf(result: Ended): string {
  return typeof result.stderr === 'string' && result.stderr !== '' ? result.stderr : howItEnded(result)
}

function howItEnded({ signal, exitCode, originalMessage }: Ended): string {
  if (signal) return `ended by ${signal}`
  if (exitCode !== undefined) return `exit code ${exitCode}`
  return originalMessage ?? 'ended'
}
