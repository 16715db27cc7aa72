// Two things at once, and the order of their words.

import t from 'tap'
import { sideBySide } from '../../netns-lab/beside.ts'

t.test('both go on at once, and the words of the second come after those of the first', async (t) => {
  const said: string[] = []
  const secondSpoke = Promise.withResolvers<void>()
  const firstDone = Promise.withResolvers<void>()
  await sideBySide(
    (line) => said.push(line),
    async (say) => {
      say('first: a')
      await secondSpoke.promise
      say('first: b')
      firstDone.resolve()
    },
    async (say) => {
      say('second: a')
      secondSpoke.resolve()
      await firstDone.promise
      say('second: b')
    },
  )
  t.same(said, ['first: a', 'first: b', 'second: a', 'second: b'])
})

t.test('when one fails the other goes on to its end, and is heard', async (t) => {
  const said: string[] = []
  const failed = Promise.withResolvers<void>()
  const both = sideBySide(
    (line) => said.push(line),
    async () => {
      failed.resolve()
      throw new Error('no')
    },
    async (say) => {
      await failed.promise
      say('second')
    },
  )
  await t.rejects(both, { message: 'no' })
  t.same(said, ['second'])
})
