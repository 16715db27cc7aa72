// Expected and actual output: what counts as the same, and how a difference is shown.

import t from 'tap'
import { difference, normalised, sameLines, withoutPodNeighbours } from '../../../netns-lab/story/compare.ts'

t.test('order, trailing spaces, empty lines, times and dates do not count', async (t) => {
  t.ok(sameLines('a\nb 07:15:00\n', 'b 23:59:59.123  \n\na   '))
  t.ok(sameLines('2026-03-04', '2027-01-01'))
})

t.test('every line counts, and how often it comes', async (t) => {
  t.notOk(sameLines('a', 'a\na'))
  t.notOk(sameLines('a\nb', 'a'))
  t.notOk(sameLines(' a', 'a'))
})

t.test('a difference shows the actual text, marks what is too much, and adds what is missing', async (t) => {
  t.equal(difference('a\nb\nb', 'b\nc\na'), '  b\n+ c\n  a\n- b')
})

t.test('a MAC address is no clock time', async (t) => {
  t.same(normalised('lladdr 66:22:33:44:55:66 12:34:56'), ['lladdr 66:22:33:44:55:66 HH:MM:SS'])
})

t.test('neighbours of pods are told from those of other nodes', async (t) => {
  const pod = '172.18.0.3 dev cali989a3c18134 lladdr 02:98:9a:3c:18:13 PERMANENT\n'
  const node = '172.18.0.64 dev vxlan.calico lladdr 66:89:3a:22:7a:ac PERMANENT\n'
  t.equal(withoutPodNeighbours(pod + node + pod), node)
})
