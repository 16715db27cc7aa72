// Several stories, one after the other, each on every datastore it is for.

import type { StoreType } from '../state.ts'
import { readStory, type Story, type TellOptions, tell } from './index.ts'

/** A story, and the datastore it is told on. */
export interface Turn {
  readonly story: Story
  readonly store: StoreType
}

export interface TurnOptions extends Omit<TellOptions, 'store'> {
  /** Told how each has gone, as soon as it is known. */
  readonly verdict: (turn: Turn, good: boolean) => void
}

/**
 * Reads the stories, each for the datastores that it names, or for `asked` if it makes sense there.
 * @throws LabFileError
 */
export function turnsOf(names: readonly string[], asked?: StoreType): Turn[] {
  return names.map(readStory).flatMap((story) => {
    const { datastores, never } = story
    const all = asked === undefined ? datastores : never.includes(asked) ? [] : [asked]
    return all.map((store) => ({ story, store }))
  })
}

export function titleOf({ story, store }: Turn): string {
  return `story ${story.name} (${store})`
}

/** On failure goes on with the next, so that one run shows all that is wrong. */
export async function tellTurns(turns: readonly Turn[], options: TurnOptions): Promise<void> {
  const { progress, verdict } = options
  for (const turn of turns) {
    const title = titleOf(turn)
    progress(`-- ${title}`)
    const good = await tell(turn.story, { ...options, store: turn.store })
    progress(`-- ${good ? 'passed' : 'FAILED'}: ${title}`)
    verdict(turn, good)
  }
}
