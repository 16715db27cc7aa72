// What is wrong right now, by subject, so that a sink hears of each trouble once when it starts and once when it ends.

import type { FeedSink, Problem } from '../../cluster/feed.ts'

export interface ProblemBoard {
  /** Says what is wrong with one subject now; an empty list heals it. */
  put(subject: string, problems: readonly Problem[]): void
  /** Says all that is wrong now; what is not among it is healed. */
  replace(problems: readonly Problem[]): void
}

/** A board that tells `sink` the differences. */
export function problemBoard(sink: Pick<FeedSink, 'problem' | 'healed'>): ProblemBoard {
  const open = new Map<string, string>() // subject to a fingerprint of its problems

  function put(subject: string, problems: readonly Problem[]): void {
    const before = open.get(subject)
    const now = fingerprint(problems)
    if (before === now) return
    if (before !== undefined) sink.healed(subject)
    open.delete(subject)
    if (now === undefined) return
    open.set(subject, now)
    for (const problem of problems) sink.problem(problem)
  }

  return {
    put,
    replace(problems) {
      const bySubject = Map.groupBy(problems, (problem) => problem.subject)
      for (const subject of [...open.keys()]) if (!bySubject.has(subject)) put(subject, [])
      for (const [subject, list] of bySubject) put(subject, list)
    },
  }
}

function fingerprint(problems: readonly Problem[]): string | undefined {
  if (problems.length === 0) return undefined
  return problems.map((problem) => `${problem.field ?? ''}\0${problem.message}`).join('\0\0')
}
