import t from 'tap'
import { shutdownMessage, shutdownText } from '../../../src/bgp/session/shutdown-message.ts'

t.test('a text travels as its length and UTF-8', async (t) => {
  t.strictSame(shutdownMessage('tea é'), Uint8Array.of(6, 0x74, 0x65, 0x61, 0x20, 0xc3, 0xa9))
  for (const subcode of [2, 4]) t.equal(shutdownText(6, subcode, shutdownMessage('tea é')), 'tea é')
})

t.test('one that is too long is cut off between characters', async (t) => {
  const data = shutdownMessage('é'.repeat(200))
  t.strictSame([data[0], data.length], [254, 255])
  t.equal(shutdownText(6, 2, data), 'é'.repeat(127))
})

t.test('without a text, with a wrong length, or with other codes there is nothing to show', async (t) => {
  const data = shutdownMessage('tea')
  t.equal(shutdownText(6, 2, new Uint8Array()), undefined)
  t.equal(shutdownText(6, 2, shutdownMessage('')), undefined)
  t.equal(shutdownText(6, 2, data.subarray(0, -1)), undefined)
  t.equal(shutdownText(6, 2, Uint8Array.of(...data, 0)), undefined)
  t.equal(shutdownText(6, 3, data), undefined)
  t.equal(shutdownText(4, 2, data), undefined)
})

t.test('octets that are no UTF-8 are replaced, and never an error', async (t) => {
  t.equal(shutdownText(6, 2, Uint8Array.of(2, 0xff, 0x41)), '\ufffdA')
})
