// What ends an agent at its start, with which code and words. That all else is waited for is shown by the tests of each part.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { exitCodeOf, refuseSettings } from '../../src/agent/unable.ts'
import { SettingError } from '../../src/config/error.ts'
import { resolveSettings } from '../../src/config/resolve.ts'
import { namespace } from '../kit/namespace.ts'
import { needsRoot } from '../kit/needs-root.ts'

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

interface Ended {
  readonly code: unknown
  readonly last: { readonly reason: string; readonly msg: string }
}

/** Runs an agent that ends by itself. */
function run(environment: Record<string, string>, ...before: string[]): Promise<Ended> {
  const [file, ...argv] = [...before, process.execPath, program, 'run']
  return new Promise((resolve) =>
    execFile(file!, argv, { env: { ...process.env, ...environment } }, (error, stdout) =>
      resolve({ code: error?.code ?? 0, last: JSON.parse(stdout.trimEnd().split('\n').at(-1)!) }),
    ),
  )
}

t.test('settings that say whose data to follow are never guessed', async (t) => {
  const cases = [
    [{ DATASTORE_TYPE: 'etcd3' }, /^DATASTORE_TYPE: expected kubernetes, etcdv3 or file, got "etcd3"$/],
    [{ DATASTORE_TYPE: 'etcdv3' }, /^ETCD_ENDPOINTS: expected to be set/],
    [{ ETCD_ENDPOINTS: 'one:2379' }, /^ETCD_ENDPOINTS: expected .* got "one:2379"$/],
    [{ CALICO_DATASTORE_PATH: 'here' }, /^CALICO_DATASTORE_PATH: expected an absolute path, got "here"$/],
    [{ NODENAME: 'no name' }, /^NODENAME: expected a node name/],
  ] as const
  for (const [environment, message] of cases)
    t.throws(() => refuseSettings(resolveSettings({ environment, hostname: 'host' })), { message })
  const others = resolveSettings({ environment: { FELIX_HEALTHPORT: 'x', AS: 'y' }, hostname: 'host' })
  t.equal(others.problems.length, 2)
  t.doesNotThrow(() => refuseSettings(others))
})

t.test('the agent says so in one line and ends with 2', async (t) => {
  t.match(await run({ DATASTORE_TYPE: 'etcd3', CARACAL_STATE_DIR: t.testdir() }), {
    code: 2,
    last: { reason: /^DATASTORE_TYPE: expected/, msg: 'the agent cannot run' },
  })
})

t.test('a fault of ours keeps its stack, the world says its own words', async (t) => {
  t.equal(exitCodeOf(new TypeError('ours')), undefined)
  t.equal(exitCodeOf(new SettingError('AS', 'wrong')), 2)
  t.equal(exitCodeOf(Object.assign(new Error('EACCES: permission denied'), { syscall: 'open' })), 1)
})

t.test(
  'a socket on which another agent answers, and a kernel that cannot be read, end it with 1',
  needsRoot,
  async (t) => {
    const { name } = namespace(t)
    const home = directory(t)
    const environment = { CALICO_DATASTORE_PATH: home, CARACAL_STATE_DIR: home, NODENAME: 'node-a' }
    const socket = join(home, 'caracal.sock')
    await listen(t, socket)
    const inside = ['ip', 'netns', 'exec', name]
    t.match(await run({ ...environment, CARACAL_SOCKET: socket }, ...inside), {
      code: 1,
      last: { reason: /^another agent is running: it answers on / },
    })
    t.match(await run({ ...environment, PATH: home }, '/usr/sbin/ip', ...inside.slice(1)), {
      code: 1,
      last: { reason: /^ip .*ENOENT/ },
    })
  },
)

function directory(t: Test): string {
  const made = mkdtempSync(join(tmpdir(), 'caracal-unable-'))
  t.teardown(() => rmSync(made, { recursive: true }))
  return made
}

async function listen(t: Test, socket: string): Promise<Server> {
  const server = createServer((connection) => connection.end())
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.teardown(() => server.close())
  return server
}
