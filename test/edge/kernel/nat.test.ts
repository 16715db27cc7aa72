// Sets and rules on the real thing: ipset, and both iptables, in namespaces of their own.

import t from 'tap'
import { type OpenProgram, openProgram } from '../../../src/edge/kernel/run.ts'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { node } from '../../kit/documents.ts'
import { namespace } from '../../kit/namespace.ts'
import {
  follow,
  isSettled,
  natPool,
  natPool6,
  outgoing,
  rules,
  sets,
  sh,
  usual,
  usualSets,
} from '../../kit/nat.ts'
import { needsRoot } from '../../kit/needs-root.ts'
import { until } from '../../kit/until.ts'

for (const backend of ['nft', 'legacy'] as const) {
  t.test(`${backend}: NAT comes, and goes without a trace`, needsRoot, async (t) => {
    const ns = namespace(t)
    const { cluster, loop, inForce, nat, errors, kinds } = follow(t, ns, { backend })
    await loop.start()
    loop.allowPrune()
    t.same(rules(ns, backend), [])
    cluster.set(natPool, natPool6)
    await inForce()
    t.same(rules(ns, backend), usual)
    t.same(rules(ns, backend, 'ip6tables').at(-1), usual.at(-1)!.replaceAll('v4', 'v6'))
    t.same(
      sets(ns).filter((line) => line.includes('v4')),
      usualSets,
    )

    cluster.delete(natPool, natPool6)
    await inForce()
    await until('all is gone', () => isSettled(kinds) && sets(ns).length === 0)
    t.same([...rules(ns, backend), ...rules(ns, backend, 'ip6tables')], [])
    t.same(errors, [])
    t.same(
      [nat.sets, nat.chains].flatMap((kind) => kind.view().refused),
      [],
    )
  })

  t.test(`${backend}: rules of others stay, and ours stay last`, needsRoot, async (t) => {
    const ns = namespace(t)
    const tables = `iptables-${backend} -t nat`
    sh(ns, `${tables} -N KUBE-POSTROUTING && ${tables} -A POSTROUTING -j KUBE-POSTROUTING`)
    const { cluster, loop, inForce, kinds, nat } = follow(t, ns, { backend })
    await loop.start()
    loop.allowPrune()
    cluster.set(natPool)
    await inForce()
    const hook = () => rules(ns, backend).filter((line) => line.startsWith('-A POSTROUTING'))
    t.same(hook(), ['-A POSTROUTING -j KUBE-POSTROUTING', '-A POSTROUTING -j caracal-POSTROUTING'])
    sh(ns, `${tables} -A POSTROUTING -s 192.0.2.1 -j ACCEPT`)
    await until(
      'last again',
      () =>
        nat.chains.view().repairs.changed > 0 && hook().at(-1) === '-A POSTROUTING -j caracal-POSTROUTING',
    )
    t.equal(hook().length, 3)
    cluster.delete(natPool)
    await inForce()
    await until('ours is gone', () => isSettled(kinds) && hook().length === 2)
    t.same(hook(), ['-A POSTROUTING -j KUBE-POSTROUTING', '-A POSTROUTING -s 192.0.2.1/32 -j ACCEPT'])
  })

  t.test(`${backend}: every form of the rules is taken, and found again as it is`, needsRoot, async (t) => {
    const ns = namespace(t)
    const { cluster, loop, inForce, kinds } = follow(t, ns, { backend })
    await loop.start()
    loop.allowPrune()
    cluster.set(natPool, natPool6, node('b', '172.20.0.12/24', { ipv6Address: 'fd20::12/64' }))
    for (const settings of [
      {
        outgoingAddress: address('172.20.0.99'),
        portRange: { first: 32768, last: 40000 },
        excludeHosts: true,
      },
      { portRange: { first: 5000, last: 5000 }, outgoingInterface: 'eth+' },
      { outgoingAddress: address('172.20.0.99'), fullyRandom: { masquerade: false, snat: false } },
    ]) {
      cluster.nat(settings)
      await inForce()
      await until('the old is gone', () => kinds.every((kind) => kind.backlog(true) === 0))
      for (const kind of kinds) await kind.resync()
      t.same(
        kinds.map((kind) => kind.diff()),
        kinds.map(() => ({ put: [], remove: [] })),
        'nothing to do after a reading',
      )
    }
    cluster.nat({ portRange: { first: 32768, last: 40000 } })
    await inForce()
    t.same(rules(ns, backend).slice(-5), [
      `-A caracal-nat-outgoing -p tcp ${outgoing} -j MASQUERADE --to-ports 32768-40000 --random-fully`,
      `-A caracal-nat-outgoing -p tcp ${outgoing} -j RETURN`,
      `-A caracal-nat-outgoing -p udp ${outgoing} -j MASQUERADE --to-ports 32768-40000 --random-fully`,
      `-A caracal-nat-outgoing -p udp ${outgoing} -j RETURN`,
      `-A caracal-nat-outgoing ${outgoing} -j MASQUERADE --random-fully`,
    ])
  })
}

t.test(
  'a fresh process knows what an earlier one left, and Calico, and removes what nobody wants',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const earlier = follow(t, ns, { backend: 'nft' })
    await earlier.loop.start()
    earlier.cluster.set(natPool)
    await earlier.inForce()
    await earlier.loop.stop()
    earlier.nat.close()
    sh(
      ns,
      [
        'ipset create cali40masq-ipam-pools hash:net',
        'ipset create cali40s:policy hash:net',
        'ipset create others hash:net',
        'ipset create caracal-old-new hash:net',
        'iptables-nft -t nat -N cali-POSTROUTING',
        'iptables-nft -t nat -A POSTROUTING -m comment --comment cali:0i8pjzKKPyA34aQD -j cali-POSTROUTING',
        'iptables-legacy -t nat -N caracal-POSTROUTING',
        'iptables-legacy -t nat -A POSTROUTING -m comment --comment "caracal:0i8pjzKKPyA34aQD x" -j caracal-POSTROUTING',
      ].join(' && '),
    )
    const { loop, inForce, cluster } = follow(t, ns, { backend: 'nft' })
    await loop.start()
    cluster.set(natPool)
    await inForce()
    const isFound = () => sh(ns, 'ipset list -n').split('\n').sort().filter(Boolean)
    t.ok(isFound().includes('cali40masq-ipam-pools'), 'before the datastore is in sync nothing goes')
    loop.allowPrune()
    await until('only what is wanted', () => isFound().length === 3)
    t.same(
      isFound(),
      ['caracal-masq-pools-v4', 'caracal-pools-v4', 'others'],
      'nor what policy looked into that is not there',
    )
    await until('Calico’s hook is gone', () => `${rules(ns, 'nft')}` === `${usual}`)
    await until('the other iptables is clean', () => rules(ns, 'legacy').length === 0)
  },
)

t.test('a set of another size is exchanged under the rules that use it', needsRoot, async (t) => {
  const ns = namespace(t)
  const { cluster, loop, inForce, nat } = follow(t, ns)
  await loop.start()
  cluster.set(natPool)
  await inForce()
  cluster.nat({ maxIpsetSize: 5_000 })
  await inForce()
  t.match(sh(ns, 'ipset list -t caracal-pools-v4'), /maxelem 5000 .*References: 1\nNumber of entries: 1/s)
  t.same(sets(ns), usualSets)
  t.same(nat.sets.view().refused, [])
})

t.test('a member the kernel refuses does not hold up the others, and says why', needsRoot, async (t) => {
  const ns = namespace(t)
  const { cluster, loop, settle, nat } = follow(t, ns)
  await loop.start()
  cluster
    .set(natPool, node('b', '172.20.0.12/24'))
    .nat({ excludeHosts: true, externalNodes: [prefix('0.0.0.0/0'), prefix('192.0.2.0/24')] })
  settle()
  await until('all others', () => nat.members.view().inForce === 4 && nat.chains.view().inForce === 3)
  t.match(nat.members.view().refused, [
    {
      key: 'caracal-hosts-v4 0.0.0.0/0',
      reason: /CIDR parameter.* is invalid; a set cannot hold all addresses/,
    },
  ])
})

t.test(
  'without iptables or ipset it is said what is missing, and nothing else is held up',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const nowhere: OpenProgram = (name) => ({ ...openProgram(`/nowhere/${name}`), name })
    const { cluster, loop, settle, nat, errors } = follow(t, ns, { open: nowhere })
    await loop.start()
    loop.allowPrune()
    t.same(errors, [])
    cluster.set(natPool)
    settle()
    const reasons = () => [nat.sets, nat.members, nat.chains].map((kind) => kind.view().refused[0]?.reason)
    await until('all refused', () => reasons().every((reason) => reason !== undefined))
    t.same(reasons(), [
      'ipset is not installed; install it (Debian: ipset)',
      'ipset is not installed; install it (Debian: ipset)',
      'iptables-nft-restore is not installed; install it (Debian: iptables)',
    ])
  },
)
