// Server and client together, over a real socket in a directory of the test.

import { linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type ConfigView, QuestionError } from '../../../src/edge/control/api.ts'
import { AgentUnreachableError, AgentUsageError, ask, socketPath } from '../../../src/edge/control/client.ts'
import { type Routes, serveControl } from '../../../src/edge/control/server.ts'
import { createLog } from '../../../src/edge/observe/log.ts'
import { unasked } from '../../kit/control.ts'

const log = createLog({ node: 'test', level: 'silent' })
const config: ConfigView = { settings: [], problems: [], unknown: ['FELIX_X'], unused: [] }
const routes: Routes = {
  ...unasked,
  '/config': async () => config,
  '/status': () => {
    throw new Error('no status today')
  },
}

t.test('what goes with a question arrives with it, and orders are posted', async (t) => {
  const socket = place(t)
  const heard: unknown[] = []
  const server = await serveControl(
    socket,
    {
      ...routes,
      '/bgp/routes': (asks) => {
        heard.push(asks)
        return []
      },
      '/bgp/reset': (asks) => {
        heard.push(asks)
        throw new QuestionError(`no ${asks.peer}`)
      },
    },
    log,
  )
  t.teardown(() => server.close())
  await ask(socket, '/bgp/routes', { prefix: 'fd00::/8' })
  await ask(socket, '/bgp/routes', {})
  await t.rejects(ask(socket, '/bgp/reset', { peer: 'a&b', how: 'in' }), new AgentUsageError('no a&b'))
  t.same(heard, [{ prefix: 'fd00::/8' }, {}, { peer: 'a&b', how: 'in' }])
})

/** A socket path in a directory that goes when the test ends. */
function place(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'caracal-control-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'run', 'caracal.sock')
}

t.test('an answer arrives as it was given', async (t) => {
  const socket = place(t)
  const server = await serveControl(socket, routes, log)
  t.teardown(() => server.close())
  t.same(await ask(socket, '/config', {}), config)
})

t.test('only the owner can reach the socket', async (t) => {
  const socket = place(t)
  const server = await serveControl(socket, routes, log)
  t.teardown(() => server.close())
  t.equal((statSync(socket).mode & 0o777).toString(8), '600')
})

t.test('a failing handler is an error in its own words, and the server goes on', async (t) => {
  const socket = place(t)
  const server = await serveControl(socket, routes, log)
  t.teardown(() => server.close())
  await t.rejects(ask(socket, '/status', {}), { name: 'AgentError', message: /no status today/ })
  t.same(await ask(socket, '/config', {}), config)
})

t.test('what is not served is refused by name', async (t) => {
  const socket = place(t)
  const server = await serveControl(socket, routes, log)
  t.teardown(() => server.close())
  await t.rejects(ask(socket, '/toString' as '/config', {}), /\/toString is not served/)
})

t.test('a second agent is refused, and the first one keeps its socket', async (t) => {
  const socket = place(t)
  const server = await serveControl(socket, routes, log)
  t.teardown(() => server.close())
  await t.rejects(serveControl(socket, routes, log), {
    name: 'SocketTakenError',
    message: /another agent is running/,
  })
  t.same(await ask(socket, '/config', {}), config)
})

t.test('the socket of an agent that crashed is replaced', async (t) => {
  const socket = place(t)
  const crashed = await serveControl(`${socket}.old`, routes, log)
  linkSync(`${socket}.old`, socket) // a second name stays, as the socket of a killed process does
  await crashed.close()
  await t.rejects(ask(socket, '/config', {}), { name: 'AgentUnreachableError', message: /nobody listens/ })
  const server = await serveControl(socket, routes, log)
  t.teardown(() => server.close())
  t.same(await ask(socket, '/config', {}), config)
})

t.test('a file in the place of the socket is left alone', async (t) => {
  const socket = join(place(t), '..', '..', 'file')
  writeFileSync(socket, 'mine')
  await t.rejects(serveControl(socket, routes, log), { name: 'SocketTakenError', message: /not a socket/ })
  t.equal(statSync(socket).size, 4)
})

t.test('close removes the socket, and the command says where it looked', async (t) => {
  const socket = place(t)
  await (await serveControl(socket, routes, log)).close()
  const err = await ask(socket, '/config', {}).catch((err) => err)
  t.ok(err instanceof AgentUnreachableError)
  t.match(err.message, `cannot reach the agent at ${socket}: there is no such socket`)
})

t.test('an agent that does not answer is given up on', async (t) => {
  const socket = join(place(t), '..', '..', 'deaf.sock')
  const deaf = createServer(() => {})
  await new Promise<void>((resolve) => deaf.listen(socket, resolve))
  t.teardown(() => deaf.close())
  await t.rejects(ask(socket, '/config', {}, 20), /does not answer/)
})

t.test('the environment may name the socket', async (t) => {
  t.equal(socketPath({}), '/var/run/calico/caracal.sock')
  t.equal(socketPath({ CARACAL_SOCKET: '/run/x.sock' }), '/run/x.sock')
})
