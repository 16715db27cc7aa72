import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { follow } from '../../../../src/edge/datastore/file/follow.ts'
import { directoryReader } from '../../../../src/edge/datastore/file/reader.ts'
import { serial } from '../../../../src/edge/datastore/file/serial.ts'
import { recordingSink } from '../../../kit/sink.ts'
import { until } from '../../../kit/until.ts'

t.test('it ends whenever it is told to, and watches nothing any more', async (t) => {
  const directory = t.testdir({ 'pools.yaml': '' })
  const reader = directoryReader(directory)
  for (let turns = 0; turns < 20; turns++) {
    const closing = new AbortController()
    let isOver = false
    const over = follow(
      { directory, reader, inTurn: serial(), signal: closing.signal },
      recordingSink(),
    ).finally(() => {
      isOver = true
    })
    for (let i = 0; i < turns; i++) await turn()
    closing.abort()
    await until(`it is over, told after ${turns} turns of the loop`, () => isOver)
    await over
    t.notOk(process.getActiveResourcesInfo().includes('FSEventWrap'))
  }
})
