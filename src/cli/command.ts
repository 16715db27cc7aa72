// What a command is given, what it gives back, and the shape of those that ask the agent one question.

import type { Uninstalled, UninstallOptions } from '../agent/uninstall.ts'
import type { Environment } from '../config/settings.ts'
import type { Answer, QuestionPath } from '../edge/control/api.ts'

/** The world, as far as a command may touch it. */
export interface Context {
  readonly environment: Environment
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** The daemon; gives the exit code when it has stopped. */
  readonly runAgent: (environment: Environment) => Promise<number>
  /** Works without the daemon, which must have stopped. */
  readonly uninstall: (environment: Environment, options: UninstallOptions) => Promise<Uninstalled>
}

export const exitCode = {
  good: 0,
  /** The answer is "not healthy", or "differs". */
  bad: 1,
  usage: 2,
  unreachable: 3,
} as const

export type Output = 'text' | 'json'

/** A command that prints one answer of the running agent. */
export interface Question<P extends QuestionPath> {
  readonly path: P
  readonly text: (answer: Answer<P>, now: number) => string
  /** False for exit code 1. */
  readonly good: (answer: Answer<P>) => boolean
}

/** JSON for programs, two spaces deep for people. */
export function json(answer: unknown): string {
  return `${JSON.stringify(answer, null, 2)}\n`
}
