import { execFileSync } from 'node:child_process'
import t from 'tap'
import { addressTowards } from '../../../src/edge/host/reach.ts'
import { namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'

const module = new URL('../../../src/edge/host/reach.ts', import.meta.url).href

/** Asks from inside a namespace. */
function from(name: string, ...questions: readonly [destination: string, family: string][]): unknown {
  const script = `
    const { addressTowards } = await import('${module}')
    const questions = ${JSON.stringify(questions)}
    const answers = await Promise.all(questions.map(([destination, family]) => addressTowards(destination, family)))
    console.log(JSON.stringify(answers.map((answer) => answer ?? null)))`
  const argv = ['netns', 'exec', name, process.execPath, '--input-type=module', '-e', script]
  return JSON.parse(execFileSync('ip', argv, { encoding: 'utf8' }))
}

t.test('the kernel chooses the address by its routes, and nothing is sent', needsRoot, async (t) => {
  const ns = namespace(t)
  ns.ip(
    'addr add 172.18.0.3/16 dev eth0',
    'addr add 10.9.0.1/32 dev lo',
    'route add 192.0.2.0/24 via 172.18.0.1',
    'route add 198.51.100.0/24 via 172.18.0.1 src 172.18.0.3',
    'route add 203.0.113.0/24 via 172.18.0.1 src 10.9.0.1',
    'route add blackhole 100.64.0.0/10',
    '-6 route add 2001:db8::/32 via fd00::1',
  )
  t.same(
    from(
      ns.name,
      ['172.18.0.9', 'ipv4'],
      ['192.0.2.1', 'ipv4'],
      ['198.51.100.1', 'ipv4'],
      ['203.0.113.1', 'ipv4'],
      ['2001:db8::1', 'ipv6'],
      ['8.8.8.8', 'ipv4'],
      ['100.64.0.1', 'ipv4'],
      ['2600::1', 'ipv6'],
      ['2001:db8::1', 'ipv4'],
    ),
    ['172.18.0.2', '172.18.0.2', '172.18.0.3', '10.9.0.1', 'fd00::2', null, null, null, null],
  )
})

t.test('a name will do, in either family', async (t) => {
  t.equal(await addressTowards('localhost', 'ipv4'), '127.0.0.1')
  t.equal(await addressTowards('no such name', 'ipv4'), undefined)
})
