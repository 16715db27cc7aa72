// Our chains in the nat tables of both families, through iptables-save and iptables-restore. Calico felix/iptables/table.go.
//
// One family is one transaction, since chains refer to one another: either all of it is
// written or nothing. The table is read right before each write, because others write too.

import { FAMILIES, type Family } from '../../inet/address.ts'
import { chainKey } from '../../plan/wanted.ts'
import type { Kind, Refused } from '../../reconcile/kind.ts'
import { cureFor } from './cures.ts'
import { detectBackend, iptables } from './iptables-backend.ts'
import {
  type Backend,
  INHERITED_MARKS,
  type KernelChain,
  type Marks,
  parseSave,
  putText,
  removeText,
  sameChain,
} from './iptables-text.ts'
import type { CommandError, OpenProgram } from './run.ts'

export interface ChainsOptions {
  readonly open: OpenProgram
  /** Which chains and rules are found; absent: ours and what calico-node left. */
  readonly marks?: Marks
  /** Looked at anew whenever they count. */
  readonly settings: {
    readonly iptablesBackend: Backend | 'auto'
    /** Between two readings; 0 switches them off (Calico iptablesRefreshInterval). */
    readonly iptablesRefreshMs: number
    /** After a write until it is looked at again, doubling up to the above; 0 does not (iptablesPostWriteCheckInterval). */
    readonly iptablesPostWriteMs: number
  }
}

/** How often tables are read that nobody tells of, and the least share of time in which they are left alone. */
const POLL_MS = 500
const IDLE_SHARE = 10

export class Chains implements Kind<KernelChain> {
  readonly name = 'chains'
  readonly same = sameChain
  readonly #options: ChainsOptions
  #detected: { readonly setting: string; readonly backend: Promise<Backend> } | undefined
  /** Readings since the last write. */
  #readings = Number.POSITIVE_INFINITY
  #readingMs = 0
  /** What was left in the iptables that is not used. Once there is nothing, nobody looks again. */
  #left: { readonly unused: Backend; readonly chains: readonly KernelChain[] } | undefined

  constructor(options: ChainsOptions) {
    this.#options = options
  }

  key(chain: KernelChain): string {
    return chain.leftIn ? `${chainKey(chain)} (${chain.leftIn})` : chainKey(chain)
  }

  /**
   * Until the next reading. A program that saved before our write and restores after it undoes it: a write is looked at
   * again and again, ever more seldom. Where no events tell of changes, all the time.
   */
  resyncMs(isTold: boolean): number {
    const { iptablesRefreshMs, iptablesPostWriteMs } = this.#options.settings
    if (iptablesRefreshMs === 0) return 0
    const poll = isTold ? iptablesRefreshMs : Math.max(POLL_MS, this.#readingMs * IDLE_SHARE)
    const afterWrite = iptablesPostWriteMs > 0 ? iptablesPostWriteMs * 2 ** this.#readings : iptablesRefreshMs
    return Math.min(iptablesRefreshMs, poll, afterWrite)
  }

  /** Which iptables is used. */
  backend(): Promise<Backend> {
    const setting = this.#options.settings.iptablesBackend
    if (this.#detected?.setting !== setting) {
      this.#detected = { setting, backend: detectBackend(this.#options.open, setting) }
    }
    return this.#detected.backend
  }

  /** Where there is no iptables there is nothing of ours: that is for `put` to say. */
  async read(): Promise<readonly KernelChain[]> {
    const backend = await this.backend()
    const left = await this.#leftIn(otherThan(backend))
    const begun = performance.now()
    const found = await Promise.all(FAMILIES.map((family) => this.#find(family, backend)))
    this.#readings++
    this.#readingMs = performance.now() - begun
    return [...found.flat(), ...left]
  }

  async put(chains: readonly KernelChain[]): Promise<readonly Refused[]> {
    this.#readings = 0
    const backend = await this.backend()
    return this.#write(chains, backend, (ours, found) => putText(ours, found))
  }

  async remove(chains: readonly KernelChain[]): Promise<readonly Refused[]> {
    const backend = await this.backend()
    const [left, used] = [chains.filter(({ leftIn }) => leftIn), chains.filter(({ leftIn }) => !leftIn)]
    const gone = (ours: readonly KernelChain[], found: readonly KernelChain[]): string => {
      const names = new Set(ours.map(({ name }) => name))
      return removeText(found.filter(({ name }) => names.has(name)))
    }
    return [
      ...(await this.#write(used, backend, gone)),
      ...(await this.#write(left, otherThan(backend), gone)),
    ]
  }

  /** In each family, all or nothing. */
  async #write(
    chains: readonly KernelChain[],
    backend: Backend,
    textFor: (ours: readonly KernelChain[], found: readonly KernelChain[]) => string,
  ): Promise<readonly Refused[]> {
    const refused: Refused[] = []
    for (const family of FAMILIES) {
      const ours = chains.filter((chain) => chain.family === family)
      if (ours.length === 0) continue
      const text = textFor(ours, await this.#find(family, backend))
      const reason = await this.#restore(family, backend, text)
      if (reason !== undefined)
        refused.push(...ours.map((chain) => ({ key: this.key(chain), reason, transient: false })))
    }
    return refused
  }

  get #marks(): Marks {
    return this.#options.marks ?? INHERITED_MARKS
  }

  /** Undefined when it is done, else why not. */
  async #restore(family: Family, backend: Backend, text: string): Promise<string | undefined> {
    const restore = this.#options.open(iptables(family, backend, 'restore'))
    return restore.feed(text, '--noflush', '--wait', '10').then(
      () => undefined,
      (error: CommandError) => cureFor(restore.name, error.stderr),
    )
  }

  async #find(family: Family, backend: Backend): Promise<readonly KernelChain[]> {
    const save = this.#options.open(iptables(family, backend, 'save'))
    return parseSave(await save.text('-t', 'nat').catch(() => ''), family, undefined, this.#marks)
  }

  async #leftIn(unused: Backend): Promise<readonly KernelChain[]> {
    if (this.#left?.unused !== unused || this.#left.chains.length > 0) {
      const found = await Promise.all(FAMILIES.map((family) => this.#findLeft(family, unused)))
      this.#left = { unused, chains: found.flat() }
    }
    return this.#left.chains
  }

  /** Without naming the table, which would load its module. */
  async #findLeft(family: Family, unused: Backend): Promise<readonly KernelChain[]> {
    const save = this.#options.open(iptables(family, unused, 'save'))
    return parseSave(await save.text().catch(() => ''), family, unused, this.#marks)
  }
}

function otherThan(backend: Backend): Backend {
  return backend === 'nft' ? 'legacy' : 'nft'
}
