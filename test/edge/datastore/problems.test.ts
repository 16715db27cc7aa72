// A problem is said once when it starts and once when it ends.

import t from 'tap'
import { problemBoard } from '../../../src/edge/datastore/problems.ts'
import { recordingSink } from '../../kit/sink.ts'

const broken = (subject: string, message = 'broken') => ({ subject, message })

t.test('what was said is not said again', async (t) => {
  const sink = recordingSink()
  const board = problemBoard(sink)
  board.put('a', [broken('a')])
  board.put('a', [broken('a')])
  board.put('b', [])
  t.same(sink.log, ['problem a'])
  board.put('a', [])
  board.put('a', [])
  t.same(sink.log, ['problem a', 'healed a'])
})

t.test('another trouble with the same subject takes the place of the first', async (t) => {
  const sink = recordingSink()
  const board = problemBoard(sink)
  board.put('a', [broken('a', 'one')])
  board.put('a', [broken('a', 'two'), broken('a', 'three')])
  t.same(sink.problems.get('a'), [broken('a', 'two'), broken('a', 'three')])
})

t.test('what is not among all that is wrong is healed', async (t) => {
  const sink = recordingSink()
  const board = problemBoard(sink)
  board.replace([broken('a'), broken('b')])
  board.replace([broken('b'), broken('c')])
  t.same(sink.log, ['problem a', 'problem b', 'healed a', 'problem c'])
})
