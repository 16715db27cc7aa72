// The kernel of a node beside the one that Felix left when it was recorded.

import { shell } from '../exec.ts'
import { answersIn, kernelLines, routeLine, shellQuestion } from '../recordings/kernel.ts'
import { type Recording, recordedNode } from '../recordings/recording.ts'
import { settle, type Telling } from './checks.ts'
import { difference, sameLines } from './compare.ts'

/** Waits until the two are alike, but for IPv4 routes that are `added` to Felix's. @throws CheckError with the difference */
export async function checkRecording(
  telling: Telling,
  { answers }: Recording,
  added: readonly string[],
  withinS: number,
): Promise<void> {
  const expected = [...kernelLines(answers), ...added.map(routeLine)].join('\n')
  await settle(telling, withinS, async () => {
    const { output } = await shell(telling.lab, recordedNode, shellQuestion(answers))
    const actual = kernelLines(answersIn(output)).join('\n')
    return sameLines(expected, actual) ? undefined : `not as Felix left it:\n${difference(expected, actual)}`
  })
}
