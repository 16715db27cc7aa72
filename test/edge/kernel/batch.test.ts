import t from 'tap'
import { Batch } from '../../../src/edge/kernel/batch.ts'
import { type Child, openIp, type Program } from '../../../src/edge/kernel/run.ts'
import { cable, namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'

/** An `ip` that counts the processes it starts. */
function counting(ip: Program): { ip: Program; started: Child[] } {
  const started: Child[] = []
  const start: Program['start'] = (args, handlers) => {
    const child = ip.start(args, handlers)
    started.push(child)
    return child
  }
  return { ip: { ...ip, start }, started }
}

t.test(
  'a single line is done when its promise resolves, by a process that is already there',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const { ip, started } = counting(openIp(ns.name))
    const batch = new Batch(ip)
    t.teardown(() => batch.close())
    for (let i = 0; i < 50; i++) {
      t.same(await batch.run([`route replace blackhole 10.65.${i}.0/26 proto 80`]), [undefined])
      t.equal(ns.show(`route show 10.65.${i}.0/26`).length, 1)
    }
    t.equal(started.length, 1)
  },
)

t.test(
  'a line the kernel refuses is answered with its words, and the others are done',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const batch = new Batch(openIp(ns.name))
    t.teardown(() => batch.close())
    t.same(
      await batch.run([
        'route replace 10.1.0.0/24 via 172.18.0.3 proto 12',
        'route replace 10.2.0.0/24 via 192.0.2.1 dev eth0 proto 12',
        'route replace 10.3.0.0/24 dev nowhere proto 12',
        'route del 10.4.0.0/24 proto 12',
        'route replace 10.5.0.0/24 via 172.18.0.3 proto 12',
      ]),
      [
        undefined,
        'Error: Nexthop has invalid gateway.',
        'Cannot find device "nowhere"',
        'RTNETLINK answers: No such process',
        undefined,
      ],
    )
    t.same(ns.show('route show proto bird'), [
      '10.1.0.0/24 via 172.18.0.3 dev eth0',
      '10.5.0.0/24 via 172.18.0.3 dev eth0',
    ])
  },
)

t.test('lines that end ip itself are refused alone', needsRoot, async (t) => {
  const ns = namespace(t)
  const batch = new Batch(openIp(ns.name))
  t.teardown(() => batch.close())
  const lines = Array.from(
    { length: 2_500 },
    (_, i) => `route replace blackhole 10.${i >> 8}.${i & 255}.0/24 proto 80`,
  )
  lines[3] = 'route replace 10.0.3.0/33 proto 80'
  lines[1_200] = 'neigh del 192.0.2.1 dev eth0'
  lines[1_201] = 'route replace 10.0.3.0/24 nonsense'
  lines[2_499] = 'frobnicate'
  const outcomes = await batch.run(lines)
  t.same(
    outcomes.flatMap((words, i) => (words === undefined ? [] : `${i}: ${words}`)),
    [
      '3: Error: any valid prefix is expected rather than "10.0.3.0/33".',
      '1200: RTNETLINK answers: No such file or directory',
      '1201: Error: either "to" is duplicate, or "nonsense" is a garbage.',
      '2499: Object "frobnicate" is unknown, try "ip help".',
    ],
  )
  t.equal(ns.show('route show proto 80').length, 2_496)
})

t.test('ten thousand routes in one call, by processes that are replaced on the way', needsRoot, async (t) => {
  const ns = namespace(t)
  const { ip, started } = counting(openIp(ns.name))
  const batch = new Batch(ip)
  t.teardown(() => batch.close())
  const lines = Array.from(
    { length: 10_000 },
    (_, i) => `route replace 10.${i >> 8}.${i & 255}.0/24 via 172.18.0.9 dev eth0 proto 12`,
  )
  const outcomes = await batch.run(lines)
  t.same([outcomes.length, outcomes.filter((words) => words !== undefined)], [10_000, []])
  t.equal(ns.show('route show proto bird').length, 10_000)
  t.equal(started.length, 2, 'since iproute2 6.1 keeps memory for every line')
})

t.test(
  'an interface deleted and made again under its name is found after a renewal',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const batch = new Batch(openIp(ns.name))
    t.teardown(() => batch.close())
    const line = 'route replace 10.65.0.2/32 dev caliaaa scope link'
    t.same(await batch.run([line]), [undefined])
    ns.ip('link del caliaaa', ...cable('caliaaa', 'podaaa'))
    t.match(await batch.run([line]), [/No such device|invalid/], 'ip remembers the old index')
    batch.renew(['caliaaa'])
    t.same(await batch.run([line]), [undefined])
    t.same(ns.show('route show 10.65.0.2'), ['10.65.0.2 dev caliaaa scope link'])
  },
)

t.test('a process that has not heard of an interface stays when that comes', needsRoot, async (t) => {
  const ns = namespace(t)
  const { ip, started } = counting(openIp(ns.name))
  const batch = new Batch(ip)
  t.teardown(() => batch.close())
  const routes = (...devices: readonly string[]) =>
    batch.run(devices.map((device, i) => `route replace 10.65.0.${i}/32 dev ${device} scope link`))
  t.same(await routes('caliaaa', 'nowhere'), [undefined, 'Cannot find device "nowhere"'])
  batch.renew(['calibbb'])
  t.equal(started.length, 1)
  t.same(await routes('eth0'), [undefined])
  batch.renew(['calibbb', 'nowhere'])
  t.equal(started.length, 2)
})

t.test('a process that is killed is replaced, and nothing is lost', needsRoot, async (t) => {
  const ns = namespace(t)
  const { ip, started } = counting(openIp(ns.name))
  const batch = new Batch(ip)
  t.teardown(() => batch.close())
  await batch.run(['route replace blackhole 10.0.0.0/24 proto 80'])
  started[0]!.kill()
  t.same(await batch.run(['route replace blackhole 10.0.1.0/24 proto 80']), [undefined])
  t.equal(ns.show('route show proto 80').length, 2)
})

t.test('so is one that is killed with two flushes on their way', needsRoot, async (t) => {
  const ns = namespace(t)
  const { ip, started } = counting(openIp(ns.name))
  const batch = new Batch(ip)
  t.teardown(() => batch.close())
  const linesOf = (i: number): string[] =>
    Array.from({ length: 250 }, (_, j) => `route replace blackhole 10.${i}.${j}.0/24 proto 80`)
  const answers = Promise.all([1, 2, 3].map((i) => batch.run(linesOf(i))))
  started[0]!.kill()
  t.same((await answers).flat(), Array.from({ length: 750 }))
  t.equal(ns.show('route show proto 80').length, 750)
  t.equal(started.length, 2)
})

t.test(
  'calls are carried out in their order, and none waits for ever on a closed batch',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const batch = new Batch(openIp(ns.name))
    const answers = Promise.all([
      batch.run(['route add blackhole 10.0.0.0/24']),
      batch.run(['route add blackhole 10.0.0.0/24']),
      batch.run(['route del blackhole 10.0.0.0/24']),
      batch.run([]),
    ])
    await batch.close()
    t.same(await answers, [[undefined], ['RTNETLINK answers: File exists'], [undefined], []])
  },
)

t.test('without an ip program every line is refused, with the reason', async (t) => {
  const missing = openIp()
  const ip: Program = {
    ...missing,
    start: () => ({
      pid: undefined,
      write: () => {},
      end: () => {},
      kill: () => {},
      ended: Promise.resolve({ started: false, how: 'spawn ip ENOENT' }),
    }),
  }
  t.same(await new Batch(ip).run(['route del 10.0.0.0/24', 'route del 10.0.1.0/24']), [
    'ip: spawn ip ENOENT',
    'ip: spawn ip ENOENT',
  ])
})
