// The commands against a real control socket, with the daemon's answers made up.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { runCli } from '../../src/cli/program.ts'
import { type AgentStatus, type ConfigView, QuestionError } from '../../src/edge/control/api.ts'
import { type Routes, serveControl } from '../../src/edge/control/server.ts'
import { createLog } from '../../src/edge/observe/log.ts'
import { unasked } from '../kit/control.ts'

const config: ConfigView = { settings: [], problems: [], unknown: [], unused: [] }
const status: AgentStatus = {
  node: 'node-a',
  version: '0.1.0',
  pid: 1,
  startedAt: 0,
  backend: 'vxlan',
  datastore: { type: 'file', state: 'waiting', since: 0, problems: [] },
  startup: { state: 'waiting' },
  bgp: {
    routerId: undefined,
    asn: undefined,
    listening: { ipv4: { reason: 'no BGP', intended: true }, ipv6: { reason: 'no BGP', intended: true } },
    refused: {},
    dropped: {},
    peers: [],
  },
  kernel: [],
  frozenPolicy: [],
  warnings: [],
}
const routes: Routes = { ...unasked, '/status': () => status, '/config': () => config }

/** Runs a command; its exit code and what it printed. */
async function agent(argv: readonly string[], environment: Record<string, string> = {}) {
  const printed = { out: '', err: '', ran: 0 }
  const code = await runCli(argv, {
    environment,
    version: '0.1.0',
    now: () => 0,
    out: (text) => {
      printed.out += text
    },
    err: (text) => {
      printed.err += text
    },
    uninstall: async () => ({ unable: 'not in this test' }),
    runAgent: async () => {
      printed.ran++
      return 0
    },
  })
  return { code, ...printed }
}

/** The socket of a daemon that answers with `routes` until the test ends. */
async function daemon(t: Test, answers: Routes = routes): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'caracal-cli-'))
  const socket = join(directory, 'caracal.sock')
  const server = await serveControl(socket, answers, createLog({ node: 'test', level: 'silent' }))
  t.teardown(async () => {
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return socket
}

t.test('a good answer is exit code 0, a bad one 1', async (t) => {
  const CARACAL_SOCKET = await daemon(t)
  t.equal((await agent(['config'], { CARACAL_SOCKET })).code, 0)
  const { code, out } = await agent(['status'], { CARACAL_SOCKET })
  t.equal(code, 1)
  t.match(out, /^Calico process is running\.\n\n/)
  t.match(out, /\nDatastore file: waiting for contact since /)
  t.match(out, /\nNot healthy: the datastore is not in sync\.\n$/)
})

t.test('JSON is the answer as it is, with the same exit code', async (t) => {
  const socket = await daemon(t)
  const { code, out } = await agent(['status', '-o', 'json', '--socket', socket])
  t.equal(code, 1)
  t.same(JSON.parse(out), JSON.parse(JSON.stringify(status)))
})

t.test('an agent that cannot be reached is exit code 3 and a message that says what to do', async (t) => {
  const { code, out, err } = await agent(['status', '--socket', '/nowhere/caracal.sock'])
  t.equal(code, 3)
  t.equal(out, '')
  t.match(err, /^cannot reach the agent at \/nowhere\/caracal\.sock: .*`agent run`.*\n$/)
})

t.test('an agent that fails to answer is exit code 1 and its own words', async (t) => {
  const socket = await daemon(t, { ...routes, '/status': () => Promise.reject(new Error('out of luck')) })
  const { code, err } = await agent(['status', '--socket', socket])
  t.equal(code, 1)
  t.match(err, /out of luck/)
})

t.test('wrong usage is exit code 2 and says what is allowed', async (t) => {
  t.match(await agent(['status', '-o', 'yaml']), { code: 2, err: /yaml.*Allowed choices are text, json/ })
  t.match(await agent(['statsu']), { code: 2, err: /unknown command 'statsu'/ })
  t.match(await agent(['status', 'now']), { code: 2, err: /too many arguments/ })
  t.match(await agent([]), { code: 2, err: /Usage: agent/ })
})

t.test('help that was asked for is a success', async (t) => {
  t.match(await agent(['--help']), { code: 0, out: /Usage: agent/ })
})

t.test('version works without an agent', async (t) => {
  t.match(await agent(['version']), { code: 0, out: '0.1.0\n' })
  t.same(JSON.parse((await agent(['version', '-o', 'json'])).out), { version: '0.1.0' })
})

t.test('run runs the agent, and what it throws goes to the top', async (t) => {
  t.match(await agent(['run']), { code: 0, ran: 1 })
  const failing = { environment: {}, version: '', now: () => 0, out: () => {}, err: () => {} }
  const runAgent = () => Promise.reject(new TypeError('ours'))
  const uninstall = async () => ({ items: [] })
  await t.rejects(runCli(['run'], { ...failing, runAgent, uninstall }), TypeError)
})

t.test('arguments and options go with the question; one that makes no sense is exit code 2', async (t) => {
  const heard: unknown[] = []
  const socket = await daemon(t, {
    ...routes,
    '/bgp/reset': (asks) => {
      heard.push(asks)
      return { done: 'done' }
    },
    '/explain': ({ destination }) => {
      throw new QuestionError(`${destination} is no address`)
    },
  })
  t.match(await agent(['bgp', 'reset', '10.0.0.2', '--socket', socket]), { code: 0, out: 'done\n' })
  t.match(await agent(['bgp', 'reset', 'x', '--soft', 'in', '--socket', socket]), { code: 0 })
  t.same(heard, [
    { peer: '10.0.0.2', how: 'hard' },
    { peer: 'x', how: 'in' },
  ])
  t.match(await agent(['explain', 'here', '--socket', socket]), { code: 2, err: 'here is no address\n' })
  t.match(await agent(['bgp', 'reset']), { code: 2, err: /missing required argument 'peer'/ })
  t.match(await agent(['bgp', 'reset', 'x', '--soft', 'up']), { code: 2, err: /Allowed choices are in, out/ })
})
