import t from 'tap'
import { inRanges, lossesIn } from '../../../netns-lab/story/losses.ts'

/** After so many requests, ten milliseconds apart unless said otherwise. */
function printed(sent: number, answered: readonly number[], everyMs = 10): string {
  const lines = answered.map((number) => `64 bytes from 10.0.0.1: icmp_seq=${number} ttl=64 time=0.1 ms`)
  return `${lines.join('\n')}\n${sent} packets transmitted, ${answered.length} received, 0% packet loss, time ${sent * everyMs}ms\n`
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1)

t.test('a request without an answer is lost, wherever it was', async (t) => {
  const some = upTo(100).filter((number) => ![1, 40, 41, 42].includes(number))
  t.same(lossesIn(printed(100, some)), { sent: 100, lost: [1, 40, 41, 42] })
})

t.test('the last requests may have been under way, but not for long', async (t) => {
  t.same(lossesIn(printed(100, upTo(80)))?.lost, [])
  t.same(lossesIn(printed(100, upTo(78)))?.lost, [79, 80])
  t.same(lossesIn(printed(100, [...upTo(85), 88]))?.lost, [86, 87], 'one was overtaken')
  t.same(lossesIn(printed(10, upTo(9), 500))?.lost, [])
  t.same(lossesIn(printed(10, [], 500))?.lost, upTo(9))
})

t.test('requests that could not even be sent are lost too', async (t) => {
  const text = printed(30, [1]).replace('\n', '\nFrom 10.0.0.9 icmp_seq=2 Destination Host Unreachable\n')
  t.equal(lossesIn(text)?.lost.length, 9)
})

t.test('a ping that ended by itself is no stream', async (t) => {
  t.equal(lossesIn('ping: connect: Network is unreachable\n'), undefined)
})

t.test('numbers are shown as ranges', async (t) => {
  t.equal(inRanges([1, 3, 4, 5, 9]), '1, 3-5, 9')
})
