// Keeps a reader and a writer of one directory from looking at each other's half-done work within this process.

export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/** Runs one piece of work after the other, in the order they were asked for. */
export function serial(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }
}
