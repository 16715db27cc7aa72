// NAT: sets, their members and the chains that look into them, and what tells that someone else changed them.

import type { SetMember } from '../../plan/wanted.ts'
import type { TimerClock } from '../../reconcile/clock.ts'
import type { Paced, Reconcilable } from '../../reconcile/loop.ts'
import { Reconciler } from '../../reconcile/reconciler.ts'
import { SetWatch } from './ipset-watch.ts'
import { calicoSets, IpSets, type KernelSet, SetMembers } from './ipsets.ts'
import { Chains, type ChainsOptions } from './iptables.ts'
import type { KernelChain } from './iptables-text.ts'
import { RuleWatch } from './iptables-watch.ts'
import { Policy, type PolicyOptions } from './policy.ts'
import type { PolicyTable } from './policy-text.ts'
import type { OpenProgram, Program } from './run.ts'

export interface NatOptions {
  readonly open: OpenProgram
  readonly clock: TimerClock
  readonly settings: ChainsOptions['settings'] &
    PolicyOptions['settings'] & {
      /** Between two readings of the sets; 0 switches them off (Calico ipsetsRefreshInterval). */
      readonly ipsetsRefreshMs: number
    }
  /** What is believed of these is no longer so: they are to be read, at most every `gapMs` milliseconds. */
  resync(which: readonly Reconcilable[], gapMs: number): void
  onWarning(what: string, reason: string): void
}

/** Who changes rules makes many events at once. */
const GAP_MS = 100

export class Nat {
  readonly sets: Reconciler<KernelSet>
  readonly members: Reconciler<SetMember>
  readonly chains: Reconciler<KernelChain>
  /** None is ever wanted. */
  readonly policy: Reconciler<PolicyTable>
  /** In the order in which they depend on each other. */
  readonly paced: readonly Paced[]
  readonly #resync: () => void
  readonly #chainKind: Chains
  readonly #policyKind: Policy
  /** Sets that only policy looked into which is gone. */
  readonly #orphans = new Set<string>()
  readonly #setWatch: SetWatch
  readonly #ruleWatch: RuleWatch
  #closed = false

  constructor({ open, clock, settings, resync, onWarning }: NatOptions) {
    const ipset = open('ipset')
    this.#chainKind = new Chains({ open, settings })
    this.#policyKind = new Policy({
      open,
      settings,
      onChange: (left) => {
        if (left.length > 0) onWarning('policy of calico-node is frozen', left.join(', '))
        else void this.#adoptSets(ipset, resync)
      },
    })
    this.sets = new Reconciler(new IpSets(ipset, this.#orphans), clock)
    this.members = new Reconciler<SetMember>(new SetMembers(ipset), clock)
    this.chains = new Reconciler<KernelChain>(this.#chainKind, clock)
    this.policy = new Reconciler<PolicyTable>(this.#policyKind, clock)
    // Who destroys our sets has removed our rules before, and who does one may do the other.
    this.#resync = () => resync([this.sets, this.members, this.chains], GAP_MS)
    this.#setWatch = new SetWatch({
      open,
      clock,
      onChange: this.#resync,
      onWarning: (reason) => onWarning('changes of sets are noticed late', reason),
    })
    this.#ruleWatch = new RuleWatch({
      open,
      onChange: this.#resync,
      onWarning: (reason) => onWarning('changes of nat rules are not told of', reason),
    })
    this.paced = [
      { reconciler: this.sets, resyncMs: () => settings.ipsetsRefreshMs },
      { reconciler: this.members, resyncMs: () => settings.ipsetsRefreshMs },
      { reconciler: this.chains, resyncMs: () => this.#chainKind.resyncMs(this.#isTold) },
      {
        reconciler: this.policy,
        resyncMs: () => (this.frozenPolicy.length > 0 ? settings.iptablesRefreshMs : 0),
      },
    ]
  }

  /** To be called after each round: watches what is there to be watched. */
  async watch(): Promise<void> {
    this.#setWatch.set(!this.#closed && this.sets.view().wanted > 0)
    const tells = (await this.#chainKind.backend()) === 'nft'
    this.#ruleWatch.set(!this.#closed && tells && this.#hasRules)
  }

  /** Tables with policy of calico-node, for people. */
  get frozenPolicy(): readonly string[] {
    const refused = new Map(this.policy.view().refused.map(({ key, reason }) => [key, reason]))
    return (this.#policyKind.left ?? []).map((where) =>
      refused.has(where) ? `${where}: ${refused.get(where)}` : where,
    )
  }

  /** Another iptables may be the one to use. */
  reconfigure(): void {
    this.#resync()
  }

  close(): void {
    this.#closed = true
    this.#setWatch.close()
    this.#ruleWatch.close()
  }

  /** Those there are now, and no others: who makes one later uses it. */
  async #adoptSets(ipset: Program, resync: NatOptions['resync']): Promise<void> {
    const names = calicoSets(await ipset.text('list', '-n').catch(() => ''))
    for (const name of names) this.#orphans.add(name)
    if (names.length > 0) resync([this.sets], GAP_MS)
  }

  get #hasRules(): boolean {
    return this.chains.view().wanted > 0
  }

  /** Where nothing of ours is wanted nobody need look closely. */
  get #isTold(): boolean {
    return this.#ruleWatch.hears || !this.#hasRules
  }
}
