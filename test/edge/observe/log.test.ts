import t from 'tap'
import { createLog } from '../../../src/edge/observe/log.ts'

/** A log at `level` and the lines it wrote, parsed. */
function recorded(level: string) {
  const lines: Record<string, unknown>[] = []
  const log = createLog({
    node: 'node-a',
    level,
    destination: { write: (line) => lines.push(JSON.parse(line)) },
  })
  return { log, lines }
}

t.test('a line carries time, level, node, the facts and the message', async (t) => {
  const { log, lines } = recorded('info')
  log.child({ peer: '10.0.0.2' }).info({ holdTime: 90 }, 'session up')
  t.match(lines, [{ level: 'info', node: 'node-a', peer: '10.0.0.2', holdTime: 90, msg: 'session up' }])
  t.match(lines[0]?.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

t.test('the level changes while running, for children made before too', async (t) => {
  const { log, lines } = recorded('info')
  const child = log.child({ kind: 'routes' })
  child.debug('unseen')
  log.level = 'debug'
  child.debug('seen')
  log.level = 'silent'
  child.error('unseen')
  t.same(
    lines.map((line) => line.msg),
    ['seen'],
  )
})

t.test('secrets are hidden, one level down too', async (t) => {
  const { log, lines } = recorded('info')
  log.info({ etcdPassword: 'hunter2', options: { password: 'hunter2' } }, 'connecting')
  t.notMatch(JSON.stringify(lines), /hunter2/)
})

t.test('an error is written with its cause', async (t) => {
  const { log, lines } = recorded('info')
  log.error({ err: new Error('list failed', { cause: new Error('connection refused') }) }, 'datastore')
  t.match(lines, [{ err: { message: /list failed.*connection refused/ } }])
})
