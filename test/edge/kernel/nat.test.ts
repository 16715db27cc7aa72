// Sets, rules and their repair on the real thing: ipset, and both iptables, in namespaces of their own.

import { execFileSync } from 'node:child_process'
import t from 'tap'
import type { Backend } from '../../../src/edge/kernel/iptables-text.ts'
import { kernelChain } from '../../../src/edge/kernel/iptables-text.ts'
import { Nat } from '../../../src/edge/kernel/nat.ts'
import { type OpenProgram, openProgram } from '../../../src/edge/kernel/run.ts'
import { systemClock } from '../../../src/edge/kernel/system-clock.ts'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { Loop } from '../../../src/reconcile/loop.ts'
import { node, pool } from '../../kit/documents.ts'
import { type Namespace, namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'
import { Cluster } from '../../kit/plan.ts'
import { until } from '../../kit/until.ts'

interface Test {
  teardown(run: () => unknown): void
}

/** A shell command in the namespace. */
function sh(ns: Namespace, command: string): string {
  return execFileSync('ip', ['netns', 'exec', ns.name, 'sh', '-c', command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Chains and rules that are ours, and all rules of POSTROUTING, without hashes and reasons. */
function rules(ns: Namespace, backend: Backend, tables: 'iptables' | 'ip6tables' = 'iptables'): string[] {
  return sh(ns, `${tables}-${backend}-save -t nat`)
    .split('\n')
    .filter((line) => /^(:(caracal|cali)-|-A (POSTROUTING|caracal-|cali-))/.test(line))
    .map((line) =>
      line.replace(/ -m comment --comment "caracal:[\w-]{16} [^"]*"/, '').replace(/ \[0:0\]$/, ''),
    )
}

/** Our sets with their members, sorted. */
function sets(ns: Namespace): string[] {
  const lines = sh(ns, 'ipset save')
    .split('\n')
    .filter((line) => line.includes('caracal'))
  return lines.map((line) => line.replace(/ hashsize.*/, '').replace(/^\w+ /, '')).sort()
}

/** What the agent does about NAT, for a plan made by hand. */
function follow(t: Test, ns: Namespace, over: { backend?: Backend | 'auto'; open?: OpenProgram } = {}) {
  const settings = {
    iptablesBackend: over.backend ?? ('auto' as Backend | 'auto'),
    iptablesRefreshMs: 180_000,
    iptablesPostWriteMs: 0, // what is noticed is noticed by watching
    ipsetsRefreshMs: 90_000,
  }
  const warnings: string[] = []
  const errors: unknown[] = []
  const nat = new Nat({
    open: over.open ?? ((name) => openProgram(name, ns.name)),
    clock: systemClock,
    settings,
    resync: (which, gapMs) => loop.resyncSoon(which, gapMs),
    onWarning: (what, reason) => warnings.push(`${what}: ${reason}`),
  })
  const loop = new Loop(nat.paced, {
    clock: systemClock,
    onRound: () => void nat.watch(),
    onError: (error) => errors.push(error),
  })
  t.teardown(async () => {
    await loop.stop()
    nat.close()
  })
  const cluster = new Cluster('a')
  /** Hands on what the plan wants. */
  const settle = (): void => {
    const { sets, setMembers, chains } = cluster.settle()
    for (const [key, set] of sets) nat.sets.want(key, set)
    for (const [key, member] of setMembers) nat.members.want(key, member)
    for (const [key, chain] of chains) nat.chains.want(key, chain && kernelChain(chain))
    loop.nudge()
  }
  const kinds = [nat.sets, nat.members, nat.chains]
  const inForce = (): Promise<void> => {
    settle()
    return until('all wanted in force', () =>
      kinds.every((kind) => kind.view().wanted === kind.view().inForce),
    )
  }
  return { nat, loop, cluster, settings, warnings, errors, settle, inForce, kinds }
}

type Kinds = ReturnType<typeof follow>['kinds']

/** All is as wanted, and nothing is left to do. */
function isSettled(kinds: Kinds): boolean {
  return kinds.every((kind) => kind.view().wanted === kind.view().inForce && !kind.pending(true))
}

const natPool = pool('p', '10.65.0.0/16', { natOutgoing: true })
const natPool6 = pool('s', 'fd66::/48', { natOutgoing: true })

const outgoing = '-m set --match-set caracal-masq-pools-v4 src -m set ! --match-set caracal-pools-v4 dst'
const usual = [
  ':caracal-POSTROUTING -',
  ':caracal-nat-outgoing -',
  '-A POSTROUTING -j caracal-POSTROUTING',
  '-A caracal-POSTROUTING -j caracal-nat-outgoing',
  `-A caracal-nat-outgoing ${outgoing} -j MASQUERADE --random-fully`,
]
const usualSets = [
  'caracal-masq-pools-v4 10.65.0.0/16',
  'caracal-masq-pools-v4 hash:net family inet',
  'caracal-pools-v4 10.65.0.0/16',
  'caracal-pools-v4 hash:net family inet',
]

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

  t.test(
    `${backend}: what someone does to our rules and sets is noticed and undone`,
    needsRoot,
    async (t) => {
      const ns = namespace(t)
      const { cluster, loop, inForce, kinds } = follow(t, ns, { backend })
      await loop.start()
      loop.allowPrune()
      cluster.set(natPool)
      await inForce()
      const repairs = () =>
        kinds.flatMap((kind) => Object.values(kind.view().repairs)).reduce((a, b) => a + b)
      const isBack = async (what: string): Promise<void> => {
        const before = repairs()
        sh(ns, what)
        await until(
          `undone: ${what}`,
          () =>
            repairs() > before &&
            isSettled(kinds) &&
            `${rules(ns, backend)}${sets(ns)}` === `${usual}${usualSets}`,
        )
      }
      const tables = `iptables-${backend} -t nat`
      await isBack(`${tables} -F`)
      await isBack(`${tables} -F; ${tables} -X || true`)
      await isBack(`${tables} -D POSTROUTING 1`)
      await isBack(`${tables} -R caracal-nat-outgoing 1 -j RETURN`)
      await isBack(`${tables} -I caracal-nat-outgoing -j ACCEPT`)
      await isBack('ipset flush caracal-pools-v4')
      await isBack('ipset add caracal-pools-v4 10.99.0.0/16')
      await isBack(`${tables} -F; ${tables} -X; ipset destroy || true`)
    },
  )

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
      await until('the old is gone', () => kinds.every((kind) => !kind.pending(true)))
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
      ['cali40s:policy', 'caracal-masq-pools-v4', 'caracal-pools-v4'],
      'sets of policy are not ours',
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
