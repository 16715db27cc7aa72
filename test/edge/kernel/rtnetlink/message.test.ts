import t from 'tap'
import { messagesOf, readAnswer } from '../../../../src/edge/kernel/rtnetlink/message.ts'
import { refusalText } from '../../../../src/edge/kernel/rtnetlink/words.ts'
import { octets } from '../../../kit/vector.ts'

function answers(text: string) {
  const bytes = octets(text)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return [...messagesOf(view)].map((message) => readAnswer(view, message))
}

// From Linux 6.18, to a route by way of a gateway that is on no link, and to one that was taken.
const refused = `
  44000000 0200 0003 07000000 11220000      # NLMSG_ERROR, capped, with attributes
  9bffffff                                  # -101
  34000000 1800 0505 07000000 00000000      # what it is about
  2000 0100 4e657874686f702068617320696e76616c6964206761746577617900  # Nexthop has invalid gateway
`
const done = `
  24000000 0200 0001 08000000 11220000
  00000000
  44000000 1800 0505 08000000 00000000
`

t.test('answers say what they answer, and why not', async (t) => {
  t.same(answers(done), [{ sequence: 8, error: 0 }])
  t.same(answers(refused), [{ sequence: 7, error: 101, message: 'Nexthop has invalid gateway' }])
  t.same(answers(refused + done).length, 2, 'several come together')
})

t.test('refusals are told in the words of ip(8)', async (t) => {
  t.equal(refusalText({ error: 17 }), 'RTNETLINK answers: File exists')
  t.equal(refusalText({ error: 101 }), 'RTNETLINK answers: Network is unreachable')
  t.equal(refusalText({ error: 105 }), 'RTNETLINK answers: No buffer space available')
  t.equal(
    refusalText({ error: 101, message: 'Nexthop has invalid gateway' }),
    'Error: Nexthop has invalid gateway.',
  )
  t.equal(refusalText({ error: 22, message: 'Invalid prefix.' }), 'Error: Invalid prefix.')
})
