// Commands, and the namespaces they run in: the one place of the lab that starts programs and waits for them.

import { execa } from 'execa'
import { patient } from '../until.ts'

/** A command that failed; the message has its words. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

export interface Outcome {
  readonly code: number
  /** Standard output and error as they came. */
  readonly output: string
}

export interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** Ends the command. */
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number
}

/** Runs a command to its end, whatever that is. @throws AbortError, and CommandError when it could not start or took too long */
export async function outcome(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { input = '', env = {}, signal, timeoutMs = 30_000 } = options
  signal?.throwIfAborted()
  const [program, ...args] = argv
  const result = await execa(program!, args, {
    input,
    env,
    all: true,
    reject: false,
    timeout: patient(timeoutMs),
    stripFinalNewline: false,
    ...(signal && { cancelSignal: signal }),
  })
  signal?.throwIfAborted()
  if (result.exitCode === undefined) throw new CommandError(`${argv.join(' ')}: ${result.shortMessage}`)
  return { code: result.exitCode, output: result.all }
}

/** Runs a command that has to succeed and returns what it prints. @throws CommandError with its words */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, output } = await outcome(argv, options)
  if (code !== 0)
    throw new CommandError(`${argv.join(' ')}: ${output.trim() || `ended with exit code ${code}`}`)
  return output
}

/** The command inside a namespace. */
export function inside(namespace: string, argv: readonly string[]): string[] {
  return ['ip', 'netns', 'exec', namespace, ...argv]
}

/** Runs lines of ip(8) in a namespace, in order. @throws CommandError for the first that is refused */
export async function ip(namespace: string, lines: readonly string[], signal?: AbortSignal): Promise<void> {
  if (lines.length === 0) return
  const { code, output } = await outcome(['ip', '-n', namespace, '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    signal,
  })
  if (code === 0) return
  const at = Number(/Command failed -:(\d+)/.exec(output)?.[1] ?? 1)
  throw new CommandError(`ip -n ${namespace} ${lines[at - 1]}: ${output.trim()}`)
}

/** Writes kernel settings (sysctl names with dots) of a namespace. */
export async function sysctl(
  namespace: string,
  values: Readonly<Record<string, string | number>>,
  signal?: AbortSignal,
): Promise<void> {
  const settings = Object.entries(values).map(([key, value]) => `${key}=${value}`)
  await run(inside(namespace, ['sysctl', '-qw', ...settings]), { signal })
}

/** The names of all network namespaces of the machine. */
export async function namespaces(): Promise<Set<string>> {
  const output = await run(['ip', 'netns', 'list'])
  return new Set(output.split('\n').map((line) => line.split(' ')[0]!))
}
