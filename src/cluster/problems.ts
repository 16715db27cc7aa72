// What is wrong with the cluster's data, by subject.
//
// A trouble that only changes its words may be told as one that ends and another that begins. What there is to log is
// therefore the difference between two moments, and not what was said from one to the other.

import type { Problem } from './feed.ts'

/** What is different since the last time. */
export interface ProblemNews {
  readonly begun: readonly Problem[]
  /** Subjects with which nothing is wrong any more. */
  readonly healed: readonly string[]
}

export class Problems {
  readonly #current = new Map<string, readonly Problem[]>()
  /** Subjects touched since the last `news`, with what was wrong with them then. */
  readonly #before = new Map<string, readonly Problem[]>()

  /** One thing more is wrong with its subject. */
  add(problem: Problem): void {
    this.replace(problem.subject, [...this.#of(problem.subject), problem])
  }

  /** All that is wrong with the subject now. */
  replace(subject: string, problems: readonly Problem[]): void {
    const before = this.#of(subject)
    if (before.length + problems.length === 0) return
    if (!this.#before.has(subject)) this.#before.set(subject, before)
    if (problems.length > 0) this.#current.set(subject, problems)
    else this.#current.delete(subject)
  }

  /** Whether anything is wrong with the subject. */
  has(subject: string): boolean {
    return this.#current.has(subject)
  }

  list(): Problem[] {
    return [...this.#current.values()].flat()
  }

  /** What began and ended since the last call. */
  news(): ProblemNews {
    const touched = [...this.#before]
    this.#before.clear()
    return {
      begun: touched.flatMap(([subject, before]) => {
        const known = new Set(before.map(inWords))
        return this.#of(subject).filter((problem) => !known.has(inWords(problem)))
      }),
      healed: touched
        .filter(([subject, before]) => before.length > 0 && this.#of(subject).length === 0)
        .map(([subject]) => subject),
    }
  }

  #of(subject: string): readonly Problem[] {
    return this.#current.get(subject) ?? []
  }
}

function inWords({ field, message }: Problem): string {
  return `${field ?? ''}\0${message}`
}
