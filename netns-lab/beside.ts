// Two things done at the same time, whose words come out one after the other.

export type Say = (line: string) => void

/**
 * Does both at once. What the first says comes out at once, what the second says as soon as the first is done.
 *
 * @throws what either throws, when both have ended
 */
export async function sideBySide(
  say: Say,
  first: (say: Say) => Promise<void>,
  second: (say: Say) => Promise<void>,
): Promise<void> {
  const kept: string[] = []
  let sayOrKeep: Say = (line) => kept.push(line)
  const speakUp = (): void => {
    for (const line of kept) say(line)
    sayOrKeep = say
  }
  const outcomes = await Promise.allSettled([first(say).finally(speakUp), second((line) => sayOrKeep(line))])
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
