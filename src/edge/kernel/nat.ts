// NAT: sets, their members and the chains that look into them, and what tells that someone else changed them.

import type { SetMember } from '../../plan/wanted.ts'
import type { TimerClock } from '../../reconcile/clock.ts'
import type { Paced, Reconcilable } from '../../reconcile/loop.ts'
import { Reconciler } from '../../reconcile/reconciler.ts'
import { SetWatch } from './ipset-watch.ts'
import { IpSets, type KernelSet, SetMembers } from './ipsets.ts'
import { Chains, type ChainsOptions } from './iptables.ts'
import type { KernelChain } from './iptables-text.ts'
import { RuleWatch } from './iptables-watch.ts'
import type { OpenProgram } from './run.ts'

export interface NatOptions {
  readonly open: OpenProgram
  readonly clock: TimerClock
  readonly settings: ChainsOptions['settings'] & {
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
  /** In the order in which they depend on each other. */
  readonly paced: readonly Paced[]
  readonly #resync: () => void
  readonly #chainKind: Chains
  readonly #setWatch: SetWatch
  readonly #ruleWatch: RuleWatch
  #closed = false

  constructor({ open, clock, settings, resync, onWarning }: NatOptions) {
    const ipset = open('ipset')
    this.#chainKind = new Chains({ open, settings })
    this.sets = new Reconciler(new IpSets(ipset), clock)
    this.members = new Reconciler<SetMember>(new SetMembers(ipset), clock)
    this.chains = new Reconciler<KernelChain>(this.#chainKind, clock)
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
    ]
  }

  /** To be called after each round: watches what is there to be watched. */
  async watch(): Promise<void> {
    this.#setWatch.set(!this.#closed && this.sets.view().wanted > 0)
    const tells = (await this.#chainKind.backend()) === 'nft'
    this.#ruleWatch.set(!this.#closed && tells && this.#hasRules)
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

  get #hasRules(): boolean {
    return this.chains.view().wanted > 0
  }

  /** Where nothing of ours is wanted nobody need look closely. */
  get #isTold(): boolean {
    return this.#ruleWatch.hears || !this.#hasRules
  }
}
