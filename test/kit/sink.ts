// A feed's other end for tests: keeps what is in force, writes down what was said, and waits for things to come true.

import type { AnyKind, Document, FeedSink, Problem, ResourceId } from '../../src/cluster/feed.ts'

const DEADLINE_MS = 60_000

export interface RecordingSink extends FeedSink {
  readonly documents: Map<ResourceId, Document<AnyKind>>
  /** Open problems by subject. */
  readonly problems: Map<string, Problem[]>
  /** `set IPPool/a`, `delete IPPool/a`, `in sync`, `not in sync`, `problem x`, `healed x`. */
  readonly log: string[]
  /** Resolves when the condition holds, which is asked again at every event. */
  until(what: string, condition: () => boolean): Promise<void>
}

export function recordingSink(): RecordingSink {
  const documents = new Map<ResourceId, Document<AnyKind>>()
  const problems = new Map<string, Problem[]>()
  const log: string[] = []
  const waiting = new Set<() => void>()

  function happened(line: string): void {
    log.push(line)
    for (const look of waiting) look()
  }

  return {
    documents,
    problems,
    log,
    set(document) {
      const { name, namespace } = document.metadata
      const id = [document.kind, namespace, name].filter((part) => part !== undefined).join('/')
      documents.set(id, document)
      happened(`set ${id}`)
    },
    delete(id) {
      documents.delete(id)
      happened(`delete ${id}`)
    },
    inSync: (inSync) => happened(inSync ? 'in sync' : 'not in sync'),
    problem(problem) {
      problems.set(problem.subject, [...(problems.get(problem.subject) ?? []), problem])
      happened(`problem ${problem.subject}`)
    },
    healed(subject) {
      problems.delete(subject)
      happened(`healed ${subject}`)
    },
    until(what, condition) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const look = () => condition() && resolve()
      const said = () =>
        `${log.slice(-20).join(', ')}; problems: ${JSON.stringify([...problems.values()].flat())}`
      const deadline = setTimeout(() => reject(new Error(`never: ${what}; last: ${said()}`)), DEADLINE_MS)
      waiting.add(look)
      look()
      return promise.finally(() => {
        clearTimeout(deadline)
        waiting.delete(look)
      })
    },
  }
}
