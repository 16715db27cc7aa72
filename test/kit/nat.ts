// What the agent does about NAT in a namespace, for a plan made by hand.

import { execFileSync } from 'node:child_process'
import { type Backend, kernelChain } from '../../src/edge/kernel/iptables-text.ts'
import { Nat } from '../../src/edge/kernel/nat.ts'
import { type OpenProgram, openProgram } from '../../src/edge/kernel/run.ts'
import { systemClock } from '../../src/edge/system-clock.ts'
import { Loop } from '../../src/reconcile/loop.ts'
import { pool } from './documents.ts'
import type { Namespace } from './namespace.ts'
import { Cluster } from './plan.ts'
import { until } from './until.ts'

interface Test {
  teardown(run: () => unknown): void
}

/** A shell command in the namespace. */
export function sh(ns: Namespace, command: string): string {
  return execFileSync('ip', ['netns', 'exec', ns.name, 'sh', '-c', command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Chains and rules that are ours, and all rules of POSTROUTING, without hashes and reasons. */
export function rules(
  ns: Namespace,
  backend: Backend,
  tables: 'iptables' | 'ip6tables' = 'iptables',
): string[] {
  return sh(ns, `${tables}-${backend}-save -t nat`)
    .split('\n')
    .filter((line) => /^(:(caracal|cali)-|-A (POSTROUTING|caracal-|cali-))/.test(line))
    .map((line) =>
      line.replace(/ -m comment --comment "caracal:[\w-]{16} [^"]*"/, '').replace(/ \[0:0\]$/, ''),
    )
}

/** Our sets with their members, sorted. */
export function sets(ns: Namespace): string[] {
  const lines = sh(ns, 'ipset save')
    .split('\n')
    .filter((line) => line.includes('caracal'))
  return lines.map((line) => line.replace(/ hashsize.*/, '').replace(/^\w+ /, '')).sort()
}

/** What the agent does about NAT, for a plan made by hand. */
export function follow(
  t: Test,
  ns: Namespace,
  over: { backend?: Backend | 'auto'; open?: OpenProgram; removePolicyChains?: boolean } = {},
) {
  const settings = {
    iptablesBackend: over.backend ?? ('auto' as Backend | 'auto'),
    iptablesRefreshMs: 180_000,
    iptablesPostWriteMs: 0, // what is noticed is noticed by watching
    ipsetsRefreshMs: 90_000,
    removePolicyChains: over.removePolicyChains ?? false,
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
    mayPrune: () => true,
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
export function isSettled(kinds: Kinds): boolean {
  return kinds.every((kind) => kind.view().wanted === kind.view().inForce && kind.backlog(true) === 0)
}

export const natPool = pool('p', '10.65.0.0/16', { natOutgoing: true })
export const natPool6 = pool('s', 'fd66::/48', { natOutgoing: true })

export const outgoing =
  '-m set --match-set caracal-masq-pools-v4 src -m set ! --match-set caracal-pools-v4 dst'
export const usual = [
  ':caracal-POSTROUTING -',
  ':caracal-nat-outgoing -',
  '-A POSTROUTING -j caracal-POSTROUTING',
  '-A caracal-POSTROUTING -j caracal-nat-outgoing',
  `-A caracal-nat-outgoing ${outgoing} -j MASQUERADE --random-fully`,
]
export const usualSets = [
  'caracal-masq-pools-v4 10.65.0.0/16',
  'caracal-masq-pools-v4 hash:net family inet',
  'caracal-pools-v4 10.65.0.0/16',
  'caracal-pools-v4 hash:net family inet',
]
