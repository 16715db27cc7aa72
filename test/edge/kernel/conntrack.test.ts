import { execFileSync } from 'node:child_process'
import t from 'tap'
import { byProgram, openConnections } from '../../../src/edge/kernel/connections.ts'
import { Conntrack } from '../../../src/edge/kernel/conntrack.ts'
import { CommandError, openProgram, type Program } from '../../../src/edge/kernel/run.ts'
import { address } from '../../../src/inet/address.ts'
import { withBoth } from '../../kit/both-writers.ts'
import { namespace } from '../../kit/namespace.ts'

/** A conntrack(8) that answers each call as told, and remembers it. */
function fake(answer: (args: string) => string | undefined) {
  const calls: string[] = []
  const warnings: string[] = []
  const program: Program = {
    ...openProgram('conntrack'),
    text: async (...args) => {
      calls.push(args.join(' '))
      const words = answer(args.join(' '))
      if (words !== undefined) throw new CommandError(['conntrack', ...args], words, undefined)
      return ''
    },
  }
  return {
    calls,
    warnings,
    conntrack: new Conntrack({ table: byProgram(program), onWarning: (w) => warnings.push(w) }),
  }
}

const pod = address('10.65.0.2')

t.test('connections go in both directions, and in the family of the address', async (t) => {
  const { calls, conntrack } = fake(
    () => 'conntrack v1.4.7 (conntrack-tools): 0 flow entries have been deleted.',
  )
  await conntrack.flush(pod)
  await conntrack.flush(address('fd66::2'))
  t.same(calls, [
    '--family ipv4 --delete --orig-src 10.65.0.2',
    '--family ipv4 --delete --reply-src 10.65.0.2',
    '--family ipv6 --delete --orig-src fd66::2',
    '--family ipv6 --delete --reply-src fd66::2',
  ])
})

t.test('a failure is tried four times each way, and told of once', async (t) => {
  const { calls, warnings, conntrack } = fake(() => 'conntrack v1.4.7: Operation failed: busy')
  await conntrack.flush(pod)
  await conntrack.flush(pod)
  t.equal(calls.length, 16)
  t.same(warnings, ['conntrack v1.4.7: Operation failed: busy'])
})

t.test('asked for again before it has begun it runs once, after it has begun once more', async (t) => {
  const { calls, conntrack } = fake(() => undefined)
  const others = [1, 2, 3, 4].map((i) => conntrack.flush(address(`10.65.1.${i}`)))
  const first = conntrack.flush(pod)
  t.equal(conntrack.flush(pod), first)
  await Promise.all([...others, first])
  const running = conntrack.flush(pod)
  t.not(conntrack.flush(pod), running)
  await conntrack.pending(pod)
  t.equal(conntrack.pending(pod), undefined)
  t.equal(calls.filter((call) => call.endsWith(` ${pod}`)).length, 6)
})

t.test('without the program the connections stay, which is said once', async (t) => {
  const warnings: string[] = []
  const program = { ...openProgram('/nowhere/conntrack'), name: 'conntrack' }
  const conntrack = new Conntrack({ table: byProgram(program), onWarning: (reason) => warnings.push(reason) })
  await conntrack.flush(pod)
  await conntrack.flush(address('10.65.0.3'))
  t.same(warnings, ['conntrack is not installed; install it (Debian: conntrack)'])
})

withBoth('the kernel forgets the connections of the address, and keeps the others', async (t, writer) => {
  const ns = namespace(t)
  const sh = (args: string) =>
    execFileSync('ip', ['netns', 'exec', ns.name, 'conntrack', ...args.split(' ')], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
  const line = (from: string, to: string, port = 1) =>
    `-I -p udp --src ${from} --dst ${to} --sport ${port} --dport 2 --timeout 100`
  const many = Array.from({ length: 500 }, (_, i) => line('10.65.0.2', '192.0.2.1', 1_000 + i))
  const dnat = `${line('192.0.2.1', '198.51.100.1', 9)} --dst-nat 10.65.0.2`
  const own = [...many, line('192.0.2.1', '10.65.0.2'), dnat, line('fd66::2', '2001:db8::1')]
  const others = [line('10.65.0.22', '192.0.2.1'), line('fd66::22', '2001:db8::1')]
  const directory = t.testdir({ connections: `${[...own, ...others].join('\n')}\n` })
  sh(`--load-file ${directory}/connections`)
  t.equal(sh('--count').trim(), '505')

  const warnings: string[] = []
  const table = openConnections(writer, openProgram('conntrack', ns.name), ns.name)
  t.teardown(() => table.close())
  const conntrack = new Conntrack({ table, onWarning: (reason) => warnings.push(reason) })
  await Promise.all([pod, address('fd66::2')].map((one) => conntrack.flush(one)))
  t.same(warnings, [])
  const left = ['ipv4', 'ipv6']
    .flatMap((family) => sh(`--dump --family ${family}`).split('\n'))
    .filter(Boolean)
  t.equal(left.length, 2)
  t.match(left[0], /src=10\.65\.0\.22 /)
  t.match(left[1], /src=fd66::22 /)

  await conntrack.flush(pod)
  t.same(warnings, [], 'none is as good')
})
