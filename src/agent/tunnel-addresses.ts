// When the addresses of this node's tunnels are looked after: once the datastore is in sync and may be acted upon,
// whenever something they depend on changes, and again until nothing is left to do (Calico node/pkg/allocateip).

import { type Datastore, type ResourceKind, StoreError } from '../cluster/feed.ts'
import type { Block, IpPool } from '../cluster/model.ts'
import { defaultIpam } from '../cluster/resources/ipam-configuration.ts'
import { same } from '../cluster/same.ts'
import type { Change, ClusterView } from '../cluster/view.ts'
import type { Log } from '../edge/observe/log.ts'
import type { Address } from '../inet/address.ts'
import type { Ipam, IpamStore } from '../ipam/ipam.ts'
import { reconcilePodCidrAddress } from '../ipam/pod-cidr.ts'
import { type Outcome, reconcileTunnelAddresses } from '../ipam/tunnel-addresses.ts'
import { tunnels } from '../ipam/tunnels.ts'
import { tunnelAddresses } from '../plan/facts.ts'
import type { TimerClock } from '../reconcile/clock.ts'
import { retryMs } from './retry.ts'

export interface TunnelAddressesOptions {
  readonly datastore: Pick<Datastore, keyof IpamStore>
  readonly view: Pick<ClusterView, 'get' | 'all' | 'problems'>
  readonly nodename: string
  /** USE_POD_CIDR: addresses are not from Calico's IPAM. */
  readonly usePodCidr: boolean
  /** Pools as they were a moment ago. While others may still send to us so, the addresses they gave us stay. */
  readonly formerPools: () => readonly IpPool[]
  readonly clock: TimerClock
  /**
   * Whether the tunnel devices are there that are wanted, or the kernel has said why not. An address tells other nodes
   * that they may send, so it comes after the device.
   */
  readonly isPrepared: () => boolean
  /** Nanoseconds since 1970. */
  readonly now: () => bigint
  readonly log: Pick<Log, 'info' | 'warn'>
}

export class TunnelAddresses {
  readonly #options: TunnelAddressesOptions
  readonly #ipam: Ipam
  /** As they were when the run under way began: of those that come meanwhile the devices may not be there yet. */
  #pools: readonly IpPool[] = []
  #isAllowed = false
  #isRunning = false
  /** Something has changed since the last run began. */
  #isDue = true
  #failures = 0
  #warnings: readonly string[] = []
  #cancel: () => void = () => {}

  constructor(options: TunnelAddressesOptions) {
    const { view, clock, now } = options
    this.#options = options
    this.#ipam = {
      store: this.#store(),
      now,
      random: clock.random,
      config: () => view.get('IPAMConfiguration', 'default') ?? defaultIpam,
      pools: () => this.#pools,
      reservations: () => [...view.all('IPReservation')].flatMap(({ cidrs }) => cidrs),
    }
  }

  /** Whether the datastore is in sync and ready. Otherwise nothing is written, also not by a run under way. */
  allow(isAllowed: boolean): void {
    this.#isAllowed = isAllowed
    if (this.#isDue) void this.#run()
  }

  /** `isPrepared` may have another answer. */
  prepared(): void {
    if (this.#isDue) void this.#run()
  }

  /** Something in the cluster is different. */
  changed(change: Change): void {
    if (this.#concerns(change)) this.lookAgain()
  }

  /** `formerPools` may have another answer. */
  lookAgain(): void {
    this.#isDue = true
    void this.#run()
  }

  /** What is wrong now, in sentences. */
  get warnings(): readonly string[] {
    return this.#warnings
  }

  stop(): void {
    this.#isAllowed = false
    this.#cancel()
  }

  async #run(): Promise<void> {
    if (!this.#isAllowed || this.#isRunning || !this.#options.isPrepared()) return
    this.#cancel()
    this.#isRunning = true
    this.#isDue = false
    await this.#once().then(
      (outcome) => this.#succeeded(outcome),
      (error: Error) => this.#failed(error),
    )
    this.#isRunning = false
    if (this.#isDue && this.#failures === 0) void this.#run()
    else if (this.#isDue || this.#warnings.length > 0) this.#runLater()
  }

  async #once(): Promise<Outcome> {
    const { nodename, usePodCidr, view, formerPools } = this.#options
    const unknown = leaningOn.find((kind) => view.problems.has(kind))
    if (unknown && !usePodCidr) throw new StoreError('unauthorized', `${unknown} cannot be read`)
    this.#pools = [...view.all('IPPool'), ...formerPools()]
    return usePodCidr
      ? reconcilePodCidrAddress(this.#ipam.store, nodename)
      : reconcileTunnelAddresses(this.#ipam, nodename)
  }

  /** An address may come free at any time, also by nothing but the passing of it. */
  #runLater(): void {
    const { clock } = this.#options
    if (!this.#isAllowed) return
    this.#cancel = clock.after(retryMs(this.#failures, clock), () => {
      this.#isDue = true
      void this.#run()
    })
  }

  #succeeded({ changes, problems }: Outcome): void {
    const { log } = this.#options
    for (const { tunnel, before, after } of changes)
      log.info({ tunnel: tunnel.name, from: before, to: after }, 'tunnel address')
    this.#failures = problems.length > 0 ? this.#failures + 1 : 0
    this.#warn(problems)
  }

  #failed(error: Error): void {
    if (!(error instanceof StoreError)) throw error // ours, not the datastore's
    this.#isDue = true
    this.#failures++
    if (this.#isAllowed) this.#warn([`the tunnel addresses cannot be looked after: ${error.message}`])
  }

  #warn(warnings: readonly string[]): void {
    for (const warning of warnings)
      if (!this.#warnings.includes(warning)) this.#options.log.warn({ warning }, 'tunnel addresses')
    if (warnings.length === 0 && this.#warnings.length > 0)
      this.#options.log.info({}, 'tunnel addresses in order')
    this.#warnings = warnings
  }

  /** The datastore for as long as it may be written. */
  #store(): IpamStore {
    const { datastore } = this.#options
    const write =
      <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        if (this.#isAllowed) return work(...args)
        throw new StoreError('unavailable', 'the datastore must not be written now')
      }
    return {
      get: (...args) => datastore.get(...args),
      list: (kind) => datastore.list(kind),
      create: write((document) => datastore.create(document)),
      update: write((document) => datastore.update(document)),
      delete: write((kind, name, options) => datastore.delete(kind, name, options)),
    }
  }

  /** Blocks change all the time; of those that have our addresses only what is said about these counts. */
  #concerns({ kind, key, before, after }: Change): boolean {
    if (kind === 'IPPool' || kind === 'IPAMConfiguration' || kind === 'IPReservation') return true
    if (kind === 'Node')
      return key === `Node/${this.#options.nodename}` && !same(essence(before), essence(after))
    return (
      kind === 'IPAMBlock' && this.#lostAnAddress(before as Block | undefined, after as Block | undefined)
    )
  }

  #lostAnAddress(before: Block | undefined, after: Block | undefined): boolean {
    const node = this.#options.view.get('Node', this.#options.nodename)
    const held = node ? [...tunnelAddresses(node)] : []
    return held.some((address) => isOurs(before, address, node!.name) && !isOurs(after, address, node!.name))
  }
}

/** Who does not know all of these might take an address that is not to be had. */
const leaningOn: readonly ResourceKind[] = ['IPAMConfiguration', 'IPReservation']

function isOurs(block: Block | undefined, address: Address, node: string): boolean {
  const holder = block?.allocations.find((allocation) => allocation.address === address)
  return holder?.node === node && tunnels.some(({ type }) => type === holder.type)
}

/** The part of a Node that its tunnel addresses depend on. */
function essence(node: Change['after']): unknown {
  if (node?.kind !== 'Node') return undefined
  return { labels: node.labels, podCidrs: node.podCidrs, addresses: [...tunnelAddresses(node)] }
}
