import t from 'tap'
import { explain, explainText } from '../../src/cli/explain.ts'
import type { ExplainView, PrefixView } from '../../src/edge/control/api.ts'
import { prefix } from '../../src/inet/prefix.ts'

const block: PrefixView = {
  prefix: prefix('172.18.0.64/26'),
  route: '172.18.0.64/26 via 172.20.0.12 dev eth0 proto bird',
  kernel: 'in force',
  sources: [
    {
      source: 'BGP',
      says: '172.18.0.64/26 via 172.20.0.12 dev eth0 proto bird (BGP: 172.20.0.12 says next hop 172.20.0.12)',
    },
  ],
}
const down: PrefixView = {
  prefix: prefix('172.18.0.65/32'),
  sources: [{ source: 'local workload', says: 'no route: default/web: interface cali1 is not up' }],
}
const answer = (...prefixes: PrefixView[]): ExplainView => ({
  destination: prefix('172.18.0.65/32'),
  prefixes,
})

t.test('the route that counts, then whoever knows a prefix', async (t) => {
  t.equal(
    explainText(answer(down, block)),
    `172.18.0.65/32: 172.18.0.64/26 via 172.20.0.12 dev eth0 proto bird

172.18.0.65/32: no route
  local workload: no route: default/web: interface cali1 is not up

172.18.0.64/26: in force
  BGP: 172.18.0.64/26 via 172.20.0.12 dev eth0 proto bird (BGP: 172.20.0.12 says next hop 172.20.0.12)
`,
  )
})

t.test('good is a destination with a route in force', async (t) => {
  t.ok(explain.good(answer(down, block)))
  t.notOk(explain.good(answer(down)))
  t.notOk(explain.good(answer({ ...block, kernel: { refused: 'Network is unreachable' } })))
  t.match(explainText(answer({ ...block, kernel: { refused: 'no' } })), /: refused by the kernel: no\n/)
  t.match(explainText(answer()), /no route of this agent leads there/)
})
