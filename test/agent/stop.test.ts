// A whole agent is told to stop, whatever it is at.

import t from 'tap'
import { startAgent } from '../kit/agent.ts'
import { namespace } from '../kit/namespace.ts'
import { needsRoot } from '../kit/needs-root.ts'
import { until } from '../kit/until.ts'

t.setTimeout(120_000)

for (const moment of ['agent started', 'carrying out the plan', 'node start-up wrote', 'node start-up done'])
  t.test(`it ends when it is told to after '${moment}'`, needsRoot, async (t) => {
    const agent = startAgent(t, { namespace: namespace(t).name, node: 'node-a', documents: [] })
    await until(moment, () => agent.log().includes(`"${moment}"`))
    agent.terminate()
    await until('it is gone', () => agent.exitCode() !== null)
    t.equal(agent.exitCode(), 0)
  })
